"""Documents in the three formats of the interface: json, xml and xurl, from plain values."""

import json
import re
from urllib.parse import quote_plus
from xml.sax.saxutils import quoteattr

FORMATS = ["json", "xml", "xurl"]
MEDIA = {
    "json": "application/json",
    "xml": "application/xml",
    "xurl": "application/x-www-form-urlencoded",
}


def dashed(name):
    """`paymentOptions` as an XML element's name: `payment-options`."""
    return "".join("-" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("-")


def text_of(value):
    """A scalar as text, as xml and xurl carry it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def to_json(value):
    """The value as a json text with lines of moderate length: what fits on one line stays on it."""
    return _json(value, 0)


def _json(value, depth):
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or not value:
        return flat
    nested = any(isinstance(item, (dict, list)) for item in (value.values() if isinstance(value, dict) else value))
    if not nested and depth > 0 and len(flat) + 2 * depth <= 72:
        return flat
    inner, outer = "  " * (depth + 1), "  " * depth
    if isinstance(value, dict):
        lines = [f"{inner}{json.dumps(name)}: {_json(item, depth + 1)}" for name, item in value.items()]
        return "{\n" + ",\n".join(lines) + "\n" + outer + "}"
    return "[\n" + ",\n".join(inner + _json(item, depth + 1) for item in value) + "\n" + outer + "]"


def to_xml(value, element, interface, class_name=None):
    """The value as an XML text: scalars are attributes, objects and lists child elements (contract 2)."""
    lines = []
    _xml(value, element, interface.objects.get(class_name), interface, 0, lines)
    return "\n".join(lines)


def _xml(value, element, described, interface, depth, lines):
    indent = "  " * depth
    if isinstance(value, list):
        inner = described["element"] if described else "item"
        lines.append(f"{indent}<{element}>")
        for item in value:
            if isinstance(item, dict):
                _xml(item, inner, described, interface, depth + 1, lines)
            else:
                lines.append(f"{indent}  <{inner} value={quoteattr(text_of(item))}/>")
        lines.append(f"{indent}</{element}>")
        return
    fields = {field["name"]: field for field in described["fields"]} if described else {}
    attributes, children = [], []
    for name, item in value.items():
        # A list of numbers is one text, separated by commas.
        if isinstance(item, list) and item and all(isinstance(part, int) for part in item):
            item = ",".join(map(str, item))
        if isinstance(item, (dict, list)):
            inner = fields.get(name, {}).get("type", {}).get("object")
            children.append((item, dashed(name), interface.objects.get(inner)))
        else:
            attributes.append(f"{name}={quoteattr(text_of(item))}")
    end = ">" if children else "/>"
    head = f"{indent}<{element}"
    if attributes and len(head) + sum(len(part) + 1 for part in attributes) + len(end) <= 78:
        lines.append(head + " " + " ".join(attributes) + end)
    elif attributes:
        line = head
        for part in attributes:
            if len(line) + 1 + len(part) > 78:
                lines.append(line)
                line = f"{indent}    {part}"
            else:
                line += " " + part
        lines.append(line + end)
    else:
        lines.append(head + end)
    for item, name, inner in children:
        _xml(item, name, inner, interface, depth + 1, lines)
    if children:
        lines.append(f"{indent}</{element}>")


def to_xurl(value):
    """The value as pairs, each with its dotted name."""
    pairs = []

    def add(prefix, item):
        if isinstance(item, list) and item and all(isinstance(part, int) for part in item) and prefix:
            pairs.append((prefix, ",".join(map(str, item))))
        elif isinstance(item, (dict, list)):
            members = item.items() if isinstance(item, dict) else enumerate(item)
            for name, inner in members:
                add(f"{prefix}.{name}" if prefix else str(name), inner)
        else:
            pairs.append((prefix, text_of(item)))

    add("", value)
    return pairs


def xurl_text(pairs):
    """Pairs as one text, broken after `&` where a line grows long."""
    lines, line = [], ""
    for index, (name, value) in enumerate(pairs):
        part = f"{name}={quote_plus(value, safe='*')}" + ("&" if index + 1 < len(pairs) else "")
        if line and len(line) + len(part) > 76:
            lines.append(line)
            line = ""
        line += part
    lines.append(line)
    return "\n".join(lines)


def rendered(value, form, interface, class_name, is_list=False):
    """The value in one format, as the documentation shows it."""
    if form == "json":
        return to_json(value)
    if form == "xml":
        described = interface.objects.get(class_name)
        element = "object" if not described else described["plural"] if is_list else described["element"]
        return to_xml(value, element, interface, class_name)
    return xurl_text(to_xurl(value))


def narrowed(text, form, width=66):
    """A recorded document with its longer lines broken between members or attributes."""
    between = {"json": r', (?="[A-Za-z]\w*": )', "xml": r" (?=[A-Za-z]+=\")"}.get(form)
    if not between:
        return text
    lines = []
    for line in text.split("\n"):
        indent = " " * (len(line) - len(line.lstrip()))
        inner = indent + ("  " if form == "xml" and line.lstrip().startswith("<") else "")
        current = ""
        for part in re.split(between, line.strip()) if len(line) > width else [line.strip()]:
            joint = ", " if form == "json" else " "
            if not current:
                current = indent + part
            elif len(current) + len(joint) + len(part) > width:
                lines.append(current + joint.rstrip())
                current = inner + part
            else:
                current += joint + part
        lines.append(current)
    return "\n".join(lines)
