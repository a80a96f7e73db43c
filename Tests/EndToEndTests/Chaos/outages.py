"""S8: the disk is full, the connections are taken, the processor is away for an hour, the clock is set back a day.

Clear errors meanwhile (503 with S02 and Retry-After, 202 with E02), nothing broken, and well again by itself.
"""

import datetime
import glob
import json
import os
import random
import socket
import struct
import time

import soundness
from caller import Caller, Journal
from load import Load
from processes import wait_until
from report import Result
from stack import Stack
from storms import conclude

CUSTOMER = {"firstName": "Ann", "lastName": "Lee", "paymentOptions": [
    {"accountNumber": "4111111111111111", "accountAccessory": "1239", "holderName": "Ann Lee"}]}


def expect_clear(result, met):
    """Every failure that a caller met was one that says what to do: 503 with S02, and when to come again."""
    for failure in met:
        if failure not in ("503 S02", "503 S01") and "409" not in failure:
            result.verdict.broken.append(f"callers met {failure}")


# The disk


class Ballast:
    """A file that takes what is left of a volume."""

    def __init__(self, folder):
        self.path = f"{folder}/ballast"

    def fill(self, keep):
        """Takes all but so many bytes."""
        left = os.statvfs(os.path.dirname(self.path))
        size = left.f_bavail * left.f_frsize - keep
        with open(self.path, "ab", buffering=0) as file:
            while size > 0:
                try:
                    size -= file.write(bytes(min(size, 65536)))
                except OSError:
                    # Somebody else was quicker: it is full.
                    return

    def remove(self):
        """Gives it back."""
        os.unlink(self.path)


def full_disk(seed, seconds, short):
    """The books' volume fills up while customers pay, and is freed again."""
    result = Result("S8", "full disk", seed)
    rounds, span = (1, 2.0) if short else (max(2, int(seconds / 60)), 15.0)
    chosen = random.Random(f"{seed}/disk")
    with Stack(workers=3, jobs=2, start=False, wal="64MB") as stack:
        if not stack.books.mount(220):
            result.tell("note", "not run: mounting a volume is not permitted here")
            return result
        stack.prepare()
        stack.start()
        merchant = stack.merchant("2027-01-04 00:00")
        load = Load(merchant, seed, callers=3)
        load.begin(customers=5)
        ballast = Ballast(f"{stack.books.folder}/volume")
        slowest = 0.0
        for turn in range(rounds):
            before = len(load.journal.acknowledged())
            wait_until(lambda: len(load.journal.acknowledged()) > before + 10, 60, "the load goes on")
            met = load.journal.met().total()
            full = time.monotonic()
            while time.monotonic() < full + span or load.journal.met().total() == met:
                ballast.fill(chosen.randrange(0, 65536))
                revive(stack.books, result)
                if turn % 2 == 0:
                    use_up_log(stack.books)
                time.sleep(0.1)
                if time.monotonic() > full + 60:
                    raise TimeoutError("the full disk troubles nobody")
            result.inject("times full", 1)
            ballast.remove()
            freed = time.monotonic()
            wait_until(lambda: revive(stack.books, result) and stack.books.accepts(), 60, "the server comes back", 0.05)
            slowest = max(slowest, soundness.await_service(Caller(merchant, load.journal), 60, freed))
        result.again = slowest
        for one in (stack.serve, *stack.jobs):
            if one.starts != 1 or not one.runs():
                result.verdict.broken.append(f"{one.words[-1]} ended")
        conclude(stack, [load], result)
        expect_clear(result, load.journal.met())
    return result


def use_up_log(server):
    """Has the server begin another file of its log, for which there is no room soon: it gives up, and starts anew."""
    try:
        server.sql("select pg_switch_wal()")
    except RuntimeError:
        pass


def revive(server, result):
    """Starts the server again where it has ended, as its supervisor would; whether it runs."""
    if not server.component.runs():
        server.start(seconds=0)
        result.inject("ends of PostgreSQL", 1)
    return True


# The connections


class Guests:
    """Sessions of somebody else's that take every connection there is."""

    def __init__(self, server, role, database):
        self.path = f"{server.folder}/.s.PGSQL.5432"
        pairs = f"user\0{role}\0database\0{database}\0\0".encode()
        self.startup = struct.pack("!II", len(pairs) + 8, 196608) + pairs
        self.sockets = []

    def take(self):
        """Opens sessions until the server refuses; how many are held."""
        while True:
            one = socket.socket(socket.AF_UNIX)
            one.settimeout(10)
            if not self.enters(one):
                one.close()
                return len(self.sockets)
            self.sockets.append(one)

    def enters(self, one):
        """Whether a session begins: the server is ready for a query, and does not end it with an error."""
        try:
            one.connect(self.path)
            one.sendall(self.startup)
            file = one.makefile("rb")
            while True:
                kind, size = struct.unpack("!cI", file.read(5))
                file.read(size - 4)
                if kind in b"ZE":
                    return kind == b"Z"
        except (OSError, struct.error):
            return False

    def leave(self):
        """Ends them all."""
        for one in self.sockets:
            one.close()
        self.sockets.clear()


def connections_taken(seed, seconds, short):
    """Other sessions take all connections, and the workers' own are cut: S02, and well again when they have left."""
    result = Result("S8", "connection limit", seed)
    rounds, span = (1, 1.5) if short else (max(3, int(seconds / 30)), 10.0)
    with Stack(workers=3, jobs=2, connections=24) as stack:
        merchant = stack.merchant("2027-01-04 00:00")
        load = Load(merchant, seed, callers=3)
        load.begin(customers=5, moving=False)
        guests = Guests(stack.books, "billing_readonly", "billing")
        slowest = 0.0
        for _ in range(rounds):
            met = load.journal.met().total()
            guests.take()
            start = time.monotonic()
            while time.monotonic() < start + span or load.journal.met().total() == met:
                # By the superuser, who has connections of his own; then the guests are quicker, now or the next time.
                stack.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename in "
                          "('billing_api', 'billing_jobs', 'billing_owner')")
                guests.take()
                if time.monotonic() > start + 60:
                    raise TimeoutError("nobody lacks a connection")
            result.inject("connections taken", len(guests.sockets))
            guests.leave()
            slowest = max(slowest, soundness.await_service(Caller(merchant, load.journal), 60))
        result.again = slowest
        conclude(stack, [load], result)
        expect_clear(result, load.journal.met())
    return result


# The processor


def processor_away(seed, seconds, short):
    """The processor is away for an hour: payments are pending, listed for a person, and settled when it is back."""
    result = Result("S8", "processor away for an hour", seed)
    number = 4 if short else 24
    with Stack(workers=3, jobs=2) as stack:
        merchant = stack.merchant("2027-01-04 00:00")
        journal = Journal()
        caller = Caller(merchant, journal)
        customers = [caller.change("create", "PUT", "/customers", dict(CUSTOMER, code=f"p{n}", subscriptions=[
            {"billingCycleType": "M", "amount": 1500, "firstBillingDate": "2027-01-05"}]), f"p{n}").id
                     for n in range(number)]
        stack.processor.stop()
        pending, slowest = [], 0.0
        for n, customer in enumerate(customers[:number // 2]):
            line = caller.change("pay", "POST", f"/customers/{customer}/transactions/~process",
                                 {"amount": 700 + n, "code": f"a{n}"}, f"a{n}")
            info = line.answer.get("processingInfo", {}) if isinstance(line.answer, dict) else {}
            if line.status != 202 or line.answer.get("status") != "pending" or info.get("responseCode") != "E02":
                result.verdict.broken.append(f"not 202, pending, E02: {line}")
            pending.append(line)
            slowest = max(slowest, line.ended - line.began)
            start = time.monotonic()
            caller.change("create", "PUT", "/customers", dict(CUSTOMER, code=f"o{n}"), f"o{n}")
            result.tell("other writes meanwhile, most ms", max(
                0, round(1000 * (time.monotonic() - start)) - result.told.get("other writes meanwhile, most ms", 0)))
        result.tell("slowest 202, s", round(slowest, 2))
        # The run meets the same: it bills, and collects later.
        stack.sql("update billing.merchant_accounts set clock_at = '2027-01-05Z'"
                  f" where account_id = {merchant.account}")
        wait_until(lambda: count(stack, "attempts where outcome = 'open'") >= number, 90, "the run's attempts are open")
        result.inject("attempts without an outcome", count(stack, "attempts where outcome = 'open'"))
        # An hour goes by: every attempt was opened then, and was asked for in vain.
        result.tell("nudged", "opened_at an hour back and next_look_up to now, by the test, so the time until an "
                              "outcome is known is not the product's own")
        stack.sql("set session_replication_role = replica; update billing.attempts set opened_at = opened_at"
                  " - interval '61 min', next_look_up = clock_timestamp() where outcome = 'open'")
        wait_until(lambda: count(stack, "attempts where look_ups = 0") == 0, 90, "each attempt was asked for")
        status = json.loads(stack.billing("status", "--json", check=False).stdout)
        listed = {(one.get("accountId"), one.get("transactionId")) for one in status["attemptsForAPerson"]}
        if len(listed) < number or status["oldOpenAttempts"] < number:
            result.verdict.broken.append(f"{number} attempts are open for an hour; listed for a person: {len(listed)}")
        stack.processor.start()
        back = time.monotonic()
        result.again = await_payment(caller, back)
        soundness.resolve_attempts(stack, 90)
        result.tell("settled when nudged, s", round(time.monotonic() - back, 2))
        for line in pending:
            found = caller.read(f"/customers/{line.customer}/transactions/{line.id}")
            if found.get("status") != "final":
                result.verdict.broken.append(f"settled as {found.get('status')}: {line}")
        result.take(soundness.check(stack, [(merchant, journal)]))
        moved = stack.processor.sql("select count(*), sum(approved_amount) from sandbox.movement")[0]
        result.tell("charged at the processor", " of ".join(moved))
    return result


def await_payment(caller, since, most=20):
    """Seconds until a payment is final at once, each try by a customer of its own: nothing of it is nudged."""
    for turn in range(most):
        tag = f"back{turn}"
        customer = caller.change("create", "PUT", "/customers", dict(CUSTOMER, code=tag), tag).id
        line = caller.change("pay", "POST", f"/customers/{customer}/transactions/~process",
                             {"amount": 600, "code": f"{tag}p"}, f"{tag}p")
        if line.status == 201:
            return time.monotonic() - since
    raise TimeoutError(f"the processor is back, and {most} payments were not final: {line}")


def count(stack, what):
    """How many rows there are of it."""
    return int(stack.sql(f"select count(*) from billing.{what}")[0][0])


# The clock


class FakeClock:
    """The machine's clock as PostgreSQL, workers and jobs processes see it, by libfaketime: an offset in a file."""

    def __init__(self):
        found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        self.library = found[0] if found else None
        self.path = None

    def environment(self, path):
        """What a process needs to see it."""
        self.path = path
        return {"LD_PRELOAD": self.library, "FAKETIME_TIMESTAMP_FILE": path, "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DISABLE_SHM": "1"}

    def set(self, days):
        """Puts it so many days from the real one."""
        with open(self.path + ".new", "w", encoding="ascii") as file:
            file.write(f"{days * 86400:+d}\n")
        os.chmod(self.path + ".new", 0o644)
        os.rename(self.path + ".new", self.path)


def clock_set_back(seed, seconds, short):
    """An account on real time: the clock goes on a week, is set back a day, goes on: each cycle is billed once."""
    result = Result("S8", "clock set back a day", seed)
    clock = FakeClock()
    if clock.library is None:
        result.tell("note", "not run: libfaketime is not installed")
        return result
    folder = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"billing-chaos-clock-{os.getpid()}")
    preload = clock.environment(folder)
    try:
        clock.set(0)
        with Stack(workers=2, jobs=2, preload=preload) as stack:
            go_back_and_forth(stack, clock, result, short)
    finally:
        for path in (folder, folder + ".new"):
            if os.path.exists(path):
                os.unlink(path)
    return result


def go_back_and_forth(stack, clock, result, short):
    """The course of it."""
    merchant, journal = stack.merchant(clock=None), Journal()
    caller = Caller(merchant, journal)
    today = datetime.date.fromisoformat(stack.sql("select current_date")[0][0])
    customers = [caller.change("create", "PUT", "/customers", dict(CUSTOMER, code=f"t{n}", subscriptions=[
        {"billingCycleType": "W", "amount": 1500, "firstBillingDate": str(today)}]), f"t{n}").id for n in range(6)]

    def invoices():
        return stack.sql("select due_date, count(*) from billing.transactions where type = 'RI' group by 1 order by 1")

    def expect(weeks, words):
        wanted = [[str(today + datetime.timedelta(days=7 * n)), str(len(customers))] for n in range(weeks)]
        wait_until(lambda: len(invoices()) >= weeks and invoices()[-1] == wanted[-1], 60, words)
        if invoices() != wanted:
            result.verdict.broken.append(f"{words}: {invoices()}, not {wanted}")

    def pay(tag):
        line = caller.change("pay", "POST", f"/customers/{customers[0]}/transactions/~process",
                             {"amount": 600, "code": tag}, tag)
        if line.status != 201:
            result.verdict.broken.append(f"{tag}: {line}")

    expect(1, "billed on the first day")
    clock.set(7)
    expect(2, "billed after a week")
    # An attempt whose outcome is unknown is to be asked for at a time that is a day away then.
    stack.processor.stop()
    caller.change("pay", "POST", f"/customers/{customers[1]}/transactions/~process",
                  {"amount": 700, "code": "lost"}, "lost")
    result.inject("attempts without an outcome", count(stack, "attempts where outcome = 'open'"))
    clock.set(6)
    stack.processor.start()
    back = time.monotonic()
    result.inject("days back", 1)
    pay("on the day before".replace(" ", "-"))
    result.again = time.monotonic() - back
    line = caller.change("create", "PUT", "/customers", dict(CUSTOMER, code="new", subscriptions=[
        {"billingCycleType": "W", "amount": 900, "firstBillingDate": str(today + datetime.timedelta(days=13))}]), "new")
    if not line.ok:
        result.verdict.broken.append(f"after the clock was set back: {line}")
    wait_until(lambda: stack.ready() == 200, 30, "/readyz is green after the clock was set back", 0.2)
    if not short:
        try:
            wait_until(lambda: count(stack, "attempts where outcome = 'open'") == 0, 120,
                       "the unknown outcome is asked for although the clock was set back", 0.5)
        except TimeoutError as error:
            result.verdict.broken.append(str(error))
    expect(2, "nothing twice on the repeated day")
    clock.set(7)
    pay("again")
    expect(2, "nothing twice when the day comes again")
    clock.set(14)
    wait_until(lambda: len(invoices()) >= 3, 60, "billed in the third week")
    result.take(soundness.check(stack, [(merchant, journal)]))


TESTS = [("S8", full_disk, 1, 8), ("S8", connections_taken, 1, 8), ("S8", processor_away, 1, 8),
         ("S8", clock_set_back, 1, 8)]
