"""S7: more than the server can do: two and five times its capacity in an open loop, which does not slow down with it.

One worker, and writes that cost something, so that this machine can offer five times as much. Capacity is what a
closed loop gets through. Reached: goodput of 90 % of it, all others refused (503, 429) within 50 ms (99 of 100 of them;
the slowest within 250 ms), and normal again within 5 s.
"""

import time

import soundness
from caller import Caller
from hammer import Hammering
from report import Result
from stack import Stack

REFUSED = ("503", "429")
# Milliseconds within which 99 % of the refusals, and all of them, are there.
QUICK, SLOWEST = 50, 250


def median(values):
    """The one in the middle."""
    return sorted(values)[len(values) // 2]


def overload(seed, seconds, short):
    """S7."""
    result = Result("S7", "offered 2 and 5 times the capacity", seed)
    # Three quarters of the time for the measurements, the rest for what lies between them.
    span = 2.5 if short else max(5.0, min(60.0, seconds / 5))
    # When short, fewer may wait: what is to be seen is seen sooner.
    inside, web = (64, {"limit_conn inside 512;": "limit_conn inside 64;"}) if short else (512, None)
    with Stack(workers=1, jobs=1, web=web) as stack:
        merchant = stack.merchant()
        caller = Caller(merchant)
        normal = median([probe(caller, f"n{number}") for number in range(10)])
        result.tell("a write unloaded, ms", round(1000 * normal, 1))
        Hammering(merchant, connections=8, mix=["big"], seconds=span / 2, seed=f"{seed}-warm").result()
        made = 0
        peak = Hammering(merchant, connections=8, mix=["big"], seconds=span, seed=f"{seed}-peak").result()
        made += peak["made"]
        capacity = peak["made"] / peak["seconds"]
        result.tell("capacity, writes/s", round(capacity))
        for factor in (2, 5):
            # Twice the time it takes to fill the queue, at least.
            hammer = Hammering(
                merchant, connections=inside + 150, mix=["big"], rate=factor * capacity, seed=f"{seed}-{factor}",
                seconds=max(span, 2 * inside / (capacity * (factor - 1))))
            hammer.await_offered()
            again = recover(caller, normal, factor)
            offered = hammer.result()
            judge(result, factor, capacity, offered, again, short)
            made += offered["made"]
        check = soundness.check(stack, [])
        result.take(check)
    return result


def probe(caller, tag):
    """Seconds that one ordinary write takes."""
    began = time.monotonic()
    caller.change("probe", "PUT", "/customers", {"firstName": "Ann", "lastName": "Lee", "code": tag}, tag, tag)
    return time.monotonic() - began


def recover(caller, normal, factor):
    """Seconds until ordinary writes are as quick as before: three in a row within three times the normal time."""
    began, good, turn = time.monotonic(), 0, 0
    since = began
    while good < 3 and time.monotonic() - began < 60:
        turn += 1
        start = time.monotonic()
        quick = probe(caller, f"a{factor}-{turn}") < max(3 * normal, 0.05)
        good = good + 1 if quick else 0
        if good == 1:
            since = start
    return since - began


def judge(result, factor, capacity, offered, again, short):
    """Compares one run with what is to be reached. The short one measures without judging times."""
    goodput = steady(offered)
    refused = {name: offered["latencies"][name] for name in REFUSED if name in offered["latencies"]}
    other = {name: number for name, number in offered["outcomes"].items() if name not in ("ok", *REFUSED)}
    result.inject(f"requests at {factor} times", offered["sent"])
    result.tell(f"goodput at {factor} times, %", round(100 * goodput / capacity))
    result.tell(f"refused at {factor} times", sum(offered["outcomes"].get(name, 0) for name in REFUSED))
    for name, times in [*refused.items(), ("accepted", offered["latencies"].get("ok", (0, 0, 0)))]:
        result.tell(f"{name} at {factor} times, ms", "median {}, 99 % {}, most {}".format(*times))
    result.tell(f"the generator's delay at {factor} times, ms", round(1000 * offered["late"]))
    result.again = max(result.again or 0, again)
    if other:
        result.verdict.broken.append(f"at {factor} times the capacity: {other}")
    if short:
        return
    if goodput < 0.9 * capacity:
        result.verdict.broken.append(f"goodput at {factor} times is {goodput:.0f} of {capacity:.0f} writes/s")
    for name, times in refused.items():
        if times[1] > QUICK or times[2] > SLOWEST:
            result.verdict.broken.append(f"{name} at {factor} times took {times[1]} ms (99 %), {times[2]} ms (most)")
    if again > 5:
        result.verdict.broken.append(f"normal again only {again:.1f} s after {factor} times the capacity")


def steady(offered):
    """Writes a second while requests came: without the first second and what was answered after the last came."""
    seconds = sorted(int(name) for name in offered["perSecond"])
    last = int(offered["offeredSeconds"])
    counted = [offered["perSecond"][str(second)] for second in seconds if 1 <= second < last]
    return sum(counted) / max(1, len(counted))


TESTS = [("S7", overload, 2, 12)]
