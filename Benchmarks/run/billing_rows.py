"""Rows of the billing run: P7, P8, P9, the second half of P13, P15, P16, and requests beside a run.

Each round bills the next month of the same subscriptions: the product in one merchant account, the baseline in another
one of the same size on the same server. A first month, in which subscriptions become current, is billed before. Before
each timed part the server vacuums, analyzes and makes its checkpoint. `BIG=1`: a million subscriptions.
"""

import base64
import http.client
import os
import queue
import statistics
import threading
import time

from books import POSTGRES, BenchStack, Book, counts, days_before, month, sums
from breakdown import breakdown
from caller import Caller
from report import Row

BIG = os.environ.get("BIG", "") not in ("", "0")
FIRST = "2027-02-01"
LEAD = 10
# The books of P7: invoiced ahead of the due date, nothing to collect with, credit for every tenth.
AHEAD = {"options": False, "credit": 10, "lead": LEAD}
# Requests a second of the reader beside a run.
PACE = 50


def size(quick, small, usual, big):
    """How many subscriptions."""
    return small if quick else big if BIG else usual


def rounds(quick):
    """How many rounds are measured: `ROUNDS`, if it is set."""
    return int(os.environ.get("ROUNDS") or (3 if quick or BIG else 5))


class Contest:
    """Two accounts of a stack, one billed by the product, the other one by a file of SQL, month by month."""

    def __init__(self, stack, rows, baseline, role, **kinds):
        self.stack, self.rows, self.baseline, self.role = stack, rows, baseline, role
        self.lead = kinds.get("lead", 0)
        clock = days_before(FIRST, self.lead)
        self.books = [Book(stack, FIRST, rows, clock=clock, **kinds) for _ in range(2)]
        self.speeds = ([], [])
        self.checkpoints = 0
        self.month = 0

    def round(self):
        """One month of both, the one first that was last before; bills a second of each."""
        due = month(FIRST, self.month)
        today = days_before(due, self.lead)
        for book in self.books:
            self.stack.set_clock(book.account, today)
        for place in ((0, 1), (1, 0))[self.month % 2]:
            if self.lead:
                # What fell due of the month before is not collected here.
                self.books[place].leave_uncollected()
            self.stack.settle()
            before = self.stack.last_checkpoint()
            seconds = self.play(place, today, due)
            self.checkpoints += self.stack.last_checkpoint() != before
            if self.month:
                self.speeds[place].append(self.rows / seconds)
        self.month += 1
        made = [sums(self.stack, book.account) for book in self.books]
        if made[0] != made[1]:
            other = [row for row in made[0] + made[1] if row not in made[0] or row not in made[1]]
            raise RuntimeError(f"the baseline does not write the same rows: {other}")
        billed = counts(self.stack, self.books[0].account)["collections"]
        if billed != self.rows * self.month:
            raise RuntimeError(f"{billed} bills in place of {self.rows * self.month}")

    def play(self, place, today, due):
        """Bills one account; seconds."""
        account = self.books[place].account
        if place == 0:
            return self.stack.run_billing(account)[0]
        began = time.monotonic()
        self.stack.file(self.baseline, self.role, account=account, today=today, through=due)
        return time.monotonic() - began

    def notes(self):
        """What is told of every contest."""
        return [f"{self.rows:,} subscriptions a round; the same rows and sums in each table",
                f"timed parts with a checkpoint: {self.checkpoints} of {2 * self.month}"]


def contest(quick, rows, baseline, role, **kinds):
    """All rounds of a contest: it, ended."""
    with BenchStack() as stack:
        one = Contest(stack, rows, baseline, role, **kinds)
        for _ in range(rounds(quick) + 1):
            one.round()
    return one


def soundness(rows=500):
    """Whether both ways leave books that `billing status --check` finds sound; looked at while they are small."""
    with BenchStack() as stack:
        for one in (Contest(stack, rows, "invoices_at_once.sql", "billing_jobs", **AHEAD),
                    Contest(stack, rows, "charges_at_once.sql", "bench")):
            one.round()
            one.round()
        return stack.check()


def reached(one, ratio, speed):
    """Whether both the ratio of the medians and the speed are reached."""
    product, baseline = map(statistics.median, one.speeds)
    return product / baseline >= ratio and product >= speed


def invoices(quick, _):
    """P7: invoices, ledger and balancing. Invoiced ahead of the due date, so that nothing is to be collected yet."""
    one = contest(quick, size(quick, 10_000, 200_000, 1_000_000), "invoices_at_once.sql", "billing_jobs", **AHEAD)
    return Row("P7", "billing run: invoice, ledger, balancing, no collection", "subscriptions/s", True, one.speeds[0],
               one.speeds[1], "set-based SQL that writes the same rows, one transaction",
               (0.7, "≥ 0.7 and ≥ 12,000 /s"), (20_000, "20,000 /s"), passed=reached(one, 0.7, 12_000),
               notes=[*one.notes(), f"invoiced {LEAD} days ahead; every tenth customer pays from credit"])


def waiting(quick, _):
    """P7 on the due date: the run looks at what is to be collected, and it waits for a payment option."""
    kinds = dict(AHEAD, lead=0)
    one = contest(quick, size(quick, 10_000, 100_000, 1_000_000), "invoices_at_once.sql", "billing_jobs", **kinds)
    return Row("P7w", "P7 on the due date: nobody has a payment option", "subscriptions/s", True, one.speeds[0],
               one.speeds[1], "set-based SQL that writes the same rows, one transaction", (0.7, "≥ 0.7"), None,
               notes=one.notes())


def charges(quick, _):
    """P8: invoices, attempts, charges in the sandbox's book, settlement."""
    one = contest(quick, size(quick, 3_000, 100_000, 1_000_000), "charges_at_once.sql", "bench")
    return Row("P8", "billing run, complete: P7, attempt, sandbox charge, settlement, ledger", "subscriptions/s", True,
               one.speeds[0], one.speeds[1],
               "set-based SQL that writes the same rows, the sandbox's too, one transaction",
               (0.4, "≥ 0.4 and ≥ 3,000 /s"), (5_000, "5,000 /s"), one.notes(), passed=reached(one, 0.4, 3_000))


def costs(books, months):
    """Microseconds a bill of each book, month by month in turn; a first month is not counted."""
    found = [[] for _ in books]
    for number in range(months + 1):
        for place, book in enumerate(books):
            book.stack.set_clock(book.account, month(FIRST, number))
            book.stack.settle()
            seconds, _, report = book.stack.run_billing(book.account)
            if number:
                found[place].append(seconds * 1e6 / report["invoices"])
    return found


def sizes(quick, _):
    """P9: what one subscription costs among few and among many."""
    few, many, idle = (2_000, 10_000, 20_000) if quick else (10_000, 100_000, 1_000_000 if BIG else 200_000)
    with BenchStack() as stack:
        small, mixed, large = [Book(stack, FIRST, rows) for rows in (few, few, many)]
        mixed.add(idle, "2047-02-01")
        found = costs([small, mixed, large], 3)
    work = [(f"cost of a bill in P8, {many:,} due", found[2], found[0]),
            (f"cost of a bill in P8, {few:,} due beside {idle:,} not due", found[1], found[0])]
    if BIG and not quick:
        with BenchStack() as stack:
            found = costs([Book(stack, FIRST, rows) for rows in (few, 1_000_000)], 1)
        work.append(("cost of a bill in P8, 1,000,000 due", found[1], found[0]))
    return [Row("P9", what, "µs", False, samples, others, f"{few:,} due", (1.3, "≤ 1.3"), (1.1, "1.1"))
            for what, samples, others in work]


def history(quick, _):
    """P9h: what a bill costs when the books have grown by ten million rows."""
    rows, months = (1_000, 4) if quick else (100_000, 15)
    with BenchStack() as stack:
        book = Book(stack, FIRST, rows)
        found = costs([book], months)[0]
        kept = int(stack.sql("select sum(n) from (" + " union all ".join(
            f"select count(*) as n from billing.{table}" for table in (
                "transactions", "ledger_entries", "allocations", "collections", "attempts")) + ") as counted")[0][0])
    return Row("P9h", f"cost of a bill in P8, {rows:,} due, after {months - 2} months of them", "µs", False,
               found[-3:], found[:3], "the first three months", (1.3, "≤ 1.3"), (1.1, "1.1"),
               notes=f"{kept:,} rows in the books at the end")


def fall_due(stack, book, day, seconds=900):
    """Puts the clock to a day and waits until all is billed, charged and settled; seconds, and the moment as text."""
    began = time.monotonic()
    moment = stack.wire.sql(f"update billing.merchant_accounts set clock_at = '{day} 00:00Z' "
                            f"where account_id = {book.account} returning clock_timestamp()")[0][0]
    while not book.is_done(day):
        if time.monotonic() - began > seconds:
            raise RuntimeError(f"the jobs processes have not billed {day} within {seconds} s")
        time.sleep(0.05)
    return time.monotonic() - began, moment


def processes(quick, _):
    """P13, second half: one jobs process and two."""
    rows = 3_000 if quick else 30_000
    speeds = {1: [], 2: []}
    with BenchStack() as stack:
        book = Book(stack, FIRST, rows, clock=days_before(FIRST, 1))
        for number in range(2 * rounds(quick) + 1):
            running = (1, 2)[number % 2]
            stack.settle()
            made = stack.jobs_running(running)
            seconds, _ = fall_due(stack, book, month(FIRST, number))
            for one in made:
                one.end()
            if number:
                speeds[running].append(rows / seconds)
    return Row("P13b", "billing jobs, 1 → 2 processes (P8)", "subscriptions/s", True, speeds[2], speeds[1],
               "one process", (1.2, "≥ 1.2"), None, notes=f"{rows:,} subscriptions of one merchant account a round")


def midnight(quick, _):
    """P15: from midnight to the charge at the processor."""
    rows = 2_000 if quick else 10_000
    delays, ends = [], []
    with BenchStack() as stack:
        book = Book(stack, FIRST, rows, clock=days_before(FIRST, 1))
        made = stack.jobs_running(os.cpu_count() or 1)
        for number in range(rounds(quick)):
            stack.settle()
            day = month(FIRST, number)
            seconds, moment = fall_due(stack, book, day)
            ends.append(seconds)
            delays.append(float(stack.sql(
                f"select percentile_cont(0.99) within group (order by extract(epoch from received_at - '{moment}')) "
                f"from sandbox.movement where account = {book.account} and business_date = '{day}'")[0][0]))
        for one in made:
            one.end()
    return Row("P15", "due at midnight → charged, p99", "s", False, delays, None, "", (10, "≤ 10 s"), (3, "3 s"),
               notes=[f"{rows:,} subscriptions, {os.cpu_count()} jobs processes",
                      "by the processor's own time of each charge",
                      f"all settled after {statistics.median(ends):.1f} s"])


def decade(quick, _):
    """P16: ten years of days by ~advance."""
    years = 1 if quick else 10
    found, days = [], 0
    with BenchStack() as stack:
        stack.serve_requests()
        for _ in range(1 if quick else 3):
            book = Book(stack, FIRST, 100, clock=days_before(FIRST, 1))
            stack.settle()
            caller = Caller(book.merchant, patience=1200, timeout=1200)
            began = time.monotonic()
            line = caller.advance(days_before(month(FIRST, 12 * years), 1))
            found.append((time.monotonic() - began) * 10 / years)
            caller.close()
            made = counts(stack, book.account)
            if not line.ok or made["attempts"] != 100 * 12 * years:
                raise RuntimeError(f"~advance: {line}, {made}")
            days = 365 * years
    notes = "one year, times ten" if quick else f"{days:,} days in one request"
    return Row("P16", "ten years of days for 100 monthly customers by ~advance", "s", False, found, None, "",
               (30, "≤ 30 s"), (10, "10 s"), notes=notes)


class Reader(threading.Thread):
    """Loads customers at a fixed pace, whether the answers come or not: an open loop. Without TLS."""

    def __init__(self, stack, book, threads=8):
        super().__init__(daemon=True)
        pair = f"{book.merchant.user}:{book.merchant.password}".encode()
        self.headers = {"Authorization": "Basic " + base64.b64encode(pair).decode(), "Accept": "application/json"}
        self.stack, self.book = stack, book
        self.queue, self.times, self.failures = queue.SimpleQueue(), [], []
        self.stopped = threading.Event()
        self.others = [threading.Thread(target=self.serve, daemon=True) for _ in range(threads)]

    def run(self):
        """Gives out the requests at their times."""
        for one in self.others:
            one.start()
        began, number = time.monotonic(), 0
        while not self.stopped.is_set():
            wanted = began + number / PACE
            time.sleep(max(0, wanted - time.monotonic()))
            self.queue.put((wanted, self.book.first_customer + number * 7919 % self.book.rows))
            number += 1

    def serve(self):
        """Sends requests over one kept connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.stack.plain_port, timeout=30)
        while True:
            one = self.queue.get()
            if one is None:
                connection.close()
                return
            try:
                connection.request("GET", f"/api/v01/customers/{one[1]}", headers=self.headers)
                answer = connection.getresponse()
                content = answer.read()
                if answer.status != 200:
                    self.failures.append(f"{answer.status} {content[:200]}")
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
            self.times.append(time.monotonic() - one[0])

    def end(self):
        """The 99th percentile in milliseconds. What has no answer after five seconds more is a failure."""
        self.stopped.set()
        self.join()
        deadline = time.monotonic() + 5
        while not self.queue.empty() and time.monotonic() < deadline:
            time.sleep(0.01)
        while not self.queue.empty():
            try:
                wanted = self.queue.get_nowait()
            except queue.Empty:
                break
            if wanted:
                self.failures.append("not answered")
                self.times.append(time.monotonic() - wanted[0])
        for _ in self.others:
            self.queue.put(None)
        for one in self.others:
            one.join()
        return 1000 * sorted(self.times)[int(len(self.times) * 0.99)]


def resident(pid):
    """A process's resident memory in MB; None when it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    return None


def readers(stack, book, seconds):
    """A reader for so many seconds: the p99 of a quiet server."""
    one = Reader(stack, book)
    one.start()
    time.sleep(seconds)
    return one.end()


def beside(quick, _):
    """While the run works: its memory, and the p99 of readers against that without the run."""
    rows = size(quick, 10_000, 100_000, 1_000_000)
    quiet, busy, memory, failures = [], [], [], []
    with BenchStack() as stack:
        stack.serve_requests()
        book = Book(stack, FIRST, rows)
        stack.run_billing(book.account)
        for number in range(1, 2 if BIG else 4):
            stack.set_clock(book.account, month(FIRST, number))
            stack.settle()
            readers(stack, book, 2)
            quiet.append(readers(stack, book, 3 if quick else 15))
            one = stack.run_component(book.account)
            reader = Reader(stack, book)
            reader.start()
            one.start()
            samples = []
            while one.runs():
                samples.append(resident(one.pid))
                time.sleep(0.2 if quick else 1)
            busy.append(reader.end())
            failures += reader.failures
            if one.process.returncode:
                raise RuntimeError(f"billing run ended with {one.process.returncode}")
            memory.append([sample for sample in samples if sample])
    growth = [statistics.median(one[-max(1, len(one) // 4):]) - statistics.median(one[len(one) // 4:len(one) // 2 + 1])
              for one in memory]
    notes = [f"{rows:,} subscriptions in the run"]
    if failures:
        notes.append(f"{len(failures)} requests failed beside the run, such as: {failures[0][:120]}")
    return [
        Row("P8r", f"load one customer, {PACE}/s open loop, while the run works, p99", "ms", False, busy, quiet,
            "the same without the run", (2, "≤ 2"), None, notes=notes, passed=False if failures else None),
        Row("P8m", "memory of the run, its last quarter against its second", "MB", False, growth, None, "",
            (1, "≤ 1 MB: flat"), None, notes=f"largest: {max(max(one) for one in memory):.0f} MB resident"),
    ]


def FACTS():
    """How the servers of these rows were set up."""
    return [("PostgreSQL of the billing rows", ", ".join(f"{name} {value}" for name, value in POSTGRES.items())
             + "; the sandbox's book in the same database")]


ROWS = [
    ("P7", invoices, 500, 40), ("P7w", waiting, 300, None), ("P8", charges, 600, 40), ("P8r P8m", beside, 250, None),
    ("P9", sizes, 300, None), ("P9h", history, 900, None),
    ("P13b P13", processes, 200, None), ("P15", midnight, 60, 15), ("P16", decade, 120, 10),
]
BREAKDOWN = [("P7", lambda quick: breakdown("P7", 10_000 if quick else 50_000)),
             ("P8", lambda quick: breakdown("P8", 10_000 if quick else 50_000))]


def main():
    """Tries rows of this module: names in ONLY, sizes as with QUICK."""
    wanted = os.environ.get("ONLY", "").split(",")
    for names, function, full, short in ROWS:
        if set(names.split()) & set(wanted):
            began = time.monotonic()
            made = function(os.environ.get("QUICK", "") not in ("", "0"), short or full)
            for row in made if isinstance(made, list) else [made]:
                print(row.cells(), f"{time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
