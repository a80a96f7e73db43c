"""S1: the rules themselves over books and a processor in memory (Tests/Simulation); one seed is one history."""

import os
import re
import subprocess
import zlib

from report import Result

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PROGRAM = os.path.join(ROOT, ".build", "release", "simulate")
HISTORIES = 10_000


def simulated(seed, seconds, short=False):
    """So many histories from a seed on, or as many as the time allows."""
    del short
    first = int(seed) if seed.isdigit() else zlib.crc32(seed.encode()) % 10**6
    run = subprocess.run(
        [PROGRAM, "--seed", str(first), "--seeds", str(HISTORIES), "--minutes", str(max(1, round(seconds / 60)))],
        capture_output=True, text=True, check=False)
    result = Result("S1", "simulated histories", seed)
    said = run.stdout.strip().splitlines()
    last = said[-1] if said else ""
    for number, what in re.findall(r"(seeds|steps|simulated years|crashes) (\d+)", last):
        result.inject(number, int(what))
    for what, number in re.findall(r"(\w+) (\d+)", re.sub(r"^.*?\(|\).*$", "", last)):
        result.tell(what, int(number))
    if run.returncode:
        result.verdict.broken += said[-40:] or [run.stderr[-2000:] or "the simulator said nothing"]
    result.tell("first seed", str(first))
    return result


TESTS = [("S1", simulated, 6, 0)]
