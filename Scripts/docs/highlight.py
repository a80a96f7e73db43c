"""Colours for the small languages of the examples: spans with a class a token, and nothing else."""

import re
from html import escape

from markupsafe import Markup

RULES = {
    "json": [
        ("name", r'"(?:[^"\\]|\\.)*"(?=\s*:)'),
        ("text", r'"(?:[^"\\]|\\.)*"'),
        ("blank", r"\{[A-Za-z]\w*\}|…"),
        ("number", r"-?\b\d+(?:\.\d+)?\b"),
        ("word", r"\b(?:true|false|null)\b"),
    ],
    "xml": [
        ("comment", r"<\?.*?\?>"),
        ("tag", r"</?[A-Za-z][\w-]*|/?>"),
        ("name", r"[A-Za-z_][\w-]*(?==)"),
        ("text", r'"[^"]*"'),
    ],
    "xurl": [
        ("name", r"(?:(?<=&)|(?<=\n)|^)[^=&\s]+(?==)"),
        ("blank", r"\{[A-Za-z]\w*\}|…"),
        ("mark", r"[=&]"),
    ],
    "shell": [
        ("comment", r"(?m)^#.*$"),
        ("text", r"'(?:[^'])*'"),
        ("blank", r'"?\$[A-Za-z_]\w*"?|\$\([^)]*\)'),
        ("word", r"(?m)^(?:curl|api)\b"),
        ("name", r"(?<=\s)--?[A-Za-z][\w-]*"),
    ],
    "http": [
        ("word", r"(?m)^(?:GET|PUT|POST|DELETE|HEAD|OPTIONS)\b"),
        ("name", r"(?m)^[A-Za-z][A-Za-z-]*(?=: )"),
    ],
}
MATCHERS = {
    language: re.compile("|".join(f"(?P<{name}>{pattern.replace('(?m)', '')})" for name, pattern in rules), re.M)
    for language, rules in RULES.items()
}


def highlight(text, language):
    """The text as markup."""
    matcher = MATCHERS.get(language)
    if not matcher:
        return Markup(escape(text, quote=False))
    parts, at = [], 0
    for found in matcher.finditer(text):
        parts.append(escape(text[at:found.start()], quote=False))
        parts.append(f'<span class="t-{found.lastgroup}">{escape(found.group(), quote=False)}</span>')
        at = found.end()
    parts.append(escape(text[at:], quote=False))
    return Markup("".join(parts))
