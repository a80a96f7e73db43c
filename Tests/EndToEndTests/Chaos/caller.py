"""A careful caller of the REST interface: it repeats a request under its Idempotency-Key until it has an answer.

An answer is a 2xx or a definite refusal (4xx). No answer is: a connection that ends or is refused, a time-out, 503,
429, and 409 with `Retry-After`, which says that the first request under the key is still running, or open at the
processor. 500 is an answer that must never come; so is such a 409 without `Retry-After`, which callers may take for a
refusal: it is repeated, too, and reported as broken.
"""

import base64
import collections
import http.client
import itertools
import os
import re
import ssl
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Model"))

from client import BASE, MEDIA, decode, encode  # noqa: E402

FORMATS = ("json", "xml", "xurl")
WITHOUT = " without Retry-After"
# The root elements of requests in XML, by the end of the path.
ROOTS = {
    "customers": "customer", "plans": "plan", "payment-options": "payment-option", "subscriptions": "subscription",
    "transactions": "transaction", "~process": "processing-request", "~advance": "clock", "accounts": "account",
    "~freeze": "freeze", "~cancel": "cancel", "~pause": "pause", "~resume": "resume", "~reverse": "reverse",
}


def still_running(status, names, answer):
    """Whether an answer says that the first request under the key has no outcome yet."""
    if status != 409:
        return False
    words = answer.get("failureMessage", "") if isinstance(answer, dict) else ""
    return "retry-after" in names or words.startswith("the first request under this Idempotency-Key is ")


def met(status, names, answer):
    """What a caller met in place of an answer, in words: raw is what nginx says in words of its own."""
    code = answer.get("failureCode", "") if isinstance(answer, dict) else ""
    if status in (502, 504) or not code:
        return f"raw {status}"
    return f"{status} {code}" + ("" if "retry-after" in names else WITHOUT)


def not_met(error):
    """What a caller met who got nothing, in words."""
    return f"no answer: {type(error).__name__}"


class NoAnswer(Exception):
    """There was no answer within the caller's patience."""


class Line:
    """One request of the journal and what it was answered."""

    __slots__ = ("kind", "method", "path", "key", "tag", "customer", "fields", "status", "answer", "headers", "sent",
                 "failures", "began", "ended")

    def __init__(self, kind, method, path, key, tag, customer, fields):
        self.kind, self.method, self.path, self.key, self.fields = kind, method, path, key, fields
        # What the request leaves behind to find it by, and whose it is: said by the caller, else read off the request.
        self.tag = tag or (fields or {}).get("code") or (fields or {}).get("note")
        owner = re.match("/customers/([0-9]+)/", path)
        self.customer = customer or (int(owner.group(1)) if owner else None)
        self.status, self.answer, self.headers = None, None, {}
        self.sent, self.failures = 0, []
        self.began, self.ended = time.monotonic(), None

    @property
    def ok(self):
        """Whether it was acknowledged."""
        return self.status is not None and self.status < 300

    @property
    def code(self):
        """The failure code of a refusal."""
        return self.answer.get("failureCode") if isinstance(self.answer, dict) else None

    @property
    def id(self):
        """The id of what was made."""
        return int(self.answer["id"]) if self.ok and isinstance(self.answer, dict) and "id" in self.answer else None

    def __str__(self):
        words = self.answer.get("failureMessage", "") if isinstance(self.answer, dict) else ""
        asked = f"{self.method} {self.path} tag {self.tag}"
        return f"{asked}: {self.status} {self.code or ''} {words} after {self.sent} sends"


class Journal:
    """All requests that change something, of all callers of a merchant account."""

    def __init__(self):
        self.lines = []
        # What reads met in place of an answer.
        self.reads_met = []
        self.lock = threading.Lock()

    def add(self, line):
        """Notes a request, before it is sent for the first time."""
        with self.lock:
            self.lines.append(line)

    def acknowledged(self):
        """What was answered with a 2xx."""
        return [line for line in self.lines if line.ok]

    def unanswered(self):
        """What has had no answer at all: nothing is known of it."""
        return [line for line in self.lines if line.status is None]

    def repeated(self):
        """What was answered only after it had been sent more than once."""
        return [line for line in self.lines if line.status is not None and line.sent > 1]

    def repetitions(self):
        """How often requests were sent again."""
        return sum(max(0, line.sent - 1) for line in self.lines)

    def met(self):
        """What callers met before their answers, counted."""
        found = [words for line in self.lines for words in line.failures]
        return collections.Counter([*found, *self.reads_met])

    def unclear(self):
        """What was told of a request still open in a way that callers may take for a refusal."""
        return [line for line in self.lines
                if any(words.startswith("409") and words.endswith(WITHOUT) for words in line.failures)]

    def broken(self):
        """Answers that must never come: 500."""
        return [line for line in self.lines if line.status is not None and line.status >= 500]


class Caller:
    """One kept connection of a service user; one request at a time."""

    def __init__(self, merchant, journal=None, patience=120, timeout=45):
        self.merchant, self.journal = merchant, journal if journal is not None else Journal()
        self.patience, self.timeout = patience, timeout
        self.context = ssl.create_default_context(cafile=merchant.stack.authority)
        pair = f"{merchant.user}:{merchant.password}".encode()
        self.headers = {"Authorization": "Basic " + base64.b64encode(pair).decode()}
        self.connection = None
        self.stopped = threading.Event()

    def close(self):
        """Ends the connection."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def once(self, method, path, fields=None, headers=None, send="json", accept="json"):
        """Sends a request once: status, headers in small letters, the answer read. Failures to connect get out."""
        if self.connection is None:
            self.connection = http.client.HTTPSConnection(
                "localhost", self.merchant.stack.port, context=self.context, timeout=self.timeout)
        sent = dict(self.headers, Accept=MEDIA[accept], **(headers or {}))
        body = None
        if fields is not None and method == "GET":
            path += "?" + urllib.parse.urlencode([pair for pair in fields.items() if pair[1] is not None])
        elif fields is not None:
            root = ROOTS.get(path.rstrip("/").rsplit("/", 1)[-1], "request")
            if root == "request":
                root = ROOTS[path.rstrip("/").rsplit("/", 2)[-2]]
            body = encode(send, root, fields).encode()
            sent["Content-Type"] = MEDIA[send]
        try:
            self.connection.request(method, BASE + path, body, sent)
            answer = self.connection.getresponse()
            content = answer.read().decode()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        names = {name.lower(): value for name, value in answer.getheaders()}
        media = names.get("content-type", "")
        # What is in no format of ours, as a page of nginx's own, stays a text.
        value = decode(media, content) if content and media.startswith(tuple(MEDIA.values())) else content
        return answer.status, names, value

    def change(self, kind, method, path, fields=None, key=None, tag=None, customer=None, send="json", accept="json"):
        """Sends a request that changes something until it is answered; its Line. NoAnswer when patience ends."""
        line = Line(kind, method, path, key, tag, customer, fields)
        self.journal.add(line)
        return self.repeat(line, send, accept)

    def repeat(self, line, send="json", accept="json"):
        """Sends a noted request, again and again until it is answered."""
        headers = {"Idempotency-Key": line.key} if line.key else {}
        end = time.monotonic() + self.patience
        for turn in itertools.count():
            line.sent += 1
            try:
                status, names, answer = self.once(line.method, line.path, line.fields, headers, send, accept)
            except (OSError, http.client.HTTPException) as error:
                line.failures.append(not_met(error))
            else:
                if status not in (429, 502, 503, 504) and not still_running(status, names, answer):
                    line.status, line.headers, line.answer = status, names, answer
                    line.ended = time.monotonic()
                    return line
                line.failures.append(met(status, names, answer))
            if time.monotonic() > end or self.stopped.is_set():
                raise NoAnswer(f"{line.method} {line.path}: {line.failures[-3:]}")
            self.stopped.wait(min(0.01 * 1.5 ** min(turn, 8), 0.25))

    def read(self, path, accept="json", **filters):
        """Reads until there is an answer; Refusal-like ValueError when it is refused."""
        end = time.monotonic() + self.patience
        while True:
            try:
                status, names, answer = self.once("GET", path, filters or None, None, "json", accept)
            except (OSError, http.client.HTTPException) as error:
                status, answer = 0, not_met(error)
            if 200 <= status < 300:
                return answer
            if status not in (0, 429, 502, 503, 504):
                raise ValueError(f"GET {path}: {status} {answer}")
            self.journal.reads_met.append(met(status, names, answer) if status else answer)
            if time.monotonic() > end or self.stopped.is_set():
                raise NoAnswer(f"GET {path}: {status} {answer}")
            self.stopped.wait(0.02)

    def find(self, path, **filters):
        """All rows of a collection, page by page."""
        rows = []
        while True:
            page = self.read(path, offset=len(rows), limit=1000, **filters)
            rows += page
            if len(page) < 1000:
                return rows

    def advance(self, to):
        """Moves the merchant account's clock; the Line."""
        return self.change("advance", "POST", f"/accounts/{self.merchant.account}/clock/~advance", {"to": to})
