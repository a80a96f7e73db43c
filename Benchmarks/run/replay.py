"""The product's own statements for others to run: as scripts of pgbench, for the C worker, for PHP.

Several recorded exchanges of one kind are laid over each other. A parameter that is the same in all of them is a
constant; one that follows something known (the customer's id, a number that a sequence gave meanwhile) is written as
that; what is left (a token, a sealed number) becomes another text of the same length each time.
"""

import os
import re

from recorder import TYPES

# Statements of the login, and what is due now and then only: whoever is compared does neither.
LOGIN = ("user.", "login.")
NOW_AND_THEN = ("session.",)


class Parameter:
    """A parameter of a statement: a constant (None is null), or something known between two texts, or a nonce."""

    def __init__(self, type_name, constant=None, before="", fact=None, after="", nonce=False):
        self.type, self.constant, self.before, self.fact, self.after = type_name, constant, before, fact, after
        self.nonce = nonce


class Step:
    """One statement with its parameters, and whether it belongs to another connection than the one before."""

    def __init__(self, role, asked, parameters):
        self.role, self.name, self.sql, self.types = role, asked.name, asked.sql, asked.types
        self.parameters = parameters


def steps_of(exchanges, roles=("billing_api",), login=False, rounds=False):
    """The statements of all these exchanges, which must have the same ones, in their order.

    A list of lists: each inner one is what may go out in one round trip, as nothing lies between that is decided
    elsewhere; with `rounds` it is what the product sends in one. What another role asks for is left out, but parts
    what is before from what is after.
    """
    flat = [[((role, at) if rounds else role, one) for at, (role, asked) in enumerate(each.rounds) for one in asked
             if not one.name.startswith(NOW_AND_THEN + (() if login else LOGIN))] for each in exchanges]
    shapes = {tuple((at[0] if rounds else at, one.name) for at, one in each) for each in flat}
    if len(shapes) != 1:
        raise RuntimeError(f"the same request does not ask the same each time: {shapes}")
    groups, last = [], None
    for number, (at, first) in enumerate(flat[0]):
        role = at[0] if rounds else at
        if at != last:
            groups.append([])
            last = at
        if role in roles:
            groups[-1].append(Step(role, first, [
                parameter([each[number][1].values[index] for each in flat], TYPES[first.types[index]],
                          [each.facts for each in exchanges])
                for index in range(len(first.types))]))
    return [group for group in groups if group]


def parameter(values, type_name, facts):
    """What a parameter is, from its values in all exchanges and what was known of each."""
    if len(set(values)) == 1:
        return Parameter(type_name, values[0])
    if None in values:
        raise RuntimeError("a parameter is null in some exchanges only")
    for name in facts[0]:
        if any(name not in each for each in facts):
            continue
        places = [value.find(each[name]) for value, each in zip(values, facts)]
        if -1 in places:
            continue
        around = {(value[:at], value[at + len(each[name]):]) for value, each, at in zip(values, facts, places)}
        if len(around) == 1:
            before, after = around.pop()
            return Parameter(type_name, None, before, name, after)
    before = os.path.commonprefix(values)
    after = os.path.commonprefix([value[len(before):][::-1] for value in values])[::-1]
    middle = values[0][len(before):len(values[0]) - len(after)]
    # A text of the same length, the end of which is a number that is another each time.
    digits = min(len(middle), 12)
    return Parameter(type_name, None, before + middle[:len(middle) - digits], digits, after, nonce=True)


def pgbench(steps, before=()):
    """A script of pgbench, one pipeline a group, and the constants: (text, {variable: value}).

    `before` are its first lines, which set what the facts name.
    """
    lines, constants = list(before), {}
    if any(one.nonce for group in steps for step in group for one in step.parameters):
        lines.append("\\set nonce random(0, 999999999999)")
    for group in steps:
        lines.append("\\startpipeline")
        for step in group:
            lines.append(numbered(step, lambda one: in_pgbench(one, constants)) + ";")
        lines.append("\\endpipeline")
    return "\n".join(lines) + "\n", constants


def in_pgbench(one, constants):
    """A parameter in a script of pgbench."""
    if one.nonce:
        text = f"lpad((:nonce::bigint % {10 ** one.fact})::text, {one.fact}, '0')"
    elif one.fact:
        # currval is volatile: by itself in a condition it would keep the server from using an index.
        text = f"(select {one.fact})" if one.fact.startswith("currval") else f"({one.fact})"
    elif one.constant is None:
        return f"null::{one.type}"
    else:
        name = next((name for name, value in constants.items() if value == one.constant), f"c{len(constants)}")
        constants[name] = one.constant
        return f":{name}::{one.type}"
    plain = one.type in ("bigint", "integer", "smallint")
    if plain and not one.before + one.after:
        return f"{text}::{one.type}"
    if one.type == "bigint[]" and (one.before, one.after) == ('{"', '"}'):
        return f"array[{text}::bigint]"
    if one.type == "text[]" and one.before.startswith('{"') and one.after.endswith('"}') and "\\" not in one.before:
        return f"array[{literal(one.before[2:])} || {text}::text || {literal(one.after[:-2])}]"
    texts = [literal(part) for part in (one.before,) if part] + [f"{text}::text"]
    texts += [literal(part) for part in (one.after,) if part]
    return f"({' || '.join(texts)})::{one.type}"


def literal(text):
    """A text in SQL, in a way that pgbench finds no variable in."""
    quoted = text.replace("'", "''")
    return "E'" + quoted.replace("\\", "\\\\").replace(":", "\\x3a") + "'" if "\\" in text or ":" in text \
        else f"'{quoted}'"


def numbered(step, spell):
    """A statement's text with its parameters spelled out, and nothing in its literals that looks like a variable."""
    parts = re.split(r"('(?:[^']|'')*')", step.sql)
    for index, part in enumerate(parts):
        if index % 2:
            parts[index] = literal(part[1:-1].replace("''", "'"))
        else:
            parts[index] = re.sub(r"\$(\d+)", lambda found: spell(step.parameters[int(found[1]) - 1]), part)
    return "".join(parts)


def in_c(steps, fact=":customer"):
    """The statements as a C header; parameters follow the one fact, as texts."""
    lines = ["/* Written by the bench: the statements of the product. */"]
    entries = []
    for number, step in enumerate(step for group in steps for step in group):
        known = []
        for one in step.parameters:
            if one.nonce or one.fact not in (None, fact):
                raise RuntimeError(f"{step.name} has a parameter that only the product knows")
            value = one.before if one.fact else one.constant
            known.append(f"{{{c_text(value)}, {c_text(one.after if one.fact else None)}}}")
        lines.append(f"static const Oid types{number}[] = {{{', '.join(map(str, step.types)) or 0}}};")
        lines.append(f"static const struct parameter parameters{number}[] = {{{', '.join(known) or '{0, 0}'}}};")
        entries.append(f"{{{c_text(step.sql)}, {len(step.parameters)}, types{number}, parameters{number}}}")
    lines.append("static const struct statement statements[] = {\n    " + ",\n    ".join(entries) + "\n};")
    return "\n".join(lines) + "\n"


def c_text(text):
    """A text in C; 0 for none."""
    if text is None:
        return "0"
    return '"' + "".join(
        char if char.isalnum() or char in " .,()=<>*'_-+;{}[]" else "".join(f"\\{byte:03o}" for byte in char.encode())
        for char in text) + '"'


def in_php(steps, fact=":customer"):
    """The statements as a PHP array: name => [text, function of the id that gives the parameters]."""
    entries = []
    for number, step in enumerate(step for group in steps for step in group):
        known = []
        for one in step.parameters:
            if one.nonce or one.fact not in (None, fact):
                raise RuntimeError(f"{step.name} has a parameter that only the product knows")
            known.append(f"{php_text(one.before)} . $id . {php_text(one.after)}" if one.fact
                         else php_text(one.constant))
        cast = re.sub(r"\$(\d+)", lambda found, step=step: f"${found[1]}::{step.parameters[int(found[1]) - 1].type}",
                      step.sql)
        entries.append(f"    'bench{number}' => [{php_text(cast)}, fn($id) => [{', '.join(known)}]],")
    return "[\n" + "\n".join(entries) + "\n]"


def php_text(text):
    """A text in PHP; null for none."""
    return "null" if text is None else "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
