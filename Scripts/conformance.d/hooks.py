"""What schemathesis is told of this server beyond its OpenAPI document."""

import ast
import datetime
import re
import threading

import schemathesis

# Python 3.11 counts the depth of a syntax tree for all threads together: two that parse at once stumble (SystemError).
parse, parsing = ast.parse, threading.RLock()


def parse_alone(*arguments, **options):
    with parsing:
        return parse(*arguments, **options)


ast.parse = parse_alone

FURTHEST = datetime.timedelta(days=40)
START = datetime.date(2027, 1, 1)


def whole(value):
    """Money and numbers are integers here; that 712.0 is one is JSON Schema's view. The server refuses it: 49.0 was meant as dollars."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(item) for item in value]
    if isinstance(value, dict):
        return {name: whole(item) for name, item in value.items()}
    return value


@schemathesis.hook
def map_body(context, body):
    """A clock goes forward only: keep it within reach, else one case takes it to the year 9999 and bills its way there."""
    body = whole(body)
    if context.operation.definition.raw.get("operationId") != "advanceClock" or not isinstance(body, dict):
        return body
    try:
        day = datetime.date.fromisoformat(str(body.get("to"))[:10])
    except ValueError:
        return body
    if day > START + FURTHEST:
        body = {**body, "to": (START + datetime.timedelta(days=day.toordinal() % FURTHEST.days)).isoformat()}
    return body



# What no XML document can hold; schemathesis leaves it out when it writes one.
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def is_written(value):
    """Whether a form or a document has a way to write it: what was to be refused for nothing would be a good request."""
    return value not in (None, [], {})


def is_writable_in_xml(value):
    if isinstance(value, dict):
        return all(is_writable_in_xml(part) for item in value.items() for part in item)
    if isinstance(value, list):
        return all(map(is_writable_in_xml, value))
    return not (isinstance(value, str) and NOT_IN_XML.search(value))


@schemathesis.hook
def filter_query(context, query):
    return not isinstance(query, dict) or all(map(is_written, query.values()))


@schemathesis.hook
def filter_case(context, case):
    if case.media_type in (None, "application/json") or not isinstance(case.body, dict):
        return True
    if "xml" in case.media_type and not is_writable_in_xml(case.body):
        return False
    return all(map(is_written, case.body.values()))


@schemathesis.hook
def before_call(context, case, kwargs):
    """A header is text, also where a link puts the number of an object into it."""
    for name, value in list((case.headers or {}).items()):
        if not isinstance(value, (str, bytes)):
            case.headers[name] = str(value)
