"""A customer's entries and what was used on what: balancing, reversal, refund (spec 3.2, 5.3, 5.4, 5.8)."""

from dataclasses import dataclass, field

REVENUE = {"RI", "RF", "RL", "RA"}
FEES = {"RF", "RL", "RA"}
CREDIT = {"AP", "AC", "RC", "AA", "RR", "AX", "AS"}
GIVES_BACK = {"AR", "AV", "AD", "AG"}
REVERSALS = {"RI": "RR", "RF": "RR", "RL": "RR", "RA": "RR", "RC": "RX", "AR": "AX", "AG": "AS"}


@dataclass(eq=False)
class Entry:
    """One transaction; number is its place among the customer's, from 0."""
    number: int
    type: str
    amount: int
    due: object
    tax: int = 0
    means: str = None
    sub: object = None
    cycle: int = None
    source: object = None
    status: str = "final"
    code: str = None
    next: object = None
    made: object = None
    option: object = None
    listed: list = field(default_factory=list)
    for_sub: object = None
    freeze_fee: bool = False
    # Invoices: how the run treats them. "due": on the billing date or as soon as an option is there;
    # "retry": on the day `again`; "wait": as soon as another option is given; "left": not by the run.
    way: str = "left"
    again: object = None
    declines: int = 0
    attempts: int = 0
    late: bool = False
    written_off: bool = False
    # Payments: the day on which something comes from the processor, and what.
    notice: tuple = None
    # The invoice that the run collected it for.
    paid_for: object = None
    final_on: object = None

    @property
    def sign(self):
        """+1 raises the customer's balance, -1 lowers it, 0 is a record only."""
        if self.type == "AD" and self.means_record:
            return 0
        return -1 if self.type in CREDIT else 1

    @property
    def means_record(self):
        """A real-time decline: it reverses nothing."""
        return self.source is None or self.source.type != "AC"


@dataclass(eq=False)
class Allocation:
    source: Entry
    target: Entry
    amount: int
    ended: bool = False


class Books:
    """The entries of one customer, in order, and their allocations, in order."""

    def __init__(self, algorithm):
        self.algorithm = algorithm
        self.entries, self.allocations = [], []

    def add(self, kind, amount, due, **more):
        entry = Entry(len(self.entries), kind, amount, due, **more)
        self.entries.append(entry)
        return entry

    def left(self, entry):
        """What is left of an entry to allocate: its amount less the live allocations."""
        if entry.sign == 0:
            return 0
        return entry.amount - sum(a.amount for a in self.live() if entry in (a.source, a.target))

    def live(self):
        return [a for a in self.allocations if not a.ended]

    def balance(self):
        return sum(e.sign * e.amount for e in self.entries)

    def allocate(self, source, target, most=None):
        """Uses the source on the target, as far as both go."""
        amount = min(self.left(source), self.left(target))
        amount = amount if most is None else min(amount, most)
        if amount > 0:
            self.allocations.append(Allocation(source, target, amount))
        return amount

    def debts(self, sub=None):
        """Open debts, or those of a subscription alone, in the order of the algorithm."""
        opened = [e for e in self.entries if e.sign > 0 and self.left(e) > 0 and (sub is None or e.sub is sub)]
        opened.sort(key=lambda e: (e.due, e.number))
        if self.algorithm == "AB":
            return opened
        invoices = [e for e in opened if e.type == "RI"]
        return invoices[:1] + [e for e in opened if e.type in FEES] + [
            e for e in opened if e.type not in FEES and e not in invoices[:1]]

    def credits(self):
        found = [e for e in self.entries if e.sign < 0 and self.left(e) > 0]
        return sorted(found, key=lambda e: (e.due, e.number))

    def held(self, money):
        """A payment for a subscription whose first bill is still to come waits for that (spec 5.9)."""
        paid = money.type in ("AP", "AC") and money.means != "W"
        return paid and money.for_sub is not None and money.for_sub.first_bill_to_come

    def balance_out(self):
        """Balancing (spec 5.4): oldest money first, what it names first, then by the algorithm."""
        for money in self.credits():
            debts = self.debts()
            own = self.debts(money.for_sub) if money.for_sub else []
            # A payment for a subscription that is not billed yet waits for its first invoice (spec 5.9).
            rest = [] if self.held(money) else debts
            for target in money.listed + own + rest:
                self.allocate(money, target)

    def release(self, entry, amount, given=False):
        """Ends allocations of a payment or on a debt, newest first, until so much is free; what was opened again.

        given: what was given back of it (refunds) counts too: the bank took the money itself back."""
        opened = []
        for allocation in reversed(self.live()):
            if amount <= 0:
                break
            if entry not in (allocation.source, allocation.target):
                continue
            if entry is allocation.source and self.gives_back(allocation) and not given:
                continue
            other = allocation.target if allocation.source is entry else allocation.source
            if self.left(other) == 0:
                opened.append(other)
            allocation.ended = True
            if allocation.amount > amount:
                rest = Allocation(allocation.source, allocation.target, allocation.amount - amount)
                self.allocations.append(rest)
            amount -= allocation.amount
        return opened

    def undo(self, kind, source, amount, due, **more):
        """An entry that takes so much of its source back: free credit first, then what was allocated."""
        more.setdefault("sub", source.sub)
        if kind in ("RR", "RX"):
            more.setdefault("tax", source.tax)
        entry = self.add(kind, amount, due, source=source, **more)
        opened = self.release(source, amount - self.left(source))
        if kind in ("AD", "AG"):
            opened += self.release(source, amount - self.left(source), given=True)
        if source.sign < 0:
            self.allocate(source, entry)
        else:
            self.allocate(entry, source)
        if source.type in ("AP", "AC"):
            self.stand(source)
        return entry, opened

    @staticmethod
    def gives_back(allocation):
        """The money itself went out again: by what names its payment, or in a refund that names none."""
        money, target = allocation.source, allocation.target
        if target.type == "AR" and target.source is None:
            return money.type in ("AP", "AC", "RC") and money.means not in ("L", "W")
        return target.type in GIVES_BACK and target.source is money

    def paid_back_of(self, payment):
        """What went out of a payment again, by refunds, voids, returns and chargebacks."""
        return sum(a.amount for a in self.live() if a.source is payment and self.gives_back(a))

    def refunds_of(self, payment):
        return [e for e in self.entries if e.type == "AR" and e.source is payment and e.status != "reversed"]

    def taken_back(self, payment):
        """A void or a return took all of it; that is for good."""
        return any(e.type in ("AV", "AD") and e.source is payment for e in self.entries)

    def stand(self, payment):
        """A payment is reversed when it was taken back, or while its refunds together are all of it."""
        refunded = sum(e.amount for e in self.refunds_of(payment))
        undone = self.taken_back(payment) or refunded == payment.amount
        payment.status = "reversed" if undone else "final"

    def restore(self, payment):
        """A refund or chargeback is undone: the payment pays its own refunds, whatever paid them meanwhile."""
        for refund in self.refunds_of(payment):
            last = None
            for other in reversed(self.live()):
                if other.target is refund and other.source is not payment and self.left(refund) < self.left(payment):
                    other.ended, last = True, other.source
            self.allocate(payment, refund)
            if last:
                self.allocate(last, refund)
        self.stand(payment)
