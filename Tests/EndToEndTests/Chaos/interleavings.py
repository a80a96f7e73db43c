"""S14: two commands on one customer at the same time, in every order of rounds with two switches, and some others.

The proxy holds both sessions at each round trip; a schedule says whose round goes next. Who waits for a lock lets the
other go on. Afterwards a pass finishes what is left. The answers, transactions, balances and the subscription must be
those of one of the two orders in which the commands can follow each other; where one was refused because the other's
outcome was open (V36), those of the other alone.

    SEED=7 python3 interleavings.py interleavings [--seconds S] [--short]
"""

import datetime
import itertools
import random
import threading
import time

from baton import Baton
from caller import NoAnswer, still_running
from commands import Trial, customer
from lab import ALWAYS_D01, CARD, DEBIT, Asking, Desk, Lab, Result, alone, conclude, draw
from passes import FIRST
from wire import Wire

# Trials that one merchant account is used for: each moves its clock by four weeks.
TRIALS_OF_A_DESK = 150


class Doing:
    """A command: its request, by the names of a trial; none for a pass."""

    def __init__(self, name, request=None, retries=False):
        self.name, self.request, self.retries = name, request, retries


AT = "/customers/{customer}"
DOINGS = [
    Doing("process", ("POST", AT + "/transactions/~process", {"amount": 1500})),
    Doing("reverse", ("POST", AT + "/transactions/{payment}/~reverse", {"note": "x"})),
    Doing("cancel", ("POST", AT + "/subscriptions/{subscription0}/~cancel", {"effectiveDate": "{today}"})),
    Doing("freeze", ("POST", AT + "/subscriptions/{subscription0}/~freeze", {"effectiveDate": "{next}", "length": 1})),
    Doing("change option", ("POST", AT + "/subscriptions/{subscription0}", {"paymentOptionId": "{option1}"})),
    Doing("pass"),
    Doing("retry", retries=True),
]


class Pair:
    """Two commands on customers of their own, one customer a trial."""

    def __init__(self, lab, desks, first, second):
        self.lab, self.desks = lab, desks
        self.doings = {"A": first, "B": second}
        self.name = f"{first.name} / {second.name}"
        self.retries = first.retries or second.retries
        # A retry and a charge are due on the same day.
        self.day = 7 if {first.name, second.name} == {"pass", "retry"} else 2 if self.retries else 0

    def prepared(self):
        """A fresh customer with a paid invoice and a subscription; the day of the commands."""
        desk, start = self.desks.next()
        trial = Trial(desk, self.lab.tag("i"))
        lab, account = self.lab, desk.account
        lab.set_clock(account, start - datetime.timedelta(days=1))
        weekly = {"amount": 1500, "billingCycleType": "W", "firstBillingDate": str(start), "length": 3}
        method, path, fields = customer(trial.tag, (CARD, DEBIT, ALWAYS_D01), (
            dict(weekly, paymentOptionId=f"*{trial.tag}-o{2 if self.retries else 0}"),))
        for part in fields["paymentOptions"]:
            part["accountAccessory"] = "1299"
        made = trial.make("customer", method, path, fields)
        trial.ids["subscription0"] = made["subscriptions"][0]["id"]
        trial.ids["option1"] = made["paymentOptions"][1]["id"]
        trial.make("invoice", "PUT", AT + "/transactions", {"type": "RI", "amount": 1500})
        trial.make("payment", "POST", AT + "/transactions/~process",
                   {"amount": 1500, "paymentOptionId": made["paymentOptions"][0]["id"]})
        if self.retries:
            # Declined softly at first; the retry is by a good card.
            lab.set_clock(account, start)
            lab.run_over(account)
            trial.make("changed", "POST", AT + "/subscriptions/{subscription0}",
                       {"paymentOptionId": made["paymentOptions"][0]["id"]})
        today = start + datetime.timedelta(days=self.day)
        lab.set_clock(account, today)
        trial.ids["today"] = str(today)
        trial.ids["next"] = str(start + datetime.timedelta(days=7 if self.day < 7 else 14))
        desk.clock = str(start)
        return trial

    def do(self, owner, trial, baton=None):
        """Does one command; its outcome: (status or exit status, failure code, id)."""
        doing = self.doings[owner]
        if doing.request is None:
            one = self.lab.run_once(trial.desk.account)
            if baton:
                with baton.change:
                    baton.owners[one.process.pid] = owner
            return one.process.wait(120), None, None
        method, path, fields = (trial.fill(part) for part in doing.request)
        caller = Asking(trial.desk.merchant, None, 30)
        end = time.monotonic() + 40
        try:
            while True:
                if baton:
                    baton.expects(owner)
                try:
                    key = {"Idempotency-Key": f"{trial.tag}-{owner}"}
                    status, names, answer = caller.once(method, path, fields, key)
                except OSError:
                    status, names, answer = 503, {}, {}
                if status != 503 and not (status == 409 and "retry-after" in names) or time.monotonic() > end:
                    if still_running(status, names, answer) and "retry-after" not in names:
                        raise ValueError(f"409 of an open first request without Retry-After: {answer}")
                    return status, answer.get("failureCode"), answer.get("id")
        finally:
            caller.close()

    def told(self, trial, outcomes):
        """After a last pass: the outcomes and everything of the customer, by letters in place of ids."""
        account, desk = trial.desk.account, trial.desk
        self.lab.run_over(account)
        self.lab.recover(account)
        letters = {trial.ids["invoice"]: "invoice", trial.ids["payment"]: "payment"}
        for owner, outcome in outcomes.items():
            if outcome[2] and self.doings[owner].name in ("process", "reverse"):
                letters.setdefault(outcome[2], owner)
        at = trial.fill(AT)
        whole, entries = desk.caller.read(at), desk.caller.read(at + "/transactions", limit=100)
        # Two equal commands may have changed roles: then their letters have.
        names = {one["id"]: letters.get(one["id"]) or f"{one['type']} {one['amount']} of {one.get('cycleNumber')}"
                 for one in entries}
        lines = [f"balance {whole['balance']} {whole['status']}"]
        for one in entries:
            lines.append(f"{names[one['id']]}: {one['type']} {one['amount']} {one['status']} left {one['balance']} "
                         f"of {names.get(one.get('sourceId'))} {one.get('processingInfo', {}).get('responseCode')}")
            for part in desk.caller.read(f"{at}/transactions/{one['id']}/allocations"):
                if part["sourceId"] == one["id"] and "endDate" not in part:
                    lines.append(f"{names[one['id']]} pays {part['amount']} of {names[part['targetId']]}")
        for one in whole["subscriptions"]:
            adjusted = desk.caller.read(f"{at}/subscriptions/{one['id']}/adjustments")
            lines.append(f"subscription {one['status']} {one.get('pendingAdjustmentType')} "
                         f"{one.get('billedCount')} {one.get('collectedCount')} {[part['type'] for part in adjusted]}")
        desk.make("POST", at, {"isActive": False})
        return {owner: outcome[:2] for owner, outcome in outcomes.items()}, sorted(lines)

    def serial(self, order):
        """The commands one after the other."""
        trial = self.prepared()
        outcomes = {owner: self.do(owner, trial) for owner in order}
        return self.told(trial, outcomes)

    def counted(self, owner):
        """How many rounds a command has when it is alone."""
        trial = self.prepared()
        baton = self.baton()
        thread = self.begin(owner, trial, baton)
        baton.done["B" if owner == "A" else "A"] = None
        baton.play([(owner, None)], {owner: 1000})
        self.lab.proxies.direct(None)
        thread.join(60)
        self.told(trial, {owner: baton.done[owner]})
        return baton.made[owner]

    def baton(self):
        """A baton that all sessions follow."""
        baton = Baton(self.lab.proxies, self.desks.servers)
        baton.concerns = self.lab.is_worker
        return self.lab.proxies.direct(baton)

    def begin(self, owner, trial, baton):
        """Begins a command in a thread, up to its first round."""
        def work():
            try:
                outcome = self.do(owner, trial, baton)
            except (RuntimeError, OSError, ValueError) as error:
                outcome = (0, repr(error), None)
            baton.finish(owner, outcome)
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        if not baton.await_start(owner):
            raise RuntimeError(f"{owner} ({self.doings[owner].name}) does not begin")
        return thread

    def together(self, schedule, alone_rounds):
        """The commands under a schedule; what is told, and the rounds as they went."""
        trial = self.prepared()
        baton = self.baton()
        try:
            threads = [self.begin(owner, trial, baton) for owner in ("A", "B")]
            baton.play(schedule, alone_rounds)
        finally:
            self.lab.proxies.direct(None)
            for _, _, go in baton.held.values():
                baton.loop.call_soon_threadsafe(go.set)
        for thread in threads:
            thread.join(60)
        if baton.stuck:
            raise RuntimeError(f"stuck: {baton.stuck}, rounds {baton.trace[-6:]}")
        return self.told(trial, dict(sorted(baton.done.items()))), baton.trace


class Desks:
    """Merchant accounts one after the other, and the days on which their trials begin."""

    def __init__(self, lab):
        self.lab, self.trials, self.desk = lab, 0, None
        self.servers = {name: Wire(server.folder, server.database) for name, server in (
            ("books", lab.stack.books), ("processor", lab.stack.processor))}

    def next(self):
        """A desk and a first day."""
        place = self.trials % TRIALS_OF_A_DESK
        self.trials += 1
        if place == 0:
            self.desk = Desk(self.lab, clock=str(FIRST - datetime.timedelta(days=1)), retryDays="2,3")
        return self.desk, FIRST + datetime.timedelta(days=28 * place)


def schedules(rounds, seed, sample):
    """All schedules with one or two switches, and a sample with three and four."""
    count_a, count_b = rounds["A"], rounds["B"]
    found = [[("A", place), ("B", None), ("A", None)] for place in range(1, count_a)]
    found += [[("B", place), ("A", None), ("B", None)] for place in range(1, count_b)]
    places = list(itertools.product(range(1, count_a), range(1, count_b)))
    more = [[("A", i), ("B", j), ("A", None), ("B", None)] for i, j in places]
    more += [[("B", j), ("A", i), ("B", None), ("A", None)] for i, j in places]
    chance = random.Random(seed)
    few = chance.sample(more, min(sample, len(more)))
    for _ in range(sample):
        cuts_a, cuts_b = chance.randint(1, count_a), chance.randint(1, count_b)
        few.append([("A", cuts_a), ("B", cuts_b), ("A", chance.randint(1, count_a)), ("B", chance.randint(1, count_b)),
                    ("A", None), ("B", None)])
    return found, few, len(more)


def is_of_some_order(told, orders, singles):
    """Whether what came is what one of the orders gives."""
    if told in orders:
        return True
    outcomes, lines = told
    for owner, outcome in outcomes.items():
        if outcome[1] == "V36":
            return lines == singles["B" if owner == "A" else "A"][1]
    return False


def interleavings(seed, seconds, short=False):
    """Each pair of commands on one customer, interleaved at their round trips."""
    with Lab(workers=4, kept=False) as lab:
        result = Result("S14", "interleavings", seed)
        play_pairs(lab, result, seed, seconds, short)
        return conclude(lab, result)


def play_pairs(lab, result, seed, seconds, short):
    """All pairs, as time allows; short: two."""
    desks = Desks(lab)
    pairs = [Pair(lab, desks, *two) for two in itertools.combinations_with_replacement(DOINGS, 2)]
    drawn = draw(seed, pairs, 2 if short else None)
    result.left_out(len(pairs) - len(drawn))
    end = time.monotonic() + seconds
    for place, pair in enumerate(drawn):
        if time.monotonic() > end:
            result.tell("pairs not drawn", len(drawn) - place)
            break
        now = time.monotonic()
        play_pair(pair, result, seed, now + (end - now) / (len(drawn) - place), short)


def play_pair(pair, result, seed, end, short):
    """All schedules of one pair, as time allows."""
    result.inject("pairs", 1)
    orders = [pair.serial("AB"), pair.serial("BA")]
    singles = {owner: pair.serial(owner) for owner in "AB"}
    rounds = {owner: pair.counted(owner) for owner in "AB"}
    all_two, sample, of_more = schedules(rounds, f"{seed}/{pair.name}", 1 if short else 20)
    result.tell("schedules of two switches", len(all_two))
    result.tell("schedules of three switches", of_more)
    wanted = draw(f"{seed}/{pair.name}", all_two, 4 if short else None) + sample
    for number, schedule in enumerate(wanted):
        if time.monotonic() > end:
            result.left_out(len(wanted) - number)
            return
        try:
            told, trace = pair.together(schedule, rounds)
        except (RuntimeError, ValueError, OSError, NoAnswer) as error:
            result.fault(f"{pair.name} {schedule}: {type(error).__name__} {error}")
            continue
        result.inject("interleavings", 1)
        if not is_of_some_order(told, orders, singles):
            result.fault(f"{pair.name} {schedule}: {told} is neither of {orders}; rounds {trace}")


TESTS = [("S14", interleavings, 12, 0)]

if __name__ == "__main__":
    alone([interleavings])
