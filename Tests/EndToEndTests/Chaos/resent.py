"""S2: a request without an Idempotency-Key is carried out once at most, whatever becomes of the worker.

The caller sends it once. At each round trip its worker is killed, or the answer to its COMMIT is lost: nobody may begin
the request anew, neither nginx with another worker (it re-sends GET and PUT unless told not to) nor the worker itself.

    SEED=7 python3 resent.py once_without_key [--seconds S] [--short]
"""

import http.client
import time

from commands import commands
from crash_points import Points
from directors import KillAt, LoseAnswer
from lab import Lab, Result, alone, conclude, draw
from taken_over import is_commit

NAMES = ("create customer", "create subscription", "record invoice", "modify customer", "erase option", "cancel by GET",
         "reverse by GET", "pay on account")


def trials(points, lab):
    """Each round of each command: killed with its answer on the way or delivered; the answer to COMMIT lost."""
    found = []
    for command in points.commands:
        trial = points.prepared(command)
        method, path, fields = command.asked(trial)
        director, answer = lab.count(lambda: trial.desk.caller.once(method, path, fields, {}))
        lab.proxies.direct(None)
        if answer[0] not in (200, 201):
            raise RuntimeError(f"{command.name} undisturbed: {answer}")
        for number, (place, words, one) in enumerate(director.steps):
            found += [(command, number, phase, f"{place}: {words}", KillAt) for phase in ("after", "delivered")]
            if is_commit(place, one):
                found.append((command, number, "after", f"{place}: {words}", LoseAnswer))
    return found


def remembering(kind):
    """A director of this kind that also notes the rounds of other processes after its own has met its fate."""
    class Remembering(kind):
        """Notes who did what afterwards."""

        def __init__(self, *words):
            super().__init__(*words)
            self.others = []

        async def request(self, session, one):
            if self.fired.is_set() and one.number and self.concerns(session.pid) and (
                    session.pid != self.pid or kind is LoseAnswer and one.statements[-1:] != ["user.prove"]):
                self.others.append(one.name)
            await super().request(session, one)

    return Remembering


def try_once(points, lab, result, row):
    """One trial: the request is sent once, and its rounds are counted."""
    command, number, phase, words, kind = row
    trial = points.prepared(command)
    method, path, fields = command.asked(trial)
    director = lab.proxies.direct(remembering(kind)(lab.is_worker, number, phase))
    try:
        status = trial.desk.caller.once(method, path, fields, {})[0]
    except (OSError, http.client.HTTPException):
        status = None
    finally:
        lab.proxies.direct(None)
    if not director.fired.is_set():
        result.tell("not reached", 1)
        return
    result.inject("kills" if kind is KillAt else "answers to COMMIT lost", 1)
    words = f"{command.name}, {phase} {number} ({words}), answered {status}, rounds {director.names()[:9]}"
    if director.others:
        result.fault(f"{words}: begun anew with {director.others[:3]}", "double")
    # Killed once the last answer was delivered, it may have been quicker.
    if status is not None and status < 500 and phase != "delivered":
        result.fault(f"{words}: an answer although nobody knows")


def once_without_key(seed, seconds, short=False):
    """All rounds of some commands."""
    with Lab(workers=3) as lab:
        result = Result("S2", "once without key", seed)
        points = Points(lab, seed)
        points.commands = [one for one in commands() if one.name in NAMES]
        if short:
            points.commands = draw(seed, points.commands, 4)
        rows = trials(points, lab)
        drawn = draw(seed, rows)
        if short:
            # Some of each kind.
            lost = [row for row in drawn if row[4] is LoseAnswer][:3]
            drawn = [row for row in drawn if row[4] is KillAt][:7] + lost
        result.left_out(len(rows) - len(drawn))
        end = time.monotonic() + seconds
        for place, row in enumerate(drawn):
            if time.monotonic() > end:
                result.left_out(len(drawn) - place)
                break
            try_once(points, lab, result, row)
        missed = result.told.get("not reached", 0)
        result.judge_reach(missed + sum(result.injected.values()), "not reached")
        return conclude(lab, result)


TESTS = [("S2", once_without_key, 2, 12)]

if __name__ == "__main__":
    alone([once_without_key])
