"""The hand-written pages: Markdown with a small front matter."""

import re

import markdown
from markupsafe import Markup

from highlight import highlight

LANGUAGES = {"json": "json", "xml": "xml", "sh": "shell", "bash": "shell", "": None}


class Page:
    """A Markdown file with `title:` and `order:` between lines of dashes before it."""

    def __init__(self, path):
        text = path.read_text(encoding="utf-8")
        self.slug, self.facts = path.stem, {}
        front = re.match(r"---\n(.*?)\n---\n", text, re.S)
        if front:
            for line in front.group(1).splitlines():
                name, _, value = line.partition(":")
                self.facts[name.strip()] = value.strip()
            text = text[front.end():]
        self.title = self.facts.get("title", self.slug.capitalize())
        self.order = int(self.facts.get("order", 1000))
        self.html, self.headings = rendered(text)
        # Definitions may be asked for by name.
        self.terms = re.findall(r'<dt id="([^"]+)">(.*?)</dt>', self.html)


def slugified(text):
    """A heading's text as the name of its anchor."""
    plain = re.sub(r"<[^>]+>|&[a-z]+;", "", text)
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "part"


def rendered(text):
    """Markdown as markup, with anchors at headings and terms; and the headings with their anchors."""
    html = markdown.markdown(text, extensions=["extra", "sane_lists"])
    taken, headings = set(), []

    def anchor(inner):
        name = base = slugified(inner)
        count = 2
        while name in taken:
            name, count = f"{base}-{count}", count + 1
        taken.add(name)
        return name

    def heading(found):
        level, inner = found.groups()
        name = anchor(inner)
        if level in "23":
            headings.append((int(level), name, re.sub(r"<[^>]+>", "", inner)))
        return f'<h{level} id="{name}"><a class="anchor" href="#{name}">{inner}</a></h{level}>'

    def code(found):
        # The text was escaped for a page already.
        plain = found.group(2).replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
        language = LANGUAGES.get(found.group(1) or "")
        if language is None and plain.startswith(("curl ", "( . ", "api ", "make ", "sudo ", "billing ")):
            language = "shell"
        kind = "code wrap" if language == "shell" else "code" if language else "code drawing"
        return f'<div class="{kind}"><pre tabindex="0"><code>{highlight(plain, language)}</code></pre></div>'

    html = re.sub(r"<h([1-4])>(.*?)</h\1>", heading, html)
    html = re.sub(r"<dt>(.*?)</dt>", lambda found: f'<dt id="{anchor(found.group(1))}">{found.group(1)}</dt>', html)
    html = re.sub(r'<pre><code(?: class="language-(\w+)")?>(.*?)</code></pre>', code, html, flags=re.S)
    html = html.replace("<table>", '<div class="wide" tabindex="0"><table>').replace("</table>", "</table></div>")
    return Markup(html), headings


def inline(text):
    """A sentence with Markdown in it, without a paragraph around it."""
    html = markdown.markdown(text)
    return Markup(re.sub(r"^<p>|</p>$", "", html))


def read(folder):
    """The pages of a folder, by their order; none where there is no folder."""
    if not folder.is_dir():
        return []
    return sorted((Page(path) for path in folder.glob("*.md")), key=lambda page: (page.order, page.slug))
