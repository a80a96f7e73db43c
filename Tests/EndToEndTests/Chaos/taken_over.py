"""By name: a lost COMMIT answer, a lost processor answer, two jobs processes with the same work, and a worker or jobs
process that is stopped (SIGSTOP) in the middle of moving money and woken after another has taken its work over.

    SEED=7 python3 taken_over.py lost_commit_answer|… [--seconds S] [--short]
"""

import signal
import threading
import time

from commands import INVOICE, RAW, process
from cutting import PAYMENT, Cutting
from directors import LoseAnswer, StopAt, StopBeforeProcessor, kill
from lab import Asking, Lab, Result, alone, conclude, difference, draw
from passes import Passes
from processes import alive, wait_until

# Longer than every limit: 20 s of a request, 20 s until an outcome is asked for, 10 s idle in a transaction.
MINUTE = 60

def lost_answers(cutting, is_wanted):
    """The answers of some rounds are lost, one a trial: of a payment, a refund and a billing pass."""
    return [(subject, lambda concerns, number=number: LoseAnswer(concerns, number, "after"),
             f"the answer of {number} ({place}: {words}) is lost", "answers lost")
            for subject in cutting.subjects
            for number, (place, words, one) in enumerate(cutting.steps[subject.name]) if is_wanted(place, one)]


def is_commit(place, one):
    """Whether a round to the books has a COMMIT."""
    return place == "books" and one.has("commit")


def is_to_processor(place, _):
    """Whether a round goes to the processor."""
    return place == "processor"


def lost_commit_answer(seed, seconds, short=False):
    """The books commit, and their answer is lost."""
    with Lab(workers=2 if short else 4) as lab:
        cutting = Cutting(lab, "", seed).named("S2", "lost commit answer")
        cutting.run_drawn(lost_answers(cutting, is_commit), 4 if short else None, seconds)
        return conclude(lab, cutting.result)


def lost_processor_answer(seed, seconds, short=False):
    """The processor does what it was asked for, and its answer is lost."""
    with Lab(workers=2 if short else 4) as lab:
        cutting = Cutting(lab, "", seed).named("S2", "lost processor answer")
        cutting.run_drawn(lost_answers(cutting, is_to_processor), 4 if short else None, seconds)
        return conclude(lab, cutting.result)


def two_jobs_processes_same_work(seed, seconds, short=False):
    """Several jobs processes and passes begin on the same due work at one moment; the result is that of one alone."""
    with Lab(workers=2, jobs=2) as lab:
        result = Result("S2", "two jobs processes same work", seed)
        passes = Passes(lab)
        _, wanted = passes.count()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            tag = passes.begin()
            for stage in range(len(passes.stages) - 1):
                passes.reach(stage)
                at_once = [lab.run_once(passes.desk.account) for _ in range(2)]
                for one in lab.jobs:
                    one.start()
                statuses = [one.process.wait(120) for one in at_once]
                for one in lab.jobs:
                    one.end()
                if any(statuses):
                    result.fault(f"billing run ended with {statuses}")
                passes.settle()
            result.inject("passes by four processes", 2)
            passes.compare(result, "four processes at once", wanted, passes.finish(tag, len(passes.stages) - 2))
            if short:
                break
        return conclude(lab, result)


def stop_points(steps):
    """Where a process is stopped: between its commits and the processor, and with locks held."""
    found = []
    for number, (place, name, one) in enumerate(steps):
        if place == "processor" and name != "connect":
            found.append((number, "before", f"before {name}"))
            # Inside the processor's own transaction nobody gets past its locks: in the end the order is given up.
            if not one.has("begin"):
                found.append((number, "after", f"{name} carried out"))
        elif one.has("attempt.insert", "attempt.settle") and one.has("commit"):
            found += [(number, "before", f"before {name}"), (number, "after", f"{name} carried out")]
        elif one.has("attempt.lock_open", "customer.lock.id", "collection.lock_due"):
            found.append((number, "after", f"{name} carried out, locks held"))
    return found


def take_over(lab, account):
    """What the others do meanwhile: their passes go on, and what is open is asked for as if its time had come."""
    for turn in range(3):
        waiting = lab.wire.sql(f"""update billing.attempts set next_look_up = clock_timestamp()
                                    where account_id = {account} and outcome = 'open' returning 1""")
        if turn and not waiting:
            break
        # It waits half a minute for a pass that stands still, to be the only one that ages invoices; then it goes on.
        lab.run_once(account).process.wait(120)


class Stopping:
    """Stops a process at a point, lets others take over, wakes it, and lets it end by itself or be ended."""

    def __init__(self, lab, result, short):
        self.lab, self.result, self.short = lab, result, short

    def stopped(self, director, account, meanwhile=None):
        """Waits for the stop, does what is done meanwhile, wakes the process."""
        if not director.fired.wait(30):
            self.result.tell("not reached", 1)
            return
        began = time.monotonic()
        self.result.inject("stops", 1)
        self.lab.proxies.direct(None)
        if meanwhile:
            meanwhile()
        take_over(self.lab, account)
        if not self.short:
            wait_until(lambda: time.monotonic() - began > MINUTE, MINUTE + 5, "a minute", 0.2)
        self.result.tell("woken" if alive(director.pid) else "replaced by the master before", 1)
        kill(director.pid, signal.SIGCONT)


def stopped_worker_woken(seed, seconds, short=False):
    """A worker is stopped within a payment or refund; others go on; it is woken a minute later, or replaced."""
    result = Result("S2", "stopped worker woken", seed)
    # With its own deadline the master ends the worker that stands still; with a longer one it wakes.
    for deadline, share in ((29, 1),) if short else ((20, 0.2), (120, 0.8)):
        with Lab(workers=4, settings={"BILLING_REQUEST_DEADLINE": deadline}) as lab:
            cutting = Cutting(lab, "", seed)
            cutting.result = result
            stop_workers(cutting, seconds * share, short, 2 if short else None)
            found = conclude(lab, result)
    return found


def stop_workers(cutting, seconds, short, most):
    """Workers stopped at points drawn from the seed."""
    lab, result = cutting.lab, cutting.result
    stopping = Stopping(lab, result, short)
    trials = [(subject, point) for subject in cutting.subjects[:2]
              for point in stop_points(cutting.steps[subject.name])]
    end = time.monotonic() + seconds
    drawn = draw(cutting.seed, trials, most)
    result.left_out(len(trials) - len(drawn))
    for place, (subject, (number, phase, words)) in enumerate(drawn):
        if time.monotonic() > end:
            result.left_out(len(drawn) - place)
            break
        director = StopAt(lab.is_worker, number, phase)
        stop_request(lab, subject, director, stopping)
        judge_stopped(cutting, subject, director, f"{subject.name}, {words}")
    judge_stops(result)


def judge_stops(result):
    """Whether enough processes were stopped where they were to be."""
    result.judge_reach(result.injected.get("stops", 0) + result.told.get("not reached", 0), "not reached")


def stop_request(lab, subject, director, stopping, meanwhile=None):
    """Sends a request whose worker is stopped, and wakes the worker; the trial is kept with the director."""
    trial = director.trial = subject.prepared()
    method, path, fields = subject.command.asked(trial)
    lab.proxies.direct(director)
    caller = threading.Thread(target=first_send, args=(subject.desk, method, path, fields, trial.tag), daemon=True)
    caller.start()
    stopping.stopped(director, subject.desk.account, meanwhile)
    caller.join(60)
    wait_until(lambda: is_idle(lab, director.pid), 30, "the worker has ended its request", 0.05)


def first_send(desk, method, path, fields, key):
    """Sends a request once, on a connection of its own; whatever comes of it."""
    caller = Asking(desk.merchant, None, 1, 100)
    try:
        caller.once(method, path, fields, {"Idempotency-Key": key})
    except OSError:
        pass
    finally:
        caller.close()


def is_idle(lab, pid):
    """Whether a process is gone or in no transaction any more."""
    if not alive(pid):
        return True
    backends = {session.backend for one in lab.proxies.each.values() for session in list(one.sessions)
                if session.pid == pid and session.waiting}
    return not backends


def judge_stopped(cutting, subject, director, words):
    """The repeated request and the state after it are those of an undisturbed one."""
    wanted, wanted_state = cutting.wanted[subject.name]
    try:
        answer, state = subject.send(director.trial)
    except (RuntimeError, OSError) as error:
        cutting.result.fault(f"{words}: {type(error).__name__} {error}")
        return
    cutting.result.compare(words, wanted_state, state)
    if difference(wanted, answer):
        cutting.result.fault(f"{words}: another answer: {difference(wanted, answer)}")


def stopped_jobs_woken(seed, seconds, short=False):
    """A pass is stopped; another goes on with its work; it is woken a minute later and goes on as well."""
    with Lab(workers=2) as lab:
        result = Result("S2", "stopped jobs woken", seed)
        passes = Passes(lab)
        steps, wanted = passes.count()
        stopping = Stopping(lab, result, short)
        trials = [(stage, point) for stage, each in enumerate(steps) for point in stop_points(each)]
        drawn = draw(seed, trials, 1 if short else None)
        result.left_out(len(trials) - len(drawn))
        end = time.monotonic() + seconds
        for place, (stage, (number, phase, words)) in enumerate(drawn):
            if time.monotonic() > end:
                result.left_out(len(drawn) - place)
                break
            tag = passes.begin()
            for before in range(stage):
                passes.reach(before)
                passes.settle()
            passes.reach(stage)
            director = StopAt(passes.is_run, number, phase, connects=True)
            lab.proxies.direct(director)
            one = lab.run_once(passes.desk.account)
            stopping.stopped(director, passes.desk.account)
            lab.proxies.direct(None)
            # Its session may have been ended meanwhile: then it says so, and its work was done by the other.
            one.process.wait(120)
            passes.compare(result, f"pass {stage + 1}, {words}", wanted, passes.finish(tag, stage))
        judge_stops(result)
        return conclude(lab, result)


def stopped_before_sending(seed, seconds, short=False):
    """A process is stopped between its attempt and the processor; meanwhile that is given up; then it is woken."""
    del seconds
    with Lab(workers=4, settings={"BILLING_REQUEST_DEADLINE": 29 if short else 120}) as lab:
        result = Result("S2", "stopped before sending", seed)
        cutting = Cutting(lab, result.name, seed)
        stopping = Stopping(lab, result, short)
        subject, _, passing = cutting.subjects

        def inactive(desk, path):
            desk.make("POST", path, {"isActive": False})

        for command in (PAYMENT, process("raw", INVOICE, **RAW)):
            subject.command = command
            director = StopBeforeProcessor(lab.is_worker)
            # Nothing of raw account data is kept: they are given up without further reason.
            stop_request(lab, subject, director, stopping, command is PAYMENT and (
                lambda: inactive(subject.desk, director.trial.fill("/customers/{customer}"))))
        passes = passing.passes
        tag = passes.begin()
        passes.reach(0)
        director = lab.proxies.direct(StopBeforeProcessor(passes.is_run))
        one = lab.run_once(passes.desk.account)
        made = passes.desk.caller.read("/customers", lastName=tag)
        stopping.stopped(director, passes.desk.account, lambda: inactive(passes.desk, f"/customers/{made[0]['id']}"))
        lab.proxies.direct(None)
        one.process.wait(120)
        found = conclude(lab, result)
        return found


# When short they are in shortened.py.
TESTS = [("S2", lost_commit_answer, 1, 0), ("S2", lost_processor_answer, 1, 0),
         ("S2", two_jobs_processes_same_work, 1, 0), ("S2", stopped_worker_woken, 6, 0),
         ("S2", stopped_jobs_woken, 6, 0), ("S2", stopped_before_sending, 1, 0)]

if __name__ == "__main__":
    alone([row[1] for row in TESTS])
