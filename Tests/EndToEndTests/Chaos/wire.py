"""A session of the superuser that stays open: SQL as text, rows as lists of texts, no program started for it."""

import socket
import struct


class Wire:
    """One connection to a server over its Unix socket, where it trusts us."""

    def __init__(self, folder, database, user="postgres"):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(f"{folder}/.s.PGSQL.5432")
        self.file = self.socket.makefile("rb")
        words = f"user\0{user}\0database\0{database}\0\0".encode()
        self.socket.sendall(struct.pack("!ii", len(words) + 8, 196608) + words)
        self.answer()

    def sql(self, text):
        """Runs statements; the rows of all of them."""
        body = text.encode() + b"\0"
        self.socket.sendall(b"Q" + struct.pack("!i", len(body) + 4) + body)
        return self.answer()

    def answer(self):
        """Reads up to ReadyForQuery."""
        rows, failure = [], None
        while True:
            kind, length = struct.unpack("!ci", self.file.read(5))
            body = self.file.read(length - 4)
            if kind == b"D":
                rows.append(fields(body))
            elif kind == b"E":
                failure = body.decode(errors="replace").replace("\0", " ")
            elif kind == b"Z":
                if failure:
                    raise RuntimeError(failure)
                return rows

    def close(self):
        """Ends the session."""
        self.socket.close()


def fields(body):
    """The texts of a row; null is the empty text."""
    found, at = [], 2
    for _ in range(struct.unpack("!h", body[:2])[0]):
        length = struct.unpack("!i", body[at:at + 4])[0]
        at += 4
        found.append("" if length < 0 else body[at:at + length].decode())
        at += max(length, 0)
    return found
