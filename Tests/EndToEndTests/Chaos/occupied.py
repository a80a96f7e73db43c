"""S8: workers that all wait for one thing: outcomes that stay open, a customer's row that somebody keeps locked.

Whoever waits for one customer must not hold up those of the others: reads stay quick, and payments are taken.
"""

import collections
import http.client
import itertools
import threading
import time

import soundness
from caller import Caller, Journal, Line, met, not_met
from report import Result
from stack import Stack
from wire import Wire

# A card of the contract whose order never arrives: a payment by it is answered 202, and its outcome stays open.
UNREACHED, CARD = "4000000000000127", "4111111111111111"
# Seconds within which 99 of 100 reads are answered, whoever waits. In the short form, which shares the machine with
# many others, within which every second one is; 99 of 100 then before a lock is given up (2 s).
QUICK, SHORTLY = 0.5, 1.6
PAYERS = 12
# Seconds that a customer's row is locked, how many pay for that customer meanwhile, and how many for others.
LOCKED, PAYERS_OF_LOCKED, PAYERS_OF_OTHERS = 5, 4, 2
V36 = {"409 V36", "409 V36 without Retry-After"}


def latencies(seconds):
    """Median, 99 % and most, in seconds."""
    found = sorted(seconds) or [0.0]
    return [found[min(len(found) - 1, int(len(found) * part))] for part in (0.5, 0.99, 1)]


def customer(caller, number, tag):
    """A customer with a card; its id."""
    return caller.change("create", "PUT", "/customers", {
        "firstName": "Ann", "lastName": "Lee", "code": tag, "paymentOptions": [
            {"accountNumber": number, "accountAccessory": "1239", "holderName": "Ann Lee"}]}, tag).id


class Crowd:
    """Threads that each do one thing over and over until the crowd ends; what ends one of them is noted."""

    def __init__(self, bodies):
        self.stopping, self.errors = threading.Event(), []
        self.threads = [threading.Thread(target=self.work, args=(body,), daemon=True) for body in bodies]
        for one in self.threads:
            one.start()

    def work(self, body):
        """Calls `body(turn)` again and again."""
        try:
            for turn in itertools.count():
                if self.stopping.is_set():
                    return
                body(turn)
        except Exception as error:  # Reported as broken: nothing may end one of them.
            self.errors.append(f"{type(error).__name__}: {error}")

    def end(self, result):
        """Lets everybody finish what is in hand."""
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
            if thread.is_alive():
                self.errors.append("a caller does not come to an end")
        result.verdict.broken.extend(self.errors)


class Reader:
    """One caller that reads a customer again and again, and how long each took, whatever came."""

    def __init__(self, merchant, number):
        self.caller, self.path = Caller(merchant), f"/customers/{number}"
        self.seconds, self.failed = [], collections.Counter()

    def read(self, _):
        """One read, sent once."""
        began = time.monotonic()
        try:
            status, names, answer = self.caller.once("GET", self.path)
            if status != 200:
                self.failed[met(status, names, answer)] += 1
        except (OSError, http.client.HTTPException) as error:
            self.failed[not_met(error)] += 1
        self.seconds.append(time.monotonic() - began)
        # A few hundred a second say enough.
        time.sleep(0.002)

    def judge(self, result, short):
        """All answered, 99 of 100 of them quickly."""
        median, most_of_them, slowest = latencies(self.seconds)
        result.inject("reads", len(self.seconds))
        result.tell("reads, s", f"median {median:.3f}, 99 % {most_of_them:.3f}, most {slowest:.3f}")
        if self.failed:
            result.verdict.broken.append(f"reads failed meanwhile: {dict(self.failed)}")
        limit = SHORTLY if short else QUICK
        if most_of_them > limit or median > QUICK:
            result.verdict.broken.append(
                f"99 % of {len(self.seconds)} reads took {most_of_them:.2f} s, not {limit} s, half of them "
                f"{median:.2f} s, while others waited")


class Payer:
    """One caller that pays for a customer again and again, each payment sent once; what was answered."""

    def __init__(self, merchant, journal, number, name):
        self.caller, self.name = Caller(merchant, journal), name
        self.path = f"/customers/{number}/transactions/~process"
        self.lines, self.answers, self.seconds = [], collections.Counter(), []

    def pay(self, turn):
        """One payment under a key of its own."""
        tag = f"{self.name}-{turn}"
        line = Line("pay", "POST", self.path, tag, tag, None, {"amount": 700 + turn % 1000, "code": tag})
        self.caller.journal.add(line)
        self.lines.append(line)
        line.sent = 1
        try:
            status, names, answer = self.caller.once("POST", self.path, line.fields, {"Idempotency-Key": tag})
            words = str(status) if status < 300 else met(status, names, answer)
            if status not in (429, 502, 503, 504):
                line.status, line.headers, line.answer = status, names, answer
        except (OSError, http.client.HTTPException) as error:
            words = not_met(error)
        line.ended = time.monotonic()
        self.answers[words] += 1
        self.seconds.append(line.ended - line.began)

    def finish(self):
        """Repeats what had no answer, as callers are told to."""
        for line in self.lines:
            if line.status is None:
                self.caller.repeat(line)


def judge_payers(result, payers, wanted, who):
    """All payments of these payers were answered at once with what is wanted."""
    told = dict(sum((one.answers for one in payers), collections.Counter()))
    median, most_of_them, slowest = latencies([one for payer in payers for one in payer.seconds])
    result.inject(f"payments of {who}", sum(told.values()))
    result.tell(f"answers to {who}", told)
    result.tell(f"payments of {who}, s", f"median {median:.2f}, 99 % {most_of_them:.2f}, most {slowest:.2f}")
    if set(told) - set(wanted) or not told:
        result.verdict.broken.append(f"payments of {who} were answered {told}, not all {' or '.join(sorted(wanted))}")


def open_payments(seed, seconds, short):
    """Customers whose payment is open pay again, all at once: each is refused (V36), and reads stay quick."""
    result = Result("S8", "open payments", seed)
    with Stack(workers=4, jobs=1) as stack:
        merchant, journal = stack.merchant("2027-01-04 00:00"), Journal()
        caller = Caller(merchant, journal)
        # Nobody asks for outcomes meanwhile.
        stack.jobs[0].end()
        payers = [Payer(merchant, journal, customer(caller, UNREACHED, f"u{n}"), f"p{n}") for n in range(PAYERS)]
        reader = Reader(merchant, customer(caller, CARD, "reader"))
        for one in payers:
            one.pay(0)
        judge_payers(result, payers, {"202"}, "customers without an open payment")
        again = [Payer(merchant, journal, one.lines[0].customer, f"{one.name}-again") for one in payers]
        crowd = Crowd([one.pay for one in again] + [reader.read])
        time.sleep(6 if short else max(6.0, min(60.0, seconds / 2)))
        crowd.end(result)
        judge_payers(result, again, V36, "customers with an open payment")
        reader.judge(result, short)
        stack.jobs[0].start()
        for one in again:
            one.finish()
        result.take(soundness.check(stack, [(merchant, journal)]))
    return result


class Lock:
    """A customer's row, locked by somebody's session at the database."""

    def __init__(self, stack, number):
        self.wire, self.number = Wire(stack.books.folder, stack.books.database), number

    def take(self):
        """`select … for update`."""
        self.wire.sql(f"begin; select 1 from billing.customers where customer_id = {self.number} for update")

    def release(self):
        """Ends the transaction."""
        self.wire.sql("commit")


class Locked:
    """A customer whose row somebody keeps locked, callers that pay for it and for others, and one that reads."""

    def __init__(self, stack, result):
        self.result = result
        self.merchant, self.journal = stack.merchant("2027-01-04 00:00"), Journal()
        self.caller = Caller(self.merchant, self.journal)
        self.number = customer(self.caller, CARD, "locked")
        self.lock = Lock(stack, self.number)

    def hold(self, name, payers, reader):
        """Keeps the row locked while so many pay for the customer, and some for others: those are given."""
        patient = [Patient(self.merchant, self.journal, self.number, f"l{name}-{n}") for n in range(payers)]
        others = [Payer(self.merchant, self.journal, customer(self.caller, CARD, f"o{name}-{n}"), f"o{name}-{n}")
                  for n in range(PAYERS_OF_OTHERS)]
        self.lock.take()
        crowd = Crowd([one.pay for one in [*patient, *others]] + [reader.read])
        time.sleep(LOCKED)
        self.lock.release()
        again = soundness.await_service(Caller(self.merchant, self.journal), 60)
        crowd.end(self.result)
        self.result.inject("seconds locked", LOCKED)
        self.result.again = max(self.result.again or 0, again)
        for one in others:
            one.finish()
        return others


def locked_customer(seed, seconds, short):
    """Somebody keeps a customer's row locked: the others' payments are taken all the same, and reads stay quick."""
    result = Result("S8", "locked customer", seed)
    # One worker more than callers wait for the lock: they leave one for everybody else, but none of the places at the
    # processors, of which there is one less.
    with Stack(workers=PAYERS_OF_LOCKED + 1, jobs=1) as stack:
        locked = Locked(stack, result)
        reader = Reader(locked.merchant, customer(locked.caller, CARD, "reader"))
        others = []
        for turn in range(1 if short else max(2, int(seconds / 20))):
            others += locked.hold(turn, PAYERS_OF_LOCKED, reader)
        judge_payers(result, others, {"201"}, "other customers")
        reader.judge(result, short)
        if not short:
            # Of who is answered when all workers wait for the lock nothing is promised: it is told.
            other = Reader(locked.merchant, customer(locked.caller, CARD, "other"))
            locked.hold("all", PAYERS_OF_LOCKED + 1, other)
            result.tell("reads while every worker waits, s", "median {:.3f}, 99 % {:.3f}, most {:.3f}".format(
                *latencies(other.seconds)))
        judge_locked(result, locked.journal, locked.number)
        result.take(soundness.check(stack, [(locked.merchant, locked.journal)]))
    return result


class Patient(Payer):
    """One caller that repeats each payment until it is answered."""

    def pay(self, turn):
        """One payment under a key of its own."""
        tag = f"{self.name}-{turn}"
        self.lines.append(self.caller.change("pay", "POST", self.path, {"amount": 700 + turn, "code": tag}, tag))


def judge_locked(result, journal, number):
    """Payments of the locked customer were told to come again, and taken, or refused while another was open."""
    lines = [line for line in journal.lines if line.kind == "pay" and line.customer == number]
    found = collections.Counter(words for line in lines for words in line.failures)
    result.inject("payments of the locked customer", len(lines))
    result.tell("its payers met", dict(found))
    for line in lines:
        if line.status != 201 and line.code != "V36":
            result.verdict.broken.append(f"of the locked customer: {line}")
    if not any(line.failures or line.ended - line.began > 1 for line in lines):
        result.verdict.broken.append("nobody met the lock")


TESTS = [("S8", open_payments, 1, 15), ("S8", locked_customer, 1, 12)]
