"""The recorded code samples: conversations that are kept as text (Tests/EndToEndTests/Samples/README.md)."""

import re

from documents import FORMATS


class Step:
    """A request and its answer, as recorded in one format."""

    def __init__(self, title):
        self.title = title
        self.prose, self.curl, self.request_headers, self.body = [], [], [], []
        self.method = self.path = self.status = None
        self.answer_headers, self.answer = [], []

    @property
    def request(self):
        return "\n".join([f"{self.method} {self.path}", *self.request_headers])


class Record:
    """What one file holds."""

    def __init__(self, text):
        self.title, self.prose, self.steps, self.end = "", [], [], []
        part = "title"
        for line in text.rstrip("\n").split("\n"):
            if line == "## In the end":
                part = "end"
            elif line.startswith("## "):
                self.steps.append(Step(line[3:]))
                part = "prose"
            elif part == "title":
                if not self.title:
                    self.title = line
                elif not set(line) <= {"="}:
                    self.prose.append(line)
            elif part == "end":
                self.end.append(line)
            else:
                part = self._take(line, part, self.steps[-1])

    @staticmethod
    def _take(line, part, step):
        if part == "prose" and line.startswith("curl "):
            part = "curl"
        if part == "curl":
            if line:
                step.curl.append(line)
            return "curl" if line else "request"
        if part in ("prose", "request"):
            called = re.fullmatch(r"(GET|PUT|POST|DELETE) (/\S+)", line)
            if called:
                step.method, step.path = called.groups()
                return "headers"
            if part == "prose":
                step.prose.append(line)
            return part
        if part in ("headers", "body") and line.startswith("--> "):
            step.status = line.split()[1]
            return "answer headers"
        if part == "headers":
            if not line:
                return "body"
            step.request_headers.append(line)
        elif part == "body":
            step.body.append(line)
        elif part == "answer headers":
            if not line:
                return "answer"
            step.answer_headers.append(line)
        elif part == "answer":
            step.answer.append(line)
        return part


class Sample:
    """A use case, recorded in some or all of the formats."""

    def __init__(self, folder):
        self.slug = folder.name
        self.records = {
            form: Record((folder / f"{form}.txt").read_text(encoding="utf-8"))
            for form in FORMATS
            if (folder / f"{form}.txt").exists()
        }
        first = next(iter(self.records.values()))
        # Each record's title ends in its format.
        self.title = re.sub(r", in (JSON|XML|xurl)$", "", first.title)
        self.prose, self.end = first.prose, first.end
        self.steps = [
            {"title": step.title, "prose": step.prose, "forms": self._forms(index)}
            for index, step in enumerate(first.steps)
        ]

    def _forms(self, index):
        return {form: record.steps[index] for form, record in self.records.items() if index < len(record.steps)}


def read(folder):
    """The samples below a folder that are recorded, in the order of their names; none where there is no folder."""
    if not folder.is_dir():
        return []
    return [
        Sample(path)
        for path in sorted(folder.iterdir())
        if path.is_dir() and any((path / f"{form}.txt").exists() for form in FORMATS)
    ]
