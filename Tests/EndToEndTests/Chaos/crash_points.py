"""S2: the process that works ends at every send, commit, processor call and answer; the caller repeats under its key.

First each command is run undisturbed, and its rounds to the books and the processor are counted and named: each has
four points (before it is sent; sent, its answer not awaited; carried out, its answer not delivered; delivered). Then,
for each point, a fresh customer, the same command, and `kill -9` of the worker there. The repeated request must get the
answer, and leave the state, of the undisturbed one. One more trial a command loses the whole answer on its way to the
caller.

The same is done to `billing run` over two business dates with all that a pass does (passes.py); it is begun again.

    SEED=7 python3 crash_points.py crash_points|pass_points [--seconds S] [--short]
"""

import time

from caller import NoAnswer
from commands import DESKS, Trial, commands
from directors import PHASES, KillAt
from lab import Desk, Lab, Result, alone, conclude, difference, draw, plain
from passes import Passes

# What says that the first request is still open at the processor.
OPEN = "V36"


def is_settled(line, wanted):
    """Whether an answer is the last one: not that the outcome is open still."""
    if line.ok and isinstance(line.answer, dict) and line.answer.get("status") == "pending":
        return False
    return line.code != OPEN or wanted == OPEN


class Points:
    """The points of all commands, and the trials at them."""

    def __init__(self, lab, seed, most=None):
        self.lab, self.seed = lab, seed
        self.result = Result("S2", "crash points", seed)
        self.desks = {}
        self.commands = draw(seed, commands(), most)
        self.wanted = {}
        self.points = []

    def desk(self, command):
        """The merchant account for a command; what was prepared on one day and is commanded on another has its own."""
        name = command.desk if command.later is None else command.name
        if name not in self.desks:
            self.desks[name] = Desk(self.lab, **DESKS[command.desk])
            # The account's data key is made with its first number: not by one of the trials.
            Trial(self.desks[name], "first").make("x", "PUT", "/customers", {
                "firstName": "Ann", "lastName": "first", "paymentOptions": [
                    {"accountNumber": "4111111111111111", "accountAccessory": "1230", "holderName": "Ann Doe"}]})
        return self.desks[name]

    def prepared(self, command):
        """A fresh customer and what comes before the command."""
        desk = self.desk(command)
        if command.desk == "clock":
            return self.prepared_on_clock(command, desk)
        if command.later:
            self.lab.set_clock(desk.account, desk.clock)
        trial = Trial(desk, self.lab.tag("t"))
        command.prepare(trial)
        if command.later:
            self.lab.set_clock(desk.account, command.later)
        return trial

    def prepared_on_clock(self, command, desk):
        """A trial that moves the clock begins where the one before ended, with something due on the way."""
        trial = Trial(desk, self.lab.tag("t"))
        day = self.lab.wire.sql(
            "select clock_at::date, clock_at::date + 1 from billing.merchant_accounts "
            f"where account_id = {desk.account}")[0]
        desk.clock = day[0]
        command.subscriptions = ({"amount": 1500, "billingCycleType": "M", "firstBillingDate": day[1], "length": 1},)
        command.request = (command.request[0], command.request[1], {"to": day[1]})
        command.prepare(trial)
        return trial

    def done(self, command, trial, line=None):
        """Sends the command until it is settled; the line."""
        method, path, fields = command.asked(trial)
        caller = trial.desk.caller
        if line is None:
            line = caller.change(command.name, method, path, fields, key=trial.tag, tag=trial.tag)
        for _ in range(5):
            if is_settled(line, None):
                break
            self.lab.recover(trial.desk.account)
            line = caller.repeat(line)
        return line

    def count(self):
        """One undisturbed run of each command; notes its points."""
        for command in self.commands:
            trial = self.prepared(command)
            director, line = self.lab.count(lambda: self.done(command, trial))
            if not line.ok:
                raise RuntimeError(f"{command.name} undisturbed: {line}")
            self.lab.proxies.direct(None)
            state = trial.desk.state(trial.tag)
            self.wanted[command.name] = (line.status, plain(line.answer, trial.desk.clock), state)
            self.result.inject("commands", 1)
            for number, (place, name, _) in enumerate(director.steps):
                self.points += [(command, number, phase, f"{place}: {name}") for phase in PHASES]
            self.points.append((command, None, "answer lost", "caller"))
        self.result.inject("points", len(self.points))

    def try_point(self, command, number, phase, words):
        """One trial."""
        trial = self.prepared(command)
        method, path, fields = command.asked(trial)
        caller = trial.desk.caller
        at = f"{command.name}, {phase} {number} ({words})"
        line = None
        if number is None:
            headers = {"Idempotency-Key": trial.tag}
            caller.once(method, path, fields, headers)
            line = self.done(command, trial)
        else:
            director = self.lab.proxies.direct(KillAt(self.lab.is_worker, number, phase))
            try:
                line = caller.change(command.name, method, path, fields, key=trial.tag, tag=trial.tag)
            finally:
                self.lab.proxies.direct(None)
            line = self.done(command, trial, line)
            if not director.fired.is_set():
                self.result.tell("points not reached", 1)
            else:
                self.result.inject("kills", 1)
        self.result.inject("trials", 1)
        self.judge(command, trial, line, at)

    def judge(self, command, trial, line, at):
        """Compares the answer and the state with those of the undisturbed run."""
        status, answer, state = self.wanted[command.name]
        found = trial.desk.state(trial.tag)
        if difference(state, found):
            # What a pass had begun at the processor is asked for before it is judged.
            self.lab.recover(trial.desk.account)
            found = trial.desk.state(trial.tag)
        if not line.ok:
            self.result.fault(f"{at}: answered {line}", "lost")
            return
        if command.declines and ended_as_decline(found):
            self.result.tell("raw account data never arrived, declined", 1)
            return
        if self.result.compare(at, state, found) and command.answer:
            where = difference(answer, plain(line.answer, trial.desk.clock))
            if where or line.status != status:
                self.result.fault(f"{at}: another answer, {line.status} for {status}: {where}")

    def run(self, most, seconds):
        """Trials in an order drawn from the seed, as many as wanted and as time allows."""
        self.count()
        drawn = draw(self.seed, self.points, most)
        self.result.left_out(len(self.points) - len(drawn))
        end = time.monotonic() + seconds
        for place, point in enumerate(drawn):
            if time.monotonic() > end:
                self.result.left_out(len(drawn) - place)
                break
            try:
                self.try_point(*point)
            except (RuntimeError, ValueError, OSError, NoAnswer) as error:
                at = f"{point[0].name}, {point[2]} {point[1]} ({point[3]})"
                self.result.fault(f"{at}: {type(error).__name__} {error}")
        self.result.judge_reach(self.result.injected.get("trials", 0))


class PassPoints:
    """The points of a billing pass over two business dates, and the trials at them."""

    def __init__(self, lab, seed):
        self.seed = seed
        self.result = Result("S2", "pass points", seed)
        self.passes = Passes(lab)

    def run(self, most, seconds):
        """Trials in an order drawn from the seed, as many as wanted and as time allows."""
        steps, wanted = self.passes.count()
        points = [(stage, number, phase, f"{place}: {name}") for stage, each in enumerate(steps)
                  for number, (place, name, _) in enumerate(each) for phase in PHASES]
        self.result.inject("points", len(points))
        drawn = draw(self.seed, points, most)
        self.result.left_out(len(points) - len(drawn))
        end = time.monotonic() + seconds
        for place, (stage, number, phase, words) in enumerate(drawn):
            if time.monotonic() > end:
                self.result.left_out(len(drawn) - place)
                break
            at = f"pass {stage + 1}, {phase} {number} ({words})"
            director = KillAt(self.passes.is_run, number, phase, connects=True)
            try:
                state, starts = self.passes.disturbed(stage, director)
            except (RuntimeError, ValueError, OSError, NoAnswer) as error:
                self.result.fault(f"{at}: {type(error).__name__} {error}")
                continue
            if director.fired.is_set():
                self.result.inject("kills", 1)
            else:
                self.result.tell("points not reached", 1)
            self.result.inject("trials", 1)
            if starts > 2:
                self.result.fault(f"{at}: the pass was begun {starts} times")
            self.passes.compare(self.result, at, wanted, state)
        self.result.judge_reach(self.result.injected.get("trials", 0))


def ended_as_decline(state):
    """Whether what a payment became is a decline of nothing charged, and nothing else was."""
    entries = [entry for one in state[0] for entry in one["transactions"] if entry["type"] in ("AP", "AC", "AD")]
    codes = [(entry["type"], entry.get("processingInfo", {}).get("responseCode")) for entry in entries]
    return codes == [("AD", "E02")]


def crash_points(seed, seconds, short=False):
    """All points of all commands; short: some of some."""
    with Lab(workers=3 if short else 8) as lab:
        points = Points(lab, seed, 6 if short else None)
        points.run(24 if short else None, seconds)
        return conclude(lab, points.result)


def pass_points(seed, seconds, short=False):
    """All points of billing passes."""
    with Lab(workers=2) as lab:
        points = PassPoints(lab, seed)
        points.run(3 if short else None, seconds)
        return conclude(lab, points.result)


TESTS = [("S2", crash_points, 12, 0), ("S2", pass_points, 8, 0)]

if __name__ == "__main__":
    alone([crash_points, pass_points])
