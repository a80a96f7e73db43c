"""Measures the product beside its baselines, in rounds that alternate, and prints one table.

    bench.py [--quick] [--only P1,P5] [--write] [--breakdown]

Rows are functions in modules: `ROWS = [("P1 P2", function, seconds, seconds when quick)]`, where
`function(quick, seconds)` gives a Row or several; a row may be named by any of its ids; one with 0 seconds when quick
is left out then. A module may have `close()`, called after its last row, `FACTS()`, which says how it was set up, and
`BREAKDOWN = [(ids, function)]`, where `function(quick)` gives Markdown.
"""

import argparse
import importlib
import os
import signal
import sys
import time
import traceback

import report

HERE = os.path.dirname(os.path.abspath(__file__))
PROJECT = os.path.dirname(os.path.dirname(HERE))
MODULES = ("request_rows", "process_rows", "billing_rows", "find_rows")
RESULTS = f"{PROJECT}/docs/benchmarks/results.md"


def modules():
    """The modules of rows that are there."""
    found = []
    for name in MODULES:
        if os.path.exists(f"{HERE}/{name}.py"):
            found.append(importlib.import_module(name))
    return found


def ids_of(names):
    """The ids of a row's names, in small letters."""
    return {word.lower() for word in names.split()}


def wanted_ids(text):
    """The ids of a list with commas or spaces, in small letters."""
    return {word.lower() for word in text.replace(",", " ").split()}


def measure(parts, wanted, quick):
    """Runs the rows that are wanted; the rows and how many could not be measured."""
    rows, failures = [], 0
    for part in parts:
        chosen = [one for one in part.ROWS if (not wanted and (one[3] or not quick)) or wanted & ids_of(one[0])]
        try:
            for names, function, full, short in chosen:
                began = time.monotonic()
                print(f"bench: {names} …", file=sys.stderr, flush=True)
                try:
                    made = function(quick, (short or 10) if quick else full)
                except Exception:  # The other rows are measured all the same.
                    failures += 1
                    print(f"bench: {names} could not be measured:\n{traceback.format_exc()}", file=sys.stderr)
                    continue
                made = made if isinstance(made, list) else [made]
                rows += [row for row in made if row is not None]
                took = time.monotonic() - began
                for row in made:
                    print(f"bench:   {row.id}: {' | '.join(cell for cell in row.cells()[3:5] if cell)}"
                          f" {row.unit} ({took:.0f} s)", file=sys.stderr, flush=True)
        finally:
            getattr(part, "close", lambda: None)()
    return rows, failures


def breakdowns(parts, wanted, quick):
    """The texts of where the time goes."""
    told = []
    for part in parts:
        try:
            for names, function in getattr(part, "BREAKDOWN", []):
                if not wanted or wanted & ids_of(names):
                    print(f"bench: where the time of {names} goes …", file=sys.stderr, flush=True)
                    told.append(function(quick))
        finally:
            getattr(part, "close", lambda: None)()
    return told


def main():
    """Measures what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    truth = {name: os.environ.get(name, "") not in ("", "0") for name in ("QUICK", "WRITE")}
    parser.add_argument("--quick", action="store_true", default=truth["QUICK"], help="smaller and shorter")
    parser.add_argument("--write", action="store_true", default=truth["WRITE"], help="write docs/benchmarks/results.md")
    parser.add_argument("--only", default=os.environ.get("ONLY", ""), help="ids of rows: P1,P5")
    parser.add_argument("--breakdown", nargs="?", const="-", metavar="FILE",
                        help="in place of the rows, where the time goes, as Markdown")
    options = parser.parse_args()
    if options.write and options.quick:
        parser.error("figures of --quick are not written: they only show that it works")
    # What ends this process ends everything: the guard of each stack waits for that.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    wanted = wanted_ids(options.only)
    facts = report.machine(PROJECT)
    parts = modules()
    known = {name for part in parts for row in [*part.ROWS, *getattr(part, "BREAKDOWN", [])] for name in ids_of(row[0])}
    if wanted - known:
        sys.exit(f"bench: there is no row {', '.join(sorted(wanted - known))}")
    if options.breakdown:
        text = "\n\n".join(breakdowns(parts, wanted, options.quick)) + "\n"
        if options.breakdown == "-":
            print(text)
        else:
            with open(options.breakdown, "w", encoding="utf-8") as file:
                file.write(text)
        return
    if os.getloadavg()[0] > 0.5:
        print(f"bench: other programs run here (load average {os.getloadavg()[0]:.1f}): the figures count little",
              file=sys.stderr)
    began = time.monotonic()
    rows, failures = measure(parts, wanted, options.quick)
    if not os.path.realpath(os.environ.get("BILLING_BINARY", "")).startswith(os.path.realpath(PROJECT) + "/"):
        facts.append(("program", "from elsewhere (BILLING_BINARY): the commit is that of the benchmarks"))
    facts.append(("command", "make bench" + (" QUICK=1" if options.quick else "")
                  + (f" ONLY={options.only}" if options.only else "")))
    facts += settings(parts)
    rows.sort(key=lambda row: report.place_of(row.id))
    print("\n" + report.printed(rows))
    print("\n" + "\n".join(f"{what}: {words}" for what, words in facts if words))
    missed = [row.id for row in rows if row.passed is False]
    print(f"\nbench: {len(rows)} rows in {time.monotonic() - began:.0f} s; "
          f"below the reach: {', '.join(missed) or 'none'}" + (f"; not measured: {failures}" if failures else ""))
    if options.write:
        with open(RESULTS, encoding="utf-8") as file:
            earlier = file.read()
        with open(RESULTS, "w", encoding="utf-8") as file:
            file.write(report.document(rows, facts, earlier))
        print(f"bench: written to {os.path.relpath(RESULTS)}")
    # A row below its reach is a finding; only what could not be measured is a failure.
    sys.exit(1 if failures else 0)


def settings(parts):
    """What the modules say about how they were set up."""
    return [fact for part in parts for fact in getattr(part, "FACTS", lambda: [])()]


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
