"""S5: a proxy before both servers that cuts after n bytes, stalls, drips and answers twice.

Subjects: a payment of an invoice, a refund, a billing pass. First each is done undisturbed, and the bytes of each of
its rounds are counted. Then each position of each answer, and five in each message of each request, is cut in a trial
with a fresh customer: the connection ends after so many bytes, up to eight times in a trial while the caller repeats;
nobody is killed. The outcome must be that of the undisturbed one.

    SEED=7 python3 cutting.py cuts|stalls|drips_and_echoes [--seconds S] [--short]
"""

import copy
import itertools
import random
import struct
import time

from caller import NoAnswer
from commands import INVOICE, PAID, Trial, process
from directors import AnswerTwice, CutMany, Drip, Stall
from lab import Desk, Lab, Result, alone, conclude, difference, draw, plain
from passes import Passes

PAYMENT = process("payment", INVOICE, amount=1500, invoiceList="{invoice}")
REFUND = process("refund", PAID, type="AR", amount=600, sourceId="{payment}")
# Longer than the limit of one round trip to the database (8 s), shorter than that of the request (20 s).
LONG_STALL, SHORT_STALL = 9, 1


class Request:
    """A request through a worker as a subject."""

    def __init__(self, lab, command, desk):
        self.lab, self.command, self.desk, self.name = lab, command, desk, command.name

    def concerns(self, pid):
        """Whose rounds count."""
        return self.lab.is_worker(pid)

    def prepared(self):
        """A fresh trial."""
        trial = Trial(self.desk, self.lab.tag("c"))
        self.command.prepare(trial)
        return trial

    def send(self, trial):
        """Sends the request until it is settled; what it gave, without ids."""
        method, path, fields = self.command.asked(trial)
        line = self.desk.caller.change(self.name, method, path, fields, key=trial.tag, tag=trial.tag)
        self.lab.proxies.direct(None)
        for _ in range(5):
            if line.ok and line.answer.get("status") != "pending" or not line.ok and line.code != "V36":
                break
            self.lab.recover(self.desk.account)
            line = self.desk.caller.repeat(line)
        if not line.ok:
            raise RuntimeError(str(line))
        return plain(line.answer, self.desk.clock), self.desk.state(trial.tag)

    def count(self):
        """The steps and the outcome of an undisturbed one."""
        trial = self.prepared()
        method, path, fields = self.command.asked(trial)
        director, _ = self.lab.count(lambda: self.desk.make(method, path, fields, key=trial.tag))
        return director.steps, self.send(trial)

    def disturbed(self, director):
        """The outcome with a director at work."""
        trial = self.prepared()
        self.lab.proxies.direct(director)
        try:
            return self.send(trial)
        finally:
            self.lab.proxies.direct(None)


class Pass:
    """A billing pass over a customer with a due subscription as a subject."""

    def __init__(self, lab):
        self.lab, self.passes, self.name = lab, Passes(lab, small=True), "billing pass"

    def concerns(self, pid):
        """Whose rounds count."""
        return self.passes.is_run(pid)

    def count(self):
        """The steps and the outcome of an undisturbed one."""
        steps, state = self.passes.count()
        # Connecting counts in passes, but is not disturbed here.
        return [step for step in steps[0] if step[1] != "connect"], (None, state)

    def disturbed(self, director):
        """The outcome with a director at work."""
        state, _ = self.passes.disturbed(0, director, again=12)
        return None, state


class Cutting:
    """The subjects, what they give undisturbed, and trials of them."""

    def __init__(self, lab, name, seed):
        self.lab, self.seed = lab, seed
        self.result = Result("S5", name, seed)
        desk = Desk(lab)
        self.subjects = [Request(lab, PAYMENT, desk), Request(lab, REFUND, desk), Pass(lab)]
        self.wanted, self.steps = {}, {}
        # The first payment makes keys and connections.
        self.subjects[0].count()
        for one in self.subjects:
            self.steps[one.name], self.wanted[one.name] = one.count()

    def judge(self, subject, director, words):
        """One trial."""
        at = f"{subject.name}, {words}"
        try:
            answer, state = subject.disturbed(director)
        except (RuntimeError, ValueError, OSError, NoAnswer) as error:
            self.result.fault(f"{at}: {type(error).__name__} {error}")
            return
        self.result.inject("trials", 1)
        if getattr(director, "fired", None) is not None and not director.fired.is_set():
            self.result.tell("not reached", 1)
        wanted, wanted_state = self.wanted[subject.name]
        self.result.compare(at, wanted_state, state)
        where = difference(wanted, answer)
        if where:
            self.result.fault(f"{at}: another answer: {where}")

    def named(self, test, name):
        """The same subjects under another test's name, with a result of its own."""
        other = copy.copy(self)
        other.result = Result(test, name, self.seed)
        return other

    def run_drawn(self, trials, most, seconds):
        """So many of the trials, or all, in an order drawn from the seed."""
        drawn = draw(self.seed, trials, most)
        self.result.left_out(len(trials) - len(drawn))
        self.run(drawn, seconds)

    def run(self, trials, seconds):
        """Trials in this order: (subject, maker of a director, words, what is injected)."""
        end = time.monotonic() + seconds
        for place, (subject, make, words, what) in enumerate(trials):
            if time.monotonic() > end:
                self.result.left_out(len(trials) - place)
                break
            self.result.inject(what, 1)
            self.judge(subject, make(subject.concerns), words)
        self.result.judge_reach(self.result.injected.get("trials", 0), "not reached")


def cuts_of_request(one):
    """Where a request is cut: the server acts on whole messages, so before, within and at the end of each."""
    start, found = 0, set()
    for length in one.lengths:
        found |= {start, start + 1, start + 5, start + length // 2, start + length - 1}
        start += length
    return sorted(found)


def edges(answer):
    """The positions at the begin of each message of an answer, within its head and before its last byte.

    The client library acts on whole messages, so these are the positions that can differ; the others must not.
    """
    start, found = 0, set()
    while start < len(answer):
        end = start + 1 + struct.unpack("!i", answer[start + 1:start + 5])[0]
        found |= {start, start + 1, end - 1}
        start = end
    return found


def cut_positions(steps, seed):
    """Each position of each answer, and of each request those that may differ, by place, name and kind.

    Each is a pair: whether it is at the edge of a message, and the bytes. Shuffled; those at edges stand at the end,
    from where they are taken first.
    """
    pool = {}
    for place, name, one in steps:
        first = edges(one.answer)
        for kind, lengths in (("answer", [(n in first, n) for n in range(len(one.answer))]),
                              ("request", [(True, n) for n in cuts_of_request(one)])):
            pool.setdefault((place, name, kind), []).extend(lengths)
    for key, lengths in pool.items():
        random.Random(f"{seed}/{key}").shuffle(lengths)
        lengths.sort(key=lambda one: one[0])
    return pool


def left_in(pool, at_edges=False):
    """How many positions are left, or how many of those at edges."""
    return sum(first or not at_edges for lengths in pool.values() for first, _ in lengths)


def cuts(seed, seconds, short=False):
    """The connection ends at each position of answers and requests: several times in a trial, until all were tried."""
    with Lab(workers=2 if short else 4) as lab:
        cutting = Cutting(lab, "cuts", seed)
        cut_all(cutting, seed, seconds, 9 if short else None)
        return conclude(lab, cutting.result)


def cut_all(cutting, seed, seconds, most):
    """Trials until all positions were tried, or so many trials were made, or time is up."""
    chance = random.Random(seed)
    pools = {one.name: cut_positions(cutting.steps[one.name], seed) for one in cutting.subjects}
    cutting.result.inject("positions", sum(map(left_in, pools.values())))
    at_edges = sum(left_in(pool, True) for pool in pools.values())
    cutting.result.inject("of them at edges of messages", at_edges)
    end = time.monotonic() + seconds
    vain = dict.fromkeys(pools, 0)
    for number in itertools.count():
        waiting = [one for one in cutting.subjects if left_in(pools[one.name]) and vain[one.name] < 20]
        if not waiting or time.monotonic() > end or number == most:
            break
        subject = waiting[number % len(waiting)]
        pool, tries = pools[subject.name], vain[subject.name]
        # Edges come first, as long as the rounds that have some left come by.
        director = CutMany(subject.concerns, pool, chance, likelihood=1 if tries > 5 else 0.25,
                           edges=left_in(pool, True) > 0 and tries < 12)
        cutting.judge(subject, director, director.cuts)
        vain[subject.name] = 0 if director.cuts else vain[subject.name] + 1
        cutting.result.inject("connections cut", len(director.cuts))
    cutting.result.inject("edges cut", at_edges - sum(left_in(pool, True) for pool in pools.values()))
    cutting.result.left_out(sum(map(left_in, pools.values())))


def stalls(seed, seconds, short=False):
    """A request or an answer is held: for a second everywhere, beyond the limit of a round trip once each."""
    with Lab(workers=4) as lab:
        cutting = Cutting(lab, "stalls", seed)
        cutting.run_drawn(stall_trials(cutting), 2 if short else None, seconds)
        return conclude(lab, cutting.result)


def stall_trials(cutting):
    """Each round held before it goes and before its answer is delivered, for a short and for a long time."""
    trials = []
    for subject in cutting.subjects:
        for number, (place, name, _) in enumerate(cutting.steps[subject.name]):
            for phase in ("before", "after"):
                for length, what in ((SHORT_STALL, "short stalls"), (LONG_STALL, "stalls beyond the limit")):
                    trials.append((
                        subject, lambda concerns, number=number, phase=phase, length=length:
                            Stall(concerns, number, phase, length),
                        f"{phase} {number} ({place}: {name}) held for {length} s", what))
    return trials


def drips_and_echoes(seed, seconds, short=False):
    """All comes in small pieces; each answer of the processor comes two times."""
    with Lab(workers=2 if short else 4) as lab:
        cutting = Cutting(lab, "drips and echoes", seed)
        cutting.run_drawn(drip_trials(cutting, (64,) if short else (1, 7, 64)), 4 if short else None, seconds)
        return conclude(lab, cutting.result)


def drip_trials(cutting, pieces):
    """Each subject in pieces, and each answer of the processor two times."""
    trials = []
    for subject in cutting.subjects:
        for piece in pieces:
            trials.append((subject, lambda concerns, piece=piece: Drip(concerns, piece, piece > 7),
                           f"in pieces of {piece} bytes", "drips"))
        answers = [name for place, name, _ in cutting.steps[subject.name] if place == "processor"]
        for number, name in enumerate(answers):
            trials.append((subject, lambda concerns, number=number: AnswerTwice(concerns, number),
                           f"the processor's answer {number} ({name}) comes twice", "answers delivered twice"))
    return trials


TESTS = [("S5", cuts, 12, 0), ("S5", stalls, 6, 0), ("S5", drips_and_echoes, 1, 0)]

if __name__ == "__main__":
    alone([cuts, stalls, drips_and_echoes])
