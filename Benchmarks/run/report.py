"""A measured row, the table of all of them, and the file of results."""

import os
import platform
import re
import statistics
import subprocess

HEAD = "| # | work | unit | product | baseline | baseline is | ratio | reach | aim | passed | notes | measured |"


class Row:
    """One row: what was measured in rounds, beside what, and what is to be reached.

    `compare` says what the reach is a figure of: "ratio" (medians, product / baseline), "difference" (product −
    baseline) or "value" (the product's median alone). Where less is better, the figure must not be above the reach.
    `reach` and `aim` are numbers or (number, words) or None; a row without reach is for information. `passed` given
    decides by itself.
    """

    def __init__(self, id, what, unit, higher_is_better, product, baseline=None, baseline_words="", reach=None,
                 aim=None, notes=None, compare=None, passed=None):
        self.id, self.what, self.unit, self.higher_is_better = id, what, unit, higher_is_better
        self.product, self.baseline = list(product), list(baseline) if baseline else None
        self.baseline_words = baseline_words
        self.reach, self.aim = reach, aim
        self.notes = [notes] if isinstance(notes, str) else list(notes or [])
        self.compare = compare or ("ratio" if self.baseline else "value")
        self.judged = passed

    @property
    def ratio(self):
        """Of the medians, product / baseline; None without a baseline."""
        if not self.baseline or not self.product:
            return None
        below = statistics.median(self.baseline)
        return statistics.median(self.product) / below if below else None

    @property
    def figure(self):
        """What the reach is compared with; None where nothing was measured."""
        if not self.product:
            return None
        if self.compare == "ratio":
            return self.ratio
        value = statistics.median(self.product)
        return value - statistics.median(self.baseline) if self.compare == "difference" else value

    @property
    def passed(self):
        """Whether the reach is reached; None where there is none to reach."""
        if self.judged is not None or self.reach is None:
            return self.judged
        return self.figure is not None and self.compares(number_of(self.reach))

    def compares(self, wanted):
        """Whether the figure is as good as a number."""
        return self.figure >= wanted if self.higher_is_better else self.figure <= wanted

    def cells(self):
        """The row's cells as texts."""
        ratio = ""
        if self.compare == "difference" and self.figure is not None:
            ratio = f"{self.figure:+.0f} {self.unit}"
        elif self.ratio is not None:
            ratio = f"{self.ratio:.2f}"
        passed = {True: "yes", False: "NO", None: "–"}[self.passed]
        return [self.id, self.what, self.unit, spread(self.product), spread(self.baseline), self.baseline_words, ratio,
                words_of(self.reach), words_of(self.aim), passed, "; ".join(self.notes)]


def number_of(wanted):
    """The number of a reach."""
    return wanted[0] if isinstance(wanted, (tuple, list)) else wanted


def words_of(wanted):
    """A reach in words."""
    if wanted is None:
        return ""
    return str(wanted[1]) if isinstance(wanted, (tuple, list)) else f"{wanted:g}"


def number(value):
    """A figure with as many digits as mean something."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def spread(samples):
    """Median, least and most of the rounds."""
    if not samples:
        return ""
    middle = number(statistics.median(samples))
    return middle if len(samples) == 1 else f"{middle} ({number(min(samples))}–{number(max(samples))})"


def place_of(id):
    """Where a row stands in the table: by its number, those without one at the end."""
    found = re.match(r"P(\d+)(.*)", id)
    return (0, int(found.group(1)), found.group(2)) if found else (1, 0, id)


def table(rows, measured, earlier=""):
    """The rows in Markdown, and those of an earlier text that were not measured again.

    `measured`: when and of which commit, in words.
    """
    lines = [(row.id, "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ")
                                       for cell in [*row.cells(), measured]) + " |") for row in rows]
    again = {row.id for row in rows}
    for line in earlier.splitlines():
        cells = line.strip("|").split(" | ")
        if line.startswith("| ") and len(cells) == HEAD.count("|") - 1 and cells[0].strip() not in again | {"#"}:
            lines.append((cells[0].strip(), line))
    lines.sort(key=lambda one: place_of(one[0]))
    return "\n".join([HEAD, "|" + "---|" * (HEAD.count("|") - 1)] + [line for _, line in lines])


def printed(rows):
    """The rows for a terminal: aligned, the notes below each."""
    names = ["#", "work", "product", "baseline", "ratio", "reach", "aim", "passed"]
    lines, notes = [names], [""]
    for row in rows:
        one = row.cells()
        lines.append([one[0], f"{one[1]} ({one[2]})", one[3], one[4], *one[6:10]])
        notes.append("; ".join(([f"baseline: {row.baseline_words}"] if row.baseline_words else []) + row.notes))
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    text = []
    for line, note in zip(lines, notes):
        text.append("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
        if note:
            text.append(" " * (widths[0] + 2) + note)
    return "\n".join(text)


def first_line(*words):
    """The first line that a command prints; empty when it cannot be had."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return ((done.stdout or done.stderr).strip().splitlines() or [""])[0].strip()


def machine(project):
    """What the figures were measured on: [(what, words)]."""
    processor = ""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"^model name\s*: (.*)$", file.read(), re.MULTILINE)
        processor = found.group(1) if found else platform.machine()
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = int(re.search(r"MemTotal:\s+(\d+)", file.read()).group(1)) // 1024
    commit = first_line("git", "-C", project, "rev-parse", "--short=12", "HEAD")
    changed = first_line("git", "-C", project, "status", "--porcelain", "--untracked-files=no")
    if not re.fullmatch("[0-9a-f]+", commit):
        commit, changed = "unknown", ""
    search = os.environ.get("PATH", "") + ":/usr/sbin"
    nginx = first_line("env", f"PATH={search}", "nginx", "-v").removeprefix("nginx version: ")
    php = first_line("env", f"PATH={search}", "php-fpm8.2", "-v").split(" (")[0]
    return [
        ("commit", commit + (" and changes that are not committed" if changed else "")),
        ("date", first_line("date", "-u", "+%Y-%m-%d %H:%M UTC")),
        ("kernel", platform.release()), ("processor", f"{processor}, {os.cpu_count()} cores, {memory} MB"),
        ("load average at the beginning", "{:.2f} {:.2f} {:.2f}".format(*os.getloadavg())),
        ("PostgreSQL", first_line("/usr/lib/postgresql/15/bin/postgres", "--version")),
        ("nginx", nginx), ("PHP", php), ("C compiler", first_line("gcc", "--version")),
        ("load from", first_line("wrk", "-v").split(" Copyright")[0] + ", "
         + first_line("/usr/lib/postgresql/15/bin/pgbench", "--version")),
    ]


def document(rows, facts, earlier=""):
    """The file of results; `facts` are those of `machine`. Rows of the `earlier` file that were not measured stay."""
    lines = ["# Results of `make bench`", "",
             "Written by `make bench WRITE=1`. Each figure is the median of the rounds (least–most); ratio is that "
             "of the medians, product to baseline. What the baselines do: `Benchmarks/README.md`. Differences under "
             "10 % are noise. A run replaces the rows that it measured; what stands above the table is of the last "
             "run, and older rows may have been measured with other settings. `*`: with changes that were not "
             "committed.", ""]
    lines += [f"- {what}: {words}" for what, words in facts if words]
    known = dict(facts)
    measured = f"{known['commit'][:12]}{'*' * ('changes' in known['commit'])} {known['date'][:10]}"
    lines += ["", table(rows, measured, earlier), ""]
    return "\n".join(lines)
