"""Billing passes as trials: a group of customers of all kinds, and `billing run` over two business dates of theirs.

Every trial begins 28 days after the one before, in the same merchant account: the weekdays are the same, and what the
trials before have left is settled by then.
"""

import copy
import datetime

from commands import BANK, Trial, customer
from lab import ALWAYS_D01, ALWAYS_D16, CARD, LOST_ANSWER, Desk, difference

POLICY = {
    "softDeclineFee": 20, "hardDeclineFee": 30, "retryFee": 10, "chargebackFee": 1500, "freezeRecurringFee": 77,
    "freezeFlatFee": 55, "cancellationFee": 99, "lateFeeAmount": 500, "lateFeeGraceDays": 2, "writeOffDays": 5,
    "retryDays": "2,3", "onRetriesExhausted": "cancel",
}
TWICE_D03, CHARGED_BACK = "4000000000009995", "4000000000000259"
# A Monday.
FIRST = datetime.date(2027, 1, 4)
# Days of a trial on which a pass is made; the last one is not disturbed.
STAGES = (1, 9, 10)


class Passes:
    """The trials of billing passes in one merchant account."""

    def __init__(self, lab, small=False):
        self.lab, self.small = lab, small
        self.desk = Desk(lab, clock=str(FIRST), **POLICY)
        self.trials = 0
        self.stages = STAGES[:2] if small else STAGES

    def group(self, tag, day):
        """The customers of a trial: card or account, amount, payments, and what is done with the subscription."""
        def one(number, amount=1500, length=1, then=None):
            return number, amount, length, then

        kinds = [one(CARD, length=2)]
        if not self.small:
            frozen = ("freeze", {"effectiveDate": day(8), "length": 1})
            kinds += [
                one(ALWAYS_D01), one(ALWAYS_D16), one(BANK), one(BANK, 7500), one(CARD, length=3, then=frozen),
                one(CARD, length=3, then=("cancel", {"effectiveDate": day(8)})), one(LOST_ANSWER), one(CHARGED_BACK),
                one(CARD, 15000), one(None), one(TWICE_D03), one(CARD, length=3, then=("pause", {"note": "away"})),
            ]
        trial = Trial(self.desk, tag)
        for place, (number, amount, length, then) in enumerate(kinds):
            subscription = {"amount": amount, "billingCycleType": "W", "firstBillingDate": day(1), "length": length}
            method, path, fields = customer(f"{tag}-{place}", (number,) if number else (), (subscription,))
            fields["lastName"] = tag
            for part in fields.get("paymentOptions", []):
                part["accountAccessory"] = part["accountAccessory"].replace("1230", "1299")
            made = trial.make(f"customer{place}", method, path, fields)
            if then:
                at = f"/customers/{made['id']}/subscriptions/{made['subscriptions'][0]['id']}"
                trial.make(f"then{place}", "POST", f"{at}/~{then[0]}", then[1])

    def begin(self):
        """A new group of customers on a new Monday; its name."""
        start = FIRST + datetime.timedelta(days=28 * self.trials)
        self.trials += 1
        self.desk.clock = str(start)
        if self.trials > 1 and not self.small:
            # What the trial before has left is done with.
            self.lab.set_clock(self.desk.account, start)
            self.lab.run_over(self.desk.account)
        self.lab.set_clock(self.desk.account, start)
        tag = self.lab.tag("pass")
        self.group(tag, lambda days: str(start + datetime.timedelta(days=days)))
        return tag

    def reach(self, stage):
        """The clock goes to the day of a stage."""
        start = datetime.date.fromisoformat(self.desk.clock)
        self.lab.set_clock(self.desk.account, start + datetime.timedelta(days=self.stages[stage]))

    def settle(self):
        """Passes until nothing is open."""
        self.lab.run_over(self.desk.account)
        self.lab.recover(self.desk.account)

    def finish(self, tag, stage):
        """The rest of a stage and the stages after it, undisturbed; the state at the end."""
        self.lab.recover(self.desk.account)
        for later in range(stage + 1, len(self.stages)):
            self.reach(later)
            self.settle()
        return self.desk.state(tag)

    def is_run(self, pid):
        """Whether a process is a pass of ours: it is no worker."""
        return not self.lab.is_worker(pid)

    def count(self):
        """An undisturbed trial: the rounds of each stage, and the state at the end."""
        tag = self.begin()
        steps = []
        for stage in range(len(self.stages) - 1):
            self.reach(stage)
            director, _ = self.lab.count(lambda: self.lab.run_over(self.desk.account), self.is_run, True)
            steps.append(director.steps)
            self.settle()
        return steps, self.finish(tag, len(self.stages) - 2)

    def disturbed(self, stage, director, again=3):
        """A trial with a director at work in one stage; the state at the end, and how often the pass was begun."""
        tag = self.begin()
        for before in range(stage):
            self.reach(before)
            self.settle()
        self.reach(stage)
        self.lab.proxies.direct(director)
        try:
            starts = 0
            while starts < again:
                starts += 1
                one = self.lab.run_once(self.desk.account)
                if one.process.wait(120) == 0:
                    break
        finally:
            self.lab.proxies.direct(None)
        return self.finish(tag, stage), starts

    @staticmethod
    def compare(result, words, wanted, found):
        """Notes a state that is not the one wanted."""
        if difference(wanted, found) and not difference(undated(wanted), undated(found)):
            # Ageing passes over what is open at the processor, and comes once a date.
            result.tell("aged a date later", 1)
        else:
            result.compare(words, wanted, found)


def undated(state):
    """A state without the dates of late fees and of what was written off."""
    state = copy.deepcopy(state)
    for one in state[0]:
        for entry in one["transactions"]:
            if entry["type"] in ("AA", "RL"):
                entry["dueDate"] = None
    return state
