"""S3 and S4: workers, jobs processes and database servers are killed again and again under mixed load, time advancing.

After each storm: nothing lost, nothing double, no invariant broken, and how long it took to serve again.
"""

import random
import threading
import time

import soundness
from caller import Caller
from load import Load
from processes import send, wait_until
from report import Result
from stack import Stack

KILL = 9


class KillerOfProcesses:
    """Kills a random worker or jobs process every 50 to 200 ms; jobs processes are started again at once."""

    def __init__(self, stack, seed, most):
        self.stack, self.most = stack, most
        self.random = random.Random(f"{seed}/kills")
        self.workers, self.jobs = 0, 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    @property
    def kills(self):
        """How many processes were killed."""
        return self.workers + self.jobs

    def run(self):
        """Kills until it is told to stop or has killed enough."""
        while self.kills < self.most and not self.stopping.wait(self.random.uniform(0.05, 0.2)):
            victims = [("worker", pid) for pid in self.stack.workers()]
            victims += [("jobs", one) for one in self.stack.jobs if one.runs()] * 2
            if not victims:
                continue
            kind, victim = self.random.choice(victims)
            if kind == "jobs":
                victim.kill()
                victim.start()
                self.jobs += 1
            elif send(victim, KILL):
                self.workers += 1
        self.stopping.set()

    def end(self):
        """Stops killing."""
        self.stopping.set()
        self.thread.join()


def kill_processes(seed, seconds, short):
    """S3."""
    result = Result("S3", "kill -9 of workers and jobs processes", seed)
    most = 60 if short else 10_000_000
    with Stack(workers=4 if short else 8, jobs=2) as stack:
        merchants = [stack.merchant("2027-01-04 00:00", retryFee=100, softDeclineFee=50, lateFeeAmount=500)
                     for _ in range(1 if short else 2)]
        loads = [Load(merchant, f"{seed}/{number}", callers=3 if short else 4)
                 for number, merchant in enumerate(merchants)]
        for load in loads:
            load.begin()
        killer = KillerOfProcesses(stack, seed, most)
        began = time.monotonic()
        killer.thread.start()
        killer.stopping.wait(seconds)
        killer.end()
        stormed = time.monotonic() - began
        result.again = soundness.await_service(Caller(merchants[0], loads[0].journal), 60)
        result.inject("kills of workers", killer.workers)
        result.inject("kills of jobs processes", killer.jobs)
        result.tell("seconds of storm", round(stormed, 1))
        conclude(stack, loads, result)
    return result


def conclude(stack, loads, result):
    """Ends the load, and looks at everything."""
    for load in loads:
        load.end(lambda: soundness.bring_forward(stack))
        result.verdict.broken.extend(load.errors)
        result.inject("days", load.moves)
        result.tell("reads", load.reads)
    parties = [(load.merchant, load.journal) for load in loads]
    result.take(soundness.check(stack, parties))
    for _, journal in parties:
        result.inject("requests", sum(line.sent for line in journal.lines))


def kill_databases(seed, seconds, short):
    """S4: the books' server is killed or stopped at once, again and again; now and then the processor's, too."""
    result = Result("S4", "kill -9 and immediate stop of PostgreSQL", seed)
    chosen = random.Random(f"{seed}/servers")
    times, waits = [], []
    with Stack(workers=4, jobs=2) as stack:
        merchant = stack.merchant("2027-01-04 00:00", retryFee=100, softDeclineFee=50)
        load = Load(merchant, seed, callers=3)
        load.begin(customers=6)
        prober = Caller(merchant, load.journal)
        workers = set(stack.workers())
        end = time.monotonic() + seconds
        turn = 0
        while turn < 2 if short else time.monotonic() < end:
            turn += 1
            pause = chosen.uniform(0.5, 1.5) if short else chosen.uniform(10, 20)
            before = len(load.journal.acknowledged())
            wait_until(lambda: len(load.journal.acknowledged()) > before + 5, 60, "the load goes on")
            time.sleep(pause if short else max(0, min(pause, end - time.monotonic())))
            server = stack.processor if turn % 3 == 0 and not short else stack.books
            down = time.monotonic()
            if turn % 2:
                server.kill()
                result.inject("kill -9", 1)
            else:
                server.stop_immediately()
                result.inject("immediate stops", 1)
            if server is stack.processor:
                # A payment meets a processor that is away.
                before = len(load.journal.lines)
                wait_until(lambda: len(load.journal.lines) > before + 5, 60, "the load goes on")
                result.inject("of the processor", 1)
            server.start()
            up = time.monotonic()
            if server is stack.books:
                times.append(soundness.await_service(prober, 60, up))
            waits.append(up - down)
        result.again = max(times)
        result.tell("serving again, median s", round(sorted(times)[len(times) // 2], 3))
        result.tell("server away, most s", round(max(waits), 2))
        replaced = len(workers - set(stack.workers()))
        result.tell("workers replaced by the master", replaced)
        result.tell("workers replaced by hand", 0)
        for one in [stack.serve, *stack.jobs]:
            if not one.runs() or one.starts != 1:
                result.verdict.broken.append(f"ended: {one.words[-1]}")
        if not short and result.again > 2:
            result.verdict.broken.append(f"serving again only after {result.again:.2f} s")
        conclude(stack, [load], result)
    return result


TESTS = [("S3", kill_processes, 5, 8), ("S4", kill_databases, 6, 8)]
