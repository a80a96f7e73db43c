"""The REST interface as a program sees it: https, HTTP Basic, each request in json, xml or xurl."""

import base64
import http.client
import json
import ssl
import urllib.parse
import xml.etree.ElementTree

MEDIA = {
    "json": "application/json",
    "xml": "application/xml",
    "xurl": "application/x-www-form-urlencoded",
}
BASE = "/api/v01"


def text(value):
    """A scalar as text, the same in all formats."""
    if value is True or value is False:
        return "true" if value else "false"
    return str(value)


def dashed(name):
    """The element of a member: paymentOptions is payment-options."""
    return "".join("-" + c.lower() if c.isupper() else c for c in name)


def encode(kind, root, fields):
    """A request's body: fields are scalars, lists of numbers (json only lists) or lists of objects."""
    fields = {name: value for name, value in fields.items() if value is not None}
    if kind == "json":
        # An id is a number there; invoiceList and codes are texts.
        return json.dumps({name: int(value) if name.endswith("Id") else value for name, value in fields.items()})
    if kind == "xml":
        return xml.etree.ElementTree.tostring(element(root, fields), encoding="unicode")
    return urllib.parse.urlencode(flat("", fields))


def element(name, fields):
    """One object as an element: scalars are attributes, lists are wrappers of items."""
    node = xml.etree.ElementTree.Element(name)
    for field, value in fields.items():
        if isinstance(value, list):
            wrapper = xml.etree.ElementTree.SubElement(node, dashed(field))
            for item in value:
                wrapper.append(element(dashed(field)[:-1], item))
        elif value is not None:
            node.set(field, text(value))
    return node


def flat(prefix, fields):
    """One object as names and values, nested ones with their place: paymentOptions.0.type."""
    pairs = []
    for field, value in fields.items():
        if isinstance(value, list):
            for place, item in enumerate(value):
                pairs += flat(f"{prefix}{field}.{place}.", item)
        elif value is not None:
            pairs.append((prefix + field, text(value)))
    return pairs


def decode(media, body):
    """An answer as dictionaries and lists of texts, whatever its format."""
    if media.startswith(MEDIA["json"]):
        return texts(json.loads(body))
    if media.startswith(MEDIA["xml"]):
        return tree(xml.etree.ElementTree.fromstring(body))
    return unflat(urllib.parse.parse_qsl(body, keep_blank_values=True, strict_parsing=bool(body)))


def texts(value):
    if isinstance(value, dict):
        return {name: texts(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [texts(item) for item in value]
    return text(value)


def tree(node):
    """An element as an object; one without attributes is a list, as no object of ours is empty."""
    if not node.attrib:
        return [tree(child) for child in node]
    value = dict(node.attrib)
    for child in node:
        words = child.tag.split("-")
        value[words[0] + "".join(word.capitalize() for word in words[1:])] = tree(child)
    return value


def unflat(pairs):
    root = {}
    for name, value in pairs:
        place = root
        parts = name.split(".")
        for part in parts[:-1]:
            place = place.setdefault(part, {})
        if parts[-1] in place:
            raise ValueError(f"{name} comes twice")
        place[parts[-1]] = value
    return lists(root)


def lists(value):
    if not isinstance(value, dict):
        return value
    if value and all(name.isdigit() for name in value):
        return [lists(value[name]) for name in sorted(value, key=int)]
    return {name: lists(member) for name, member in value.items()}


class Refusal(Exception):
    """An answer that is not 2xx: its status, failure code and words."""

    def __init__(self, status, code, words):
        super().__init__(f"{status} {code} {words}")
        self.status, self.code, self.words = status, code, words


class Client:
    """One service user's connection, kept between requests."""

    def __init__(self, port, authority, user, password):
        context = ssl.create_default_context(cafile=authority)
        self.connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=120)
        secret = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.headers = {"Authorization": "Basic " + secret}
        self.requests = 0

    def call(self, method, path, root=None, fields=None, send="json", accept="json"):
        """Runs one action; the answer read, or Refusal."""
        headers = dict(self.headers, Accept=MEDIA[accept])
        body = None
        if fields is not None:
            if method == "GET":
                pairs = [(name, value) for name, value in fields.items() if value is not None]
                path += "?" + urllib.parse.urlencode(pairs)
            else:
                body = encode(send, root, fields).encode()
                headers["Content-Type"] = MEDIA[send]
        self.requests += 1
        self.connection.request(method, BASE + path, body, headers)
        answer = self.connection.getresponse()
        content = answer.read().decode()
        media = answer.getheader("Content-Type", "")
        if media.startswith("text/plain"):
            return content
        value = decode(media, content)
        if answer.status >= 300:
            raise Refusal(answer.status, value["failureCode"], value["failureMessage"])
        # An empty list has no names to tell it by in xurl.
        return value

    def find(self, path, accept="json", **filters):
        """All rows of a collection, page by page."""
        rows = []
        while True:
            page = self.call("GET", path, None, dict(filters, offset=len(rows), limit=1000), accept=accept)
            page = page if isinstance(page, list) else list(page.values())
            rows += page
            if len(page) < 1000:
                return rows
