"""A stack behind proxies, and what the tests with them share: trials, their state told without ids, results."""

import argparse
import datetime
import http.client
import json
import os
import random
import re
import time

import report
from caller import Caller, Journal, NoAnswer, met, not_met, still_running
from directors import Counting
from processes import Component
from proxy import Proxies
from soundness import check, check_clearness
from stack import Stack
from wire import Wire

CARD, OTHER_CARD, DEBIT = "4111111111111111", "5499740000000057", "4217651111111119"
ALWAYS_D01, ALWAYS_D16, LOST_ANSWER = "4000000000000002", "4000000000000069", "4000000000000119"
# What is another thing each time: not compared.
VOLATILE = {
    "createDate", "responseDate", "approvalCode", "gatewayTransactionId", "token", "tokenCode", "code", "lastName",
    "email", "holderName", "requestId", "temporaryPassword", "temporaryPasswordExpires", "creatorCode", "now",
    "lastDeclineDate", "name",
}
DATE = re.compile(r"^(\d{4})-(\d\d)-(\d\d)( .*)?$")


class Lab:
    """A stack whose books and processor are reached through proxies; its jobs processes do not run by themselves."""

    def __init__(self, workers=6, jobs=1, settings=None, kept=True):
        values = {"BILLING_LONG_WORKERS": 4, **(settings or {})}
        self.stack = Stack(workers=workers, jobs=jobs, settings=values, start=False)
        self.proxies = None
        try:
            self.stack.prepare()
            if not kept:
                # A request on a kept connection waits for the worker at its other end, whoever else is free.
                text = self.stack.nginx_configuration().replace("fastcgi_keep_conn on;", "fastcgi_keep_conn off;")
                self.stack.put("nginx.conf", text)
            # What waits for each other in a circle is told so soon.
            self.stack.books.sql("alter system set deadlock_timeout = '20ms'", "postgres")
            self.stack.books.sql("select pg_reload_conf()", "postgres")
            self.proxies = Proxies({
                "books": (self.folder("books"), f"{self.stack.books.folder}/.s.PGSQL.5432"),
                "processor": (self.folder("processor"), f"{self.stack.processor.folder}/.s.PGSQL.5432"),
            })
            self.stack.books_url = f"host={self.folder('books')} dbname=billing"
            self.stack.processor_url = f"host={self.folder('processor')} dbname=sandbox"
            self.wire = Wire(self.stack.books.folder, "billing")
            self.jobs, self.stack.jobs = self.stack.jobs, []
            self.stack.configure()
            self.stack.serve.start()
            self.stack.nginx.start()
            self.jobs[0].start()
            self.stack.await_ready()
            self.jobs[0].end()
            self.master = self.stack.serve.pid
        except BaseException:
            self.stack.show_logs()
            self.end()
            raise
        self.tags = 0
        self.merchants, self.journals = [], []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        if self.proxies:
            self.proxies.close()
        self.stack.end()

    def folder(self, name):
        """Where a proxy listens: only this user and root come there, as all of the stack's folder is closed."""
        path = f"{self.stack.folder}/proxy-{name}"
        if not os.path.isdir(path):
            os.mkdir(path)
            self.stack.own(path, 0o755)
        return path

    def is_worker(self, pid):
        """Whether a process is a worker of `billing serve`."""
        try:
            with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
                return int(file.read().rpartition(")")[2].split()[1]) == self.master
        except OSError:
            return False

    def tag(self, words):
        """A name that nothing else has."""
        self.tags += 1
        return f"{words}-{self.tags}"

    def count(self, body, concerns=None, connects=False):
        """The rounds of one undisturbed doing, and what it gave."""
        director = self.proxies.direct(Counting(concerns or self.is_worker, connects))
        try:
            return director, body()
        finally:
            self.proxies.direct(None)

    def run_once(self, account):
        """`billing run` over an account, begun; a Component."""
        one = Component([self.stack.program, "run", "--account", str(account), "--json"], f"{self.stack.folder}/state",
                        f"{self.stack.folder}/log/run", self.stack.user, self.stack.environment)
        one.start()
        return one

    def run_over(self, account):
        """`billing run` over an account, to its end."""
        one = self.run_once(account)
        status = one.process.wait(60)
        if status:
            raise RuntimeError(f"billing run ended with {status}: see its log")

    def recover(self, account):
        """Lets the run ask for open attempts without waiting for their time, until none is open."""
        for _ in range(5):
            rows = self.wire.sql(
                f"update billing.attempts set next_look_up = clock_timestamp() "
                f"where account_id = {account} and outcome = 'open' returning 1")
            if not rows:
                return
            self.run_over(account)
        raise RuntimeError(f"attempts of account {account} stay open")

    def set_clock(self, account, day):
        """Puts the account's clock to a day without running the days in between, as after an outage."""
        self.wire.sql(
            f"update billing.merchant_accounts set clock_at = '{day} 00:00Z' where account_id = {account}")


class Asking(Caller):
    """A caller that takes "the first request is open" as an answer: what is open is settled by whoever asks."""

    def repeat(self, line, send="json", accept="json"):
        """Sends a noted request until it is answered."""
        end = time.monotonic() + self.patience
        headers = {"Idempotency-Key": line.key} if line.key else {}
        while True:
            line.sent += 1
            try:
                status, names, answer = self.once(line.method, line.path, line.fields, headers, send, accept)
            except (OSError, http.client.HTTPException) as error:
                line.failures.append(not_met(error))
            else:
                is_first = still_running(status, names, answer)
                if is_first or status in (429, 502, 503, 504):
                    line.failures.append(met(status, names, answer))
                is_open = isinstance(answer, dict) and answer.get("failureCode") == "V36"
                if status not in (429, 502, 503, 504) and (is_open or not is_first):
                    line.status, line.headers, line.answer = status, names, answer
                    return line
            if time.monotonic() > end:
                raise NoAnswer(f"{line.method} {line.path}: {line.failures[-3:]}")
            time.sleep(0.02)


class Desk:
    """A merchant account and a caller of it."""

    def __init__(self, lab, clock="2027-01-01", patience=30, **settings):
        self.lab, self.clock = lab, clock
        self.merchant = lab.stack.merchant(clock=f"{clock} 00:00", **settings)
        lab.merchants.append(self.merchant)
        self.account = self.merchant.account
        self.journal = Journal()
        lab.journals.append(self.journal)
        self.caller = Asking(self.merchant, self.journal, patience)

    def make(self, method, path, fields=None, key=None):
        """A request of a trial's preparation, which must succeed; the answer."""
        line = self.caller.change("prepare", method, path, fields, key=key)
        if line.code == "V36" and line.sent > 1:
            # What a trial before has left of a connection may end a worker: the answer is asked for.
            self.lab.recover(self.account)
            self.caller.repeat(line)
        if not line.ok:
            raise RuntimeError(f"preparing: {line}")
        return line.answer

    def state(self, tag):
        """All customers and plans of a trial with all that is theirs, without ids and what differs each time."""
        found = []
        for row in self.caller.read("/customers", lastName=tag):
            at = f"/customers/{row['id']}"
            customer = self.caller.read(at)
            entries = self.caller.read(at + "/transactions", limit=1000)
            for entry in entries:
                entry["allocations"] = self.caller.read(f"{at}/transactions/{entry['id']}/allocations")
            found.append(plain({"customer": customer, "transactions": entries}, self.clock))
        return [found, plain(self.caller.read("/plans", name=tag), self.clock)]


def plain(value, day):
    """A document without what differs each time: ids are numbered by their order, dates are days since a date."""
    base = datetime.date.fromisoformat(day[:10])
    names = {}

    def gather(one):
        if isinstance(one, dict):
            for name, member in one.items():
                if (name == "id" or name.endswith("Id")) and isinstance(member, str) and member.isdigit():
                    names.setdefault(int(member), None)
                else:
                    gather(member)
        elif isinstance(one, list):
            for member in one:
                gather(member)

    def strip(name, one):
        if isinstance(one, dict):
            return {key: strip(key, member) for key, member in sorted(one.items()) if key not in VOLATILE}
        if isinstance(one, list):
            return [strip(name, member) for member in one]
        if isinstance(one, str) and (name == "id" or (name or "").endswith("Id")) and one.isdigit():
            return f"#{names[int(one)]}"
        if name in ("invoiceList", "message"):
            return re.sub("[0-9]{6,}", lambda found: f"#{names.get(int(found[0]), 'x')}", one)
        if isinstance(one, str) and DATE.match(one):
            return f"day {(datetime.date.fromisoformat(one[:10]) - base).days}"
        return one

    gather(value)
    for number, one in enumerate(sorted(names)):
        names[one] = number
    return strip(None, value)


def difference(wanted, found, at=""):
    """The first place where two documents differ, in words; None when they are equal."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name in sorted(set(wanted) | set(found)):
            words = difference(wanted.get(name), found.get(name), f"{at}.{name}")
            if words:
                return words
        return None
    if isinstance(wanted, list) and isinstance(found, list):
        for number, (one, other) in enumerate(zip(wanted, found)):
            words = difference(one, other, f"{at}[{number}]")
            if words:
                return words
        if len(wanted) != len(found):
            return f"{at}: {len(found)} in place of {len(wanted)}"
        return None
    return None if wanted == found else f"{at}: {found!r} in place of {wanted!r}"


def count_of(state):
    """How many customers, transactions and plans a state has, to tell lost from double."""
    return sum(1 + len(one["transactions"]) for one in state[0]) + len(state[1])


class Result(report.Result):
    """What a test found; faults are told at once."""

    def as_dict(self):
        """All of it; repeated by the name of the test's function, which its own name gives."""
        function = self.name.replace(" ", "_")
        return dict(super().as_dict(), repeat=f"make chaos ONLY={function} SEED={self.seed}")

    def fault(self, words, kind="broken"):
        """Something that must not be."""
        getattr(self.verdict, kind).append(words)
        print(f"{self.test} {self.name}: {words}", flush=True)

    def compare(self, words, wanted, found):
        """Notes a state that is not the one wanted: what is missing is lost, what is too many is double."""
        where = difference(wanted, found)
        if where:
            more = count_of(found) - count_of(wanted)
            self.fault(f"{words}: {where}", "lost" if more < 0 else "double" if more else "broken")
        return where is None

    def judge_reach(self, tried, missed="points not reached"):
        """Broken when more than one trial in twenty did not come to its point.

        A few may: the points are those of one undisturbed run, and a worker that knows a login or has a connection
        makes fewer rounds than one that does not (43 of 2,275 in a whole run). More than that means that trials are
        counted that did nothing. Of a few trials, two may.
        """
        number = self.told.get(missed, 0)
        if number > max(2, tried / 20):
            self.fault(f"{number} of {tried} trials did not reach their points")

    def left_out(self, number):
        """Notes how many trials there was no time for."""
        if number > 0:
            self.tell("not drawn", number)


def conclude(lab, result):
    """What every test ends with: a jobs process settles what is open, then all is looked at. The result as a dict."""
    for words in lab.proxies.faults():
        result.fault(f"the proxy itself: {words}")
    for journal in lab.journals:
        check_clearness(journal, result.verdict)
    lab.jobs[0].start()
    try:
        result.take(check(lab.stack, [(merchant, Journal()) for merchant in lab.merchants]))
    finally:
        lab.jobs[0].end()
    for name in ("broken", "lost", "double"):
        for words in getattr(result.verdict, name):
            print(f"{result.test} {result.name}, at the end: {name}: {words}", flush=True)
    return result.as_dict()


def draw(seed, items, most=None):
    """So many of the items, or all of them, in an order drawn from the seed."""
    found = list(items)
    random.Random(seed).shuffle(found)
    return found if most is None else found[:most]


def alone(tests):
    """Runs one of a module's tests by its name: SEED, and as arguments its name, seconds and whether it is short."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=[one.__name__ for one in tests])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--short", action="store_true")
    given = parser.parse_args()
    seed = os.environ.get("SEED") or str(random.SystemRandom().randrange(10**6))
    print(f"SEED={seed}", flush=True)
    for one in tests:
        if one.__name__ == given.name:
            print(json.dumps(one(seed, given.seconds, given.short), indent=1))
