"""What schemathesis is told of this server beyond its OpenAPI document."""

import datetime

import schemathesis

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



def is_written(value):
    """Whether a form or a document has a way to write it: what was to be refused for nothing would be a good request."""
    return value not in (None, [], {})


@schemathesis.hook
def filter_query(context, query):
    return not isinstance(query, dict) or all(map(is_written, query.values()))


@schemathesis.hook
def filter_case(context, case):
    if case.media_type in (None, "application/json") or not isinstance(case.body, dict):
        return True
    return all(map(is_written, case.body.values()))


@schemathesis.hook
def before_call(context, case, kwargs):
    """A header is text, also where a link puts the number of an object into it."""
    for name, value in list((case.headers or {}).items()):
        if not isinstance(value, (str, bytes)):
            case.headers[name] = str(value)
