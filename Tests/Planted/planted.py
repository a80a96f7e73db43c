"""Plants faults into a copy of the sources and looks whether the tests find them (design/reliability S13).

All faults of `faults.py` are compiled into one build, each behind a switch: `BILLING_TEST_FAULT=7` switches the seventh on, in the
tests and in the program alike. Those in files that are not compiled are written just for their own run. The sources themselves are
never touched.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import faults

ROOT = pathlib.Path(__file__).resolve().parents[2]
SWITCH = """internal import Glibc

/// The number of the planted fault that is switched on; 0 for none.
private let plantedFault = getenv("BILLING_TEST_FAULT").flatMap { Int(String(cString: $0)) } ?? 0

/// Whether this planted fault is switched on.
func planted(_ number: Int) -> Bool { plantedFault == number }
"""
FAILED = re.compile(r'^✘ Test (?!run with )(?:"(?P<words>[^"]+)"|(?P<name>[^ ]+)) .*(?:recorded an issue|failed after)', re.M)

SUITE = re.compile(r"^✘ Suite ([^ ]+) failed", re.M)


def copy(target):
    """Brings the tracked files of the tree to the scratch folder; what has not changed keeps its time, so that builds stay short."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout.decode().split("\0")
    wanted = {name for name in listed if name and (ROOT / name).is_file()}
    texts = {name: (ROOT / name).read_bytes() for name in wanted}
    return plant(texts), target


def plant(texts):
    """All compiled faults in place, each behind its switch."""
    targets = set()
    for number, fault in enumerate(faults.ALL, 1):
        if fault.get("live"):
            continue
        for name, old, new in fault["changes"]:
            text = texts[name].decode()
            if text.count(old) != 1:
                raise SystemExit(f"fault {number}, {fault['name']}: {name} has its place {text.count(old)} times")
            texts[name] = text.replace(old, new.replace("PLANTED", f"planted({number})")).encode()
            targets.add("/".join(name.split("/")[:2]))
    plant_schema(texts)
    targets.add("Sources/Persistence")
    for target in targets:
        texts[f"{target}/Planted.swift"] = SWITCH.encode()
    return texts


def plant_schema(texts):
    """The faults of the schema: each a migration of its own after the last one, where it is switched on."""
    name = "Sources/Persistence/Migrations.swift"
    text = texts[name].decode()
    last = max(int(number) for number in re.findall(r"Migration\((\d+),", text))
    added = "".join(
        f'        + (planted({number}) ? [Migration({last + 1}, "planted", Array({swift(fault["sql"])}.utf8))] : [])\n'
        for number, fault in enumerate(faults.ALL, 1) if "sql" in fault)
    place = text.rindex("    ]\n")
    texts[name] = (text[:place] + "    ]\n" + added + text[place + 6:]).replace(
        "static let all = [", "static let all: [Migration] = [").encode()


def swift(text):
    """A text as Swift writes it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def write(texts, target):
    """Writes what differs, and removes what is not wanted any more."""
    for name, content in texts.items():
        path = target / name
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        mode = (ROOT / name).stat().st_mode & 0o777 if (ROOT / name).exists() else 0o644
        path.chmod(mode)
    for path in target.rglob("*"):
        name = str(path.relative_to(target))
        if path.is_file() and not name.startswith(".build") and name not in texts:
            path.unlink()


class Live:
    """A fault in a file that is read when the tests run."""

    def __init__(self, fault, target):
        self.changes = fault["changes"] if fault.get("live") else []
        self.target = target
        self.kept = {}

    def __enter__(self):
        for name, old, new in self.changes:
            path = self.target / name
            text = path.read_text()
            if text.count(old) != 1:
                raise SystemExit(f"{name} has the fault's place {text.count(old)} times")
            self.kept[path] = text
            path.write_text(text.replace(old, new))

    def __exit__(self, *_):
        for path, text in self.kept.items():
            path.write_text(text)


def run(target, number, tests, limit):
    """Runs these suites with this fault on; what failed, and whether the run ended well."""
    temporary = target / ".build" / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    temporary.chmod(0o1777)
    environment = dict(
        os.environ, BILLING_TEST_FAULT=str(number), BILLING_BINARY=str(target / ".build/debug/billing"),
        TMPDIR=str(temporary))
    for name in ("BILLING_RUN_DIR", "BILLING_PORT", "BILLING_WORKERS", "BILLING_DATABASE_URL"):
        environment.pop(name, None)
    process = subprocess.Popen(
        ["swift", "test", "--skip-build", "--filter", tests], cwd=target, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 15)
        process.communicate()
        return ["(no end within the limit)"], False
    (target / ".build" / "last-run").write_text(output)
    failed = []
    for match in FAILED.finditer(output):
        name = match["words"] or match["name"]
        if name not in failed:
            failed.append(name)
    ran = re.search(r"Test run with (\d+) test", output)
    if process.returncode == 0 and (not ran or int(ran[1]) == 0):
        raise SystemExit(f"no test is called {tests}")
    if process.returncode != 0 and not failed:
        failed = ["(the run ended early)"]
    return failed, process.returncode == 0


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--scratch", default=str(ROOT / ".build" / "planted"))
    options.add_argument("--only", help="numbers of faults, 3,7")
    options.add_argument("--check", action="store_true", help="only look whether each fault has its place")
    options.add_argument("--limit", type=int, default=240, help="seconds for the tests of one fault")
    options = options.parse_args()
    target = pathlib.Path(options.scratch)
    texts, _ = copy(target)
    for fault in faults.ALL:
        for name, old, _ in fault["changes"] if fault.get("live") else []:
            if texts[name].decode().count(old) != 1:
                raise SystemExit(f"{fault['name']}: {name} does not have its place once")
    if options.check:
        print(f"{len(faults.ALL)} faults have their place")
        return 0
    write(texts, target)
    build = subprocess.run(
        ["swift", "build", "--build-tests"], cwd=target, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if build.returncode != 0:
        print(build.stdout[-4000:])
        return 1
    chosen = [int(n) for n in options.only.split(",")] if options.only else range(1, len(faults.ALL) + 1)
    every = "|".join(sorted({name for n in chosen for name in faults.ALL[n - 1]["tests"].split("|")}))
    failed, sound = run(target, 0, every, 2400)
    if not sound:
        # Tests that wait for something may fail on a machine that does other work: those once more, by themselves.
        suites = SUITE.findall((target / ".build" / "last-run").read_text())
        print("without any fault these failed:", ", ".join(failed), flush=True)
        if suites:
            failed, sound = run(target, 0, "|".join(suites), 1200)
    if not sound:
        print("without any fault these fail:", ", ".join(failed))
        print(f"what they said: {target}/.build/last-run")
        return 1
    missed = 0
    print("| # | fault | found by | s |\n|---|---|---|---|")
    for number in chosen:
        fault = faults.ALL[number - 1]
        begin = time.monotonic()
        with Live(fault, target):
            failed, sound = run(target, number, fault["tests"], options.limit)
        missed += sound
        names = "**not found**" if sound else ", ".join(failed[:3]) + (f" and {len(failed) - 3} more" if len(failed) > 3 else "")
        print(f"| {number} | {fault['name']} | {names} | {time.monotonic() - begin:.0f} |", flush=True)
    print(f"{len(list(chosen)) - missed} of {len(list(chosen))} planted faults found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
