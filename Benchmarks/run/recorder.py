"""What the program asks its database, read by a proxy: the statements, their parameters, and how they are grouped."""

import datetime
import struct

from proxy import Director


class Asked:
    """One statement that was run: its name, its text, the types of its parameters and their values as texts."""

    def __init__(self, name, sql, types, values):
        self.name, self.sql, self.types, self.values = name, sql, types, values


class Exchange:
    """One request to the product, the rounds to the database that it took: [(role, [Asked])], and what is known of it.

    `facts` are expressions and the values that they had: {":customer": "540001", "currval('billing.x_ids')": "77"}.
    `size` is the length of the answer.
    """

    def __init__(self, rounds, facts, answer, size):
        self.rounds, self.facts, self.answer, self.size = rounds, facts, answer, size


class Recording(Director):
    """Notes every round; what `begin` and `take` lie around belongs to one request."""

    def __init__(self):
        self.prepared = {}
        self.options = {}
        self.rounds = []

    def begin(self):
        """Forgets what was noted."""
        self.rounds = []

    def take(self):
        """What was noted: (role, statements) of each round that ran any, in their order."""
        found, self.rounds = self.rounds, []
        return [(role, asked) for role, asked in found if asked]

    async def answer(self, session, one):
        """The answer has come: the request and the answer are whole."""
        if one.number == 0:
            self.options.setdefault(session.options.get("user"), dict(session.options))
            return
        role = session.options.get("user")
        known = self.prepared.setdefault(id(session), {})
        self.rounds.append((role, read(one.request, one.answer, known)))


def messages(data):
    """The messages of a stretch: (kind, body)."""
    at = 0
    while at + 5 <= len(data):
        length = struct.unpack_from("!i", data, at + 1)[0]
        yield data[at:at + 1], data[at + 5:at + 1 + length]
        at += 1 + length


def read(request, answer, known):
    """The statements of one round. `known` is what the session has prepared: {name: [sql, types]}."""
    asked, waiting = [], []
    described = [body for kind, body in messages(answer) if kind == b"t"]
    for kind, body in messages(request):
        if kind == b"P":
            name, sql, rest = body.split(b"\0", 2)
            count = struct.unpack_from("!h", rest)[0]
            known[name] = [sql.decode(), list(struct.unpack_from(f"!{count}I", rest, 2))]
        elif kind == b"D" and body[:1] == b"S":
            waiting.append(body[1:].rstrip(b"\0"))
        elif kind == b"B":
            asked.append(bound(body, known))
    for name, body in zip(waiting, described):
        count = struct.unpack_from("!h", body)[0]
        known[name][1] = list(struct.unpack_from(f"!{count}I", body, 2))
    return asked


def bound(body, known):
    """The statement of a Bind message."""
    _, name, rest = body.split(b"\0", 2)
    sql, types = known[name]
    at = 2
    formats = struct.unpack_from("!h", rest)[0]
    codes = struct.unpack_from(f"!{formats}h", rest, at)
    at += 2 * formats
    count = struct.unpack_from("!h", rest, at)[0]
    at += 2
    values = []
    for number in range(count):
        length = struct.unpack_from("!i", rest, at)[0]
        at += 4
        if length < 0:
            values.append(None)
            continue
        raw = rest[at:at + length]
        at += length
        binary = codes[number if len(codes) > 1 else 0] if codes else 0
        values.append(text_of(types[number], raw) if binary else raw.decode())
    return Asked(name.decode(), sql, types, values)


# The types that the client knows (Sources/Postgres/Parameter.swift), by their numbers in PostgreSQL.
TYPES = {
    16: "boolean", 17: "bytea", 20: "bigint", 21: "smallint", 23: "integer", 25: "text", 114: "json", 701: "float8",
    1042: "bpchar", 1043: "varchar", 1082: "date", 1114: "timestamp", 1184: "timestamptz", 1700: "numeric",
    2950: "uuid", 3802: "jsonb", 1000: "boolean[]", 1001: "bytea[]", 1005: "smallint[]", 1007: "integer[]",
    1009: "text[]", 1016: "bigint[]", 1182: "date[]", 1185: "timestamptz[]",
}


def text_of(oid, raw):
    """A binary value in the server's own notation of texts."""
    if oid in (20, 21, 23):
        return str(int.from_bytes(raw, "big", signed=True))
    if oid == 16:
        return "true" if raw[0] else "false"
    if oid == 17:
        return "\\x" + raw.hex()
    if oid == 1082:
        return str(datetime.date(2000, 1, 1) + datetime.timedelta(days=int.from_bytes(raw, "big", signed=True)))
    if oid in (1114, 1184):
        since = datetime.timedelta(microseconds=int.from_bytes(raw, "big", signed=True))
        return f"{datetime.datetime(2000, 1, 1) + since}{'+00' if oid == 1184 else ''}"
    if oid == 3802:
        return raw[1:].decode()
    if TYPES.get(oid, "").endswith("[]"):
        return array_of(raw)
    if oid in (25, 114, 1042, 1043):
        return raw.decode()
    raise ValueError(f"a parameter of type {oid} in binary cannot be read")


def array_of(raw):
    """A binary array as a text."""
    dimensions, _, element = struct.unpack_from("!iii", raw)
    if dimensions == 0:
        return "{}"
    count = struct.unpack_from("!i", raw, 12)[0]
    at, parts = 20, []
    for _ in range(count):
        length = struct.unpack_from("!i", raw, at)[0]
        at += 4
        if length < 0:
            parts.append("NULL")
            continue
        word = text_of(element, raw[at:at + length]).replace("\\", "\\\\").replace('"', '\\"')
        parts.append(f'"{word}"')
        at += length
    return "{" + ",".join(parts) + "}"
