"""The pages of the documentation."""

import hashlib
import json
import re
import shutil

import jinja2
from markupsafe import Markup

import samples
import texts
from documents import FORMATS, MEDIA, narrowed, rendered, to_xurl, xurl_text
from highlight import highlight
from interface import words

TITLES = {"json": "JSON", "xml": "XML", "xurl": "xurl"}
MARKS = {
    "X": ("extension", "An extension: the vendor's API does not have it."),
    "D": ("", "Decided for this server, where the vendor's documentation is silent."),
    "V": ("", ""),
}
MODES = {"R": "read-only", "C": "create-only", "W": "writable"}


class Site:
    """Renders all pages into a folder."""

    def __init__(self, interface, catalogue, openapi, project, out):
        self.interface, self.openapi, self.out = interface, openapi, out
        self.tables = {table["name"]: table for table in catalogue["tables"]}
        here = project / "Scripts" / "docs"
        self.assets = here / "assets"
        self.guides = texts.read(project / "docs" / "guide")
        self.intros = {page.slug: page for page in texts.read(project / "docs" / "resources")}
        self.samples = samples.read(project / "Tests" / "EndToEndTests" / "Samples")
        self.changelog = (project / "CHANGELOG.md").read_text(encoding="utf-8")
        self.index = []
        self.families = interface.resource_families()
        self.columns = {
            f"{table['name']}.{column['name']}" for table in catalogue["tables"] for column in table["columns"]
        }
        self.shown = self._fields_of_columns()
        self.templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(here / "templates"), autoescape=True, trim_blocks=True,
            lstrip_blocks=True, undefined=jinja2.StrictUndefined,
        )
        self.templates.filters |= {
            "words": words, "inline": texts.inline, "slug": texts.slugified, "object_slug": object_slug,
            "title": lambda name: words(name)[:1].upper() + words(name)[1:],
        }
        self.templates.tests |= {
            "has_column": self.columns.__contains__,
            "match_letter": lambda code, letter: code.startswith(letter),
        }
        self.templates.globals |= {
            "interface": interface, "guides": self.guides, "families": self.families, "samples": self.samples,
            "MARKS": MARKS, "MODES": MODES, "TITLES": TITLES, "FORMATS": FORMATS, "MEDIA": MEDIA,
            "limits": limits, "tables": self.tables,
            "used_in": self._uses(), "highlight": highlight, "stamp": self._stamp(),
        }

    def build(self):
        shutil.copytree(self.assets, self.out / "assets")
        self._page("", "home.html", "Billing API", nav="")
        for guide in self.guides:
            self._guide(guide)
        for family, actions in self.families.items():
            self._resource(family, actions)
        self._objects()
        self._enumerations()
        self._failures()
        self._samples()
        self._schema()
        html, headings = texts.rendered(re.sub(r"\A# .*\n", "", self.changelog))
        self._page("changelog/", "text.html", "Changelog", html=html, headings=[], intro="")
        (self.out / "assets" / "search.json").write_text(
            json.dumps(self.index, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
        self._not_found()

    def _stamp(self):
        """Changes with the program and the assets, so that browsers keep nothing that is old."""
        digest = hashlib.sha256(json.dumps(self.interface.document).encode())
        for path in sorted(self.assets.iterdir()):
            digest.update(path.read_bytes())
        for page in (*self.guides, *self.samples):
            digest.update(page.title.encode())
        return digest.hexdigest()[:10]

    # Pages ------------------------------------------------------------------------------------------------------

    def _page(self, address, template, title, **values):
        folder = self.out / address
        folder.mkdir(parents=True, exist_ok=True)
        depth = address.count("/")
        values = {"nav": address, "title": title, "root": "../" * depth or "./", "page": address} | values
        html = self.templates.get_template(template).render(values)
        (folder / "index.html").write_text(html, encoding="utf-8")
        if address:
            self._find(title, address, "page", "")

    def _not_found(self):
        html = self.templates.get_template("missing.html").render(
            nav=None, title="Not found", root="/docs/", page="404")
        (self.out / "404.html").write_text(html, encoding="utf-8")

    def _find(self, title, address, kind, text):
        """Puts an entry into the search index."""
        plain = re.sub(r"<[^>]+>|[`*]", "", str(text))
        self.index.append([title, address, kind, plain[:160]])

    def _guide(self, guide):
        html = self._crossed(guide.html, "../")
        self._page(f"{guide.slug}/", "text.html", guide.title, html=html, headings=guide.headings, intro="")
        for _, anchor, heading in guide.headings:
            self._find(Markup(heading).unescape(), f"{guide.slug}/#{anchor}", guide.title, "")
        for anchor, term in guide.terms:
            self._find(re.sub(r"<[^>]+>", "", term), f"{guide.slug}/#{anchor}", "term", "")

    def _resource(self, family, actions):
        title = words(family)[:1].upper() + words(family)[1:]
        intro = self.intros.get(family)
        for action in actions:
            called = ", ".join(f"{method} {action.path}" for method in action.methods)
            self._find(action.title, f"{family}/#{action.anchor}", "action", f"{called}. {action.meaning}")
            for row in action.parameters:
                self._find(
                    row["name"], f"{family}/#{action.anchor}.{row['name']}", f"parameter of {action.title.lower()}",
                    row["meaning"])
        described = [
            {
                "action": action,
                "requests": self._requests(action),
                "answers": self._answers(action),
                "takes": self._taken(action),
                "groups": self._grouped(action.failures),
            }
            for action in actions
        ]
        self._page(
            f"{family}/", "resource.html", title, family=family, described=described,
            intro=self._linked(intro.html) if intro else "")

    def _linked(self, html):
        """Text of a resource without its links to guides that are not there."""
        known = {guide.slug for guide in self.guides} | set(self.families)
        html = re.sub(
            r'<a href="\.\./([a-z-]+)/">(.*?)</a>',
            lambda found: found.group() if found.group(1) in known else found.group(2), html)
        return self._crossed(html, "../")

    def _crossed(self, html, root):
        """Text in which each failure code and each code of a processor's answer leads to its meaning."""
        responses = {row["code"] for row in self.interface.enumerations["responseCode"]["codes"]}

        def link(found):
            code = found.group()
            if code in self.interface.failures and code != "E02":
                return f'<a href="{root}failure-codes/#{code}">{code}</a>'
            if code in responses:
                return f'<a href="{root}enumerations/#responseCode.{code}">{code}</a>'
            return code

        parts, inside = re.split(r"(<[^>]+>)", html), 0
        for number, part in enumerate(parts):
            tag = re.match(r"<(/?)(a|pre|h[1-6])\b", part)
            if tag:
                inside += -1 if tag.group(1) else 1
            elif inside == 0 and not part.startswith("<"):
                parts[number] = re.sub(r"\b[A-Z][0-9]{2}\b", link, part)
        return Markup("".join(parts))

    def _objects(self):
        interface = self.interface
        for name, described in interface.objects.items():
            address = f"objects/{object_slug(name)}/"
            taken = [action for action in interface.actions if action.consumes == name]
            returned = [action for action in interface.actions if action.returns == name]
            holders = [
                (other, field["name"])
                for other, row in interface.objects.items() for field in row["fields"]
                if field["type"].get("object") == name
            ]
            value = interface.answer_example(name) or described["creation"]
            if not returned and not holders and taken:
                value = described["creation"]
            examples = {
                form: self._code(rendered(value, form, interface, name), form) for form in FORMATS
            }
            self._page(
                address, "object.html", name, described=described, taken=taken, returned=returned, holders=holders,
                examples=examples, nav="objects/")
            self._find(name, address, "object", described["meaning"])
            for field in described["fields"]:
                self._find(f"{name}.{field['name']}", f"{address}#{field['name']}", "field", field["meaning"])
        self._page("objects/", "objects.html", "Objects")

    def _enumerations(self):
        self._page("enumerations/", "enumerations.html", "Type enumerations")
        for name, row in self.interface.enumerations.items():
            self._find(name, f"enumerations/#{name}", "enumeration", "")
            if name != "failureCode":
                for code in row["codes"]:
                    self._find(
                        code["code"], f"enumerations/#{name}.{code['code']}", f"code of {name}", code["meaning"])

    def _failures(self):
        actions = {
            code: [action for action in self.interface.actions if code in action.failures]
            for code in self.interface.failures
        }
        self._page("failure-codes/", "failures.html", "Failure codes", actions_of=actions)
        for code, row in self.interface.failures.items():
            self._find(code, f"failure-codes/#{code}", f"failure code, {row['status']}", row["meaning"])

    def _samples(self):
        for number, sample in enumerate(self.samples):
            steps = [
                {
                    "title": step["title"],
                    "slug": texts.slugified(step["title"]),
                    "prose": self._crossed(texts.rendered("\n".join(step["prose"]))[0], "../../"),
                    "forms": {form: self._exchange(recorded, form) for form, recorded in step["forms"].items()},
                    "first": next(iter(step["forms"].values())),
                }
                for step in sample.steps
            ]
            address = f"samples/{sample.slug}/"
            end = texts.rendered(indented_lists(sample.end))[0] if any(sample.end) else ""
            self._page(
                address, "sample.html", sample.title, steps=steps, nav=address, end=end,
                prose=self._crossed(texts.rendered("\n".join(sample.prose))[0], "../../"),
                before=self.samples[number - 1] if number else None,
                after=self.samples[number + 1] if number + 1 < len(self.samples) else None)
            for step in steps:
                self._find(step["title"], f"{address}#{step['slug']}", "code sample", sample.title)
        self._page(
            "samples/", "samples.html", "Code samples",
            beginnings={sample.slug: texts.inline(first_paragraph(sample.prose)) for sample in self.samples})

    def _schema(self):
        self._page("schema/", "schema.html", "Schema", shown=self.shown, object_of=self._objects_of_tables())
        for name, table in self.tables.items():
            self._find(name, f"schema/#{name}", table["kind"], table["comment"] or "")
            for column in table["columns"]:
                self._find(
                    f"{name}.{column['name']}", f"schema/#{name}.{column['name']}", "column", column["comment"] or "")

    # Parts ------------------------------------------------------------------------------------------------------

    def _code(self, text, language):
        return {"text": text, "html": highlight(text, language)}

    def _joined(self, *parts):
        """Texts in languages of their own, one below the other with an empty line between."""
        blocks = [self._code(text, language) for text, language in parts if text]
        return {"text": "\n\n".join(block["text"] for block in blocks),
                "html": Markup("\n\n").join(block["html"] for block in blocks)}

    def _requests(self, action):
        """An example request in each format: what is sent, and the same as a curl command."""
        interface = self.interface
        value = interface.request_example(action)
        method = "POST" if "POST" in action.methods else action.methods[0]
        path = interface.filled_path(action)
        query = ""
        if value is None and action.parameters:
            pairs = to_xurl(interface.parameter_example(action))
            query = "?" + xurl_text(pairs) if pairs else ""
        requests = {}
        for form in FORMATS:
            head = [f"{method} {interface.base}{path}{query}"]
            shell = 'curl --cacert "$BILLING_CA" \\\n  -u "$BILLING_USER:$BILLING_PASSWORD" \\\n  '
            shell += "" if method == "GET" else f"-X {method} "
            shell += f'"$BILLING_URL{path}{query}"'
            body = None
            if value is not None:
                head.append(f"Content-Type: {MEDIA[form]}")
                name = action.consumes or action.action
                if action.consumes:
                    body = rendered(value, form, interface, name)
                elif form == "xml":
                    attributes = " ".join(f'{key}="{item}"' for key, item in value.items())
                    body = f"<{action.action} {attributes}".rstrip() + "/>"
                else:
                    body = rendered(value, form, interface, None)
                shell += f" \\\n  -H 'Content-Type: {MEDIA[form]}'"
                sent = json.dumps(value, ensure_ascii=False, separators=(",", ":")) if form == "json" else "".join(
                    line.strip() + " " * line.endswith(('"', "'")) for line in body.split("\n")).strip()
                if sent:
                    shell += " \\\n  -d '" + sent.replace("'", "'\\''") + "'"
            if form != "json" and value is None:
                shell += f" \\\n  -H 'Accept: {MEDIA[form]}'"
            if value is None:
                head.append(f"Accept: {MEDIA[form]}")
            requests[form] = {
                "whole": self._joined(("\n".join(head), "http"), (body, form)),
                "curl": self._code(shell, "shell"),
            }
        return requests

    def _answers(self, action):
        """An example answer in each format."""
        value = self.interface.result_example(action)
        if action.isList and len(json.dumps(value)) < 60:
            value *= 2
        return {
            form: self._code(rendered(value, form, self.interface, action.returns, action.isList), form)
            for form in FORMATS
        }

    def _exchange(self, step, form):
        """A recorded request and its answer."""
        return {
            "request": self._joined((step.request, "http"), (narrowed("\n".join(step.body).strip(), form), form)),
            "curl": self._code("\n".join(step.curl), "shell") if step.curl else None,
            "status": step.status,
            "answer": self._joined(("\n".join(step.answer_headers), "http"), (narrowed("\n".join(step.answer).strip(), form), form)),
        }

    def _taken(self, action):
        """The fields that an action takes in its body, each with whether it is needed."""
        if not action.consumes:
            return []
        modifying = action.action == "modify"
        fields = self.interface.objects[action.consumes]["fields"]
        return [
            {"field": field, "needed": field["required"] and not modifying}
            for field in fields
            if field["mode"] == "W" or field["mode"] == "C" and not modifying
        ]

    def _grouped(self, codes):
        """Failure codes by their status."""
        found = {}
        for code in codes:
            found.setdefault(self.interface.failures[code]["status"], []).append(code)
        return sorted(found.items())

    def _uses(self):
        """Where each enumeration is used: (what, address)."""
        uses = {name: [] for name in self.interface.enumerations}
        for name, described in self.interface.objects.items():
            for field in described["fields"]:
                kind = field["type"].get("enumeration")
                if kind or field["name"] == "responseCode":
                    uses[kind or "responseCode"].append(
                        (f"{name}.{field['name']}", f"objects/{object_slug(name)}/#{field['name']}"))
        for action in self.interface.actions:
            for row in action.parameters:
                kind = row["type"].get("enumeration")
                if kind:
                    uses[kind].append(
                        (f"{action.title}: {row['name']}", f"{action.family}/#{action.anchor}.{row['name']}"))
        return uses

    def _fields_of_columns(self):
        """The fields that show each column."""
        found = {}
        for name, described in self.interface.objects.items():
            for field in described["fields"]:
                for column in field["columns"]:
                    found.setdefault(column, []).append((name, field["name"]))
        return found

    def _objects_of_tables(self):
        found = {}
        for name, described in self.interface.objects.items():
            if described["table"]:
                found.setdefault(described["table"], []).append(name)
        return found


def object_slug(name):
    """`PaymentOption` as a part of an address: `payment-option`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def limits(kind):
    """What a type allows, in words; nothing where its name says it all."""
    if kind["kind"] == "integer":
        low, high = kind["minimum"], kind["maximum"]
        if high >= 9007199254740991:
            return f"at least {low:,}" if low > -9007199254740991 else ""
        return f"{low:,} to {high:,}"
    if kind["kind"] == "text" and "rule" in kind:
        return kind["rule"].removeprefix("must be ").removeprefix("must have ")
    if kind["kind"] == "integerList":
        return f"at most {kind['maxCount']} numbers, {kind['minimum']} to {kind['maximum']} each"
    return ""


def first_paragraph(lines):
    text = "\n".join(lines).strip()
    return " ".join(text.split("\n\n")[0].split())


def indented_lists(lines):
    """The end of a record as Markdown: lines under an item are lines of a list of their own."""
    return "\n".join(f"    - {line.strip()}" if line.startswith("  ") else line for line in lines)
