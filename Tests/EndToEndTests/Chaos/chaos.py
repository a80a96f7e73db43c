"""Crashes the product from outside, again and again, and looks whether anything was lost or done twice.

    chaos.py [--seed WORD] [--minutes N] [--only S3,S5] [--short] [--json FILE]

Each part of the harness is a module with TESTS: rows of test, function, weight of its share of the minutes (0: only
when short), seconds it may take when short (0: not then). The function is called with seed, seconds and whether it is
to be short, and gives one Result, or several. All are printed as a table; the exit status is 1 when anything broke,
was lost or was done twice. BILLING_BINARY is the program.
"""

import argparse
import concurrent.futures
import ctypes
import importlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import traceback

import report
import stack

PARTS = ["selfcheck", "simulator", "crash_points", "resent", "taken_over", "storms", "cutting", "reload", "overload",
         "outages", "occupied", "interleavings", "shortened"]
PR_SET_PDEATHSIG = 1
# Before the results of a test's process, after whatever it has printed.
RESULTS = "results: "
# These measure: nothing else may run beside them.
ALONE = {"S7"}


def tests():
    """All tests of all parts: (test, part, name of the function, weight, short seconds)."""
    found = []
    for part in PARTS:
        if os.path.exists(os.path.join(os.path.dirname(os.path.abspath(__file__)), part + ".py")):
            module = importlib.import_module(part)
            found += [(test, part, function.__name__, weight, short)
                      for test, function, weight, short in getattr(module, "TESTS", [])]
    return found


def run(test, part, name, seed, seconds, short):
    """Runs one test; its results as dicts. Whatever ends it is a broken result."""
    # The death of the harness ends this process, and that its stacks.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    began = time.monotonic()
    try:
        found = getattr(importlib.import_module(part), name)(seed, seconds, short)
        results = [one if isinstance(one, dict) else one.as_dict()
                   for one in (found if isinstance(found, list) else [found])]
    except Exception:  # Any failure of a test is a failure to prove.
        one = report.Result(test, name.replace("_", " "), seed)
        one.verdict.broken.append("the test itself failed: " + traceback.format_exc())
        results = [one.as_dict()]
    for one in results:
        one["seconds"] = round(time.monotonic() - began, 1)
        one.setdefault("function", name)
    return results


def run_apart(*task):
    """Runs one test in a process of its own; its results as dicts."""
    done = subprocess.run([sys.executable, os.path.abspath(__file__), "--one", json.dumps(task)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    try:
        return json.loads(done.stdout.rpartition(RESULTS)[2])
    except ValueError:
        one = report.Result(task[0], task[2].replace("_", " "), task[3])
        one.verdict.broken.append(f"the test's process ended with {done.returncode}: {done.stdout[-1000:]}")
        return [dict(one.as_dict(), seconds=0, function=task[2])]


def tell(results):
    """Says at once how a test went."""
    for one in results:
        state = "sound" if report.is_sound(one) else "BROKEN"
        print(f"chaos: {one['test']} {one['name']}: {state} after {one['seconds']} s", flush=True)
        for line in report.complaints(one):
            print("  " + line, flush=True)


def choose(only, short, parser):
    """The rows asked for, by test or function; a name that is none of either ends it all with status 2."""
    wanted = {word.strip().lower() for word in only.split(",") if word.strip()}
    rows = tests()
    unknown = wanted - {name.lower() for row in rows for name in (row[0], row[2])}
    if unknown:
        parser.error(f"there is no test {', '.join(sorted(unknown))}")
    # What has no weight, or no short seconds, is not in that kind of run unless it is named.
    chosen = [row for row in rows if (not wanted or {row[0].lower(), row[2].lower()} & wanted)
              and (row[4 if short else 3] or row[2].lower() in wanted)]
    if not chosen:
        parser.error(f"nothing of {only} is in this kind of run: name the function")
    return chosen


def main():
    """Runs what was asked for and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seed", default=os.environ.get("SEED") or str(random.SystemRandom().randrange(10**6)))
    parser.add_argument("--minutes", type=float, default=float(os.environ.get("MINUTES") or 60))
    parser.add_argument("--only", default=os.environ.get("ONLY") or "")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--at-once", type=int, default=0, help="tests side by side (1; short: 4)")
    parser.add_argument("--json", help="a file for all results")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(RESULTS + json.dumps(run(*json.loads(options.one))))
        return
    chosen = choose(options.only, options.short, parser)
    if options.short:
        # The longest first, so that the end of the run does not wait for one.
        chosen.sort(key=lambda row: -row[4])
    print(f"chaos: seed {options.seed}", flush=True)
    began = time.monotonic()
    template = stack.make_template()
    try:
        results = run_all(chosen, options)
    finally:
        template.end()
    results.sort(key=lambda one: (int(one["test"].strip("S")), one["name"]))
    print("\n" + report.table(results))
    broken = [one for one in results if not report.is_sound(one)]
    print(f"\nchaos: {len(results)} tests, {len(broken)} broken, {time.monotonic() - began:.0f} s, seed {options.seed}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
    sys.exit(1 if broken else 0)


def run_all(chosen, options):
    """Runs the tests chosen, side by side where they may; all results."""
    weight = sum(row[3] for row in chosen) or 1
    results = []
    at_once = options.at_once or (4 if options.short else 1)
    for group in ([row for row in chosen if row[0] not in ALONE], [row for row in chosen if row[0] in ALONE]):
        with concurrent.futures.ThreadPoolExecutor(1 if group and group[0][0] in ALONE else at_once) as pool:
            waiting = []
            for test, part, name, share, short in group:
                seconds = (short or 15) if options.short else options.minutes * 60 * share / weight
                waiting.append(pool.submit(run_apart, test, part, name, options.seed, seconds, options.short))
            for one in concurrent.futures.as_completed(waiting):
                results += one.result()
                tell(one.result())
    return results


if __name__ == "__main__":
    main()
