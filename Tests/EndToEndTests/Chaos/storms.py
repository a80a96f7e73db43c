"""S3 and S4: workers, jobs processes and database servers are killed again and again under mixed load, time advancing.

After each storm: nothing lost, nothing double, no invariant broken, and how long it took to serve again.
"""

import collections
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
# The share of the requests that is acknowledged at least: whoever refuses nearly everything loses nothing.
LEAST_ACKNOWLEDGED = 0.5
# Of the books' server, in a run that has the time: so many are to be reached, and one takes so many seconds at least.
WANTED_OUTAGES, SECONDS_OF_OUTAGE = 100, 18
WHOSE = {"books": "the books'", "processor": "the processor's"}


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
        judge_again(result, short)
        result.inject("kills of workers", killer.workers)
        result.inject("kills of jobs processes", killer.jobs)
        result.tell("seconds of storm", round(stormed, 1))
        conclude(stack, loads, result)
    return result


def judge_again(result, short):
    """Serving again: within 2 s; on a machine that runs other tests beside the short one, 5 s."""
    limit = 5 if short else 2
    if result.again > limit:
        result.verdict.broken.append(f"serving again only after {result.again:.2f} s, not within {limit} s")


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
        asked, done = len(journal.lines), len(journal.acknowledged())
        if done < asked * LEAST_ACKNOWLEDGED:
            result.verdict.broken.append(f"only {done} of {asked} requests were acknowledged")
        result.inject("requests", asked)
        result.tell("repetitions", journal.repetitions())
    result.tell("callers met", dict(sum((journal.met() for _, journal in parties), collections.Counter())))


class Outages:
    """Database servers that are killed or stopped at once in turns, and how long it takes to serve again."""

    def __init__(self, stack, result, load):
        self.stack, self.result, self.load = stack, result, load
        self.prober = Caller(load.merchant, load.journal)
        self.counts = collections.Counter()
        self.times, self.waits = [], []

    def one(self, place):
        """One outage of the books' server or the processor's; each is killed and stopped by turns."""
        server = self.stack.books if place == "books" else self.stack.processor
        down = time.monotonic()
        if self.counts[place] % 2 == 0:
            server.kill()
            self.result.inject(f"kill -9 of {WHOSE[place]} server", 1)
        else:
            server.stop_immediately()
            self.result.inject(f"immediate stops of {WHOSE[place]} server", 1)
        self.counts[place] += 1
        if place == "processor":
            # A payment meets a processor that is away.
            before = len(self.load.journal.lines)
            wait_until(lambda: len(self.load.journal.lines) > before + 5, 60, "the load goes on")
        server.start()
        up = time.monotonic()
        if place == "books":
            self.times.append(soundness.await_service(self.prober, 60, up))
        self.waits.append(up - down)

    def await_load(self):
        """Waits until the load has gone on since the last one."""
        before = len(self.load.journal.acknowledged())
        wait_until(lambda: len(self.load.journal.acknowledged()) > before + 5, 60, "the load goes on")


def kill_databases(seed, seconds, short):
    """S4: the books' server is killed or stopped at once, again and again; now and then the processor's, too."""
    result = Result("S4", "kill -9 and immediate stop of PostgreSQL", seed)
    chosen = random.Random(f"{seed}/servers")
    with Stack(workers=4, jobs=2) as stack:
        load = Load(stack.merchant("2027-01-04 00:00", retryFee=100, softDeclineFee=50), seed, callers=3)
        load.begin(customers=6)
        outages, workers = Outages(stack, result, load), set(stack.workers())
        end = time.monotonic() + seconds
        wanted = WANTED_OUTAGES if seconds >= WANTED_OUTAGES * SECONDS_OF_OUTAGE else 0
        while outages.counts.total() < 2 if short else go_on(outages.counts["books"], wanted, end, seconds):
            outages.await_load()
            time.sleep(chosen.uniform(0.5, 1.5) if short else chosen.uniform(10, 20))
            outages.one("processor" if outages.counts.total() % 10 == 4 else "books")
        result.again = max(outages.times)
        result.tell("serving again, median s", round(sorted(outages.times)[len(outages.times) // 2], 3))
        result.tell("server away, most s", round(max(outages.waits), 2))
        if not short and not wanted:
            result.tell("note", f"too little time for {WANTED_OUTAGES} outages of the books' server")
        if outages.counts["books"] < wanted:
            result.verdict.broken.append(f"{outages.counts['books']} outages of the books' server, not {wanted}")
        judge_again(result, short)
        judge_processes(stack, workers, result)
        conclude(stack, [load], result)
    return result


def go_on(done, wanted, end, seconds):
    """Whether there is to be another outage: the time is not over, or, up to half of it more, not all were reached."""
    now = time.monotonic()
    return now < end or done < wanted and now < end + seconds / 2


def judge_processes(stack, workers, result):
    """No process ended over an outage: neither a master or jobs process, nor a worker, which the master replaces.

    Nobody reloads here, and the master replaces no worker for its age: one that is gone ended by itself, or was ended
    for a deadline. The master's words say which.
    """
    for one in [stack.serve, *stack.jobs]:
        if not one.runs() or one.starts != 1:
            result.verdict.broken.append(f"ended: {one.words[-1]}")
    replaced = len(workers - set(stack.workers()))
    result.tell("workers replaced by the master", replaced)
    if replaced:
        result.verdict.broken.append(f"the master replaced {replaced} workers: {words_of_ends(stack)}")


def words_of_ends(stack, most=3):
    """What the master has said of workers that ended."""
    with open(stack.serve.log, encoding="utf-8", errors="replace") as file:
        return [line.strip() for line in file if "worker ended" in line][:most]


TESTS = [("S3", kill_processes, 5, 8), ("S4", kill_databases, 6, 8)]
