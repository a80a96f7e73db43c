"""One merchant account as the contract describes it: what it holds, and what each request does to it."""

import datetime
from dataclasses import dataclass, field

import run
import sandbox
from books import CREDIT, FEES, REVERSALS, Books
from calendar_rules import DAY, settlement_of
from subscription import Adjustment, Subscription

POLICY = {
    "balancingAlgorithm": "AB", "invoiceLeadDays": 0, "closeSalesDays": 0, "retryDays": [3, 5, 7],
    "onRetriesExhausted": "none", "lateFeeAmount": 0, "lateFeeGraceDays": 10, "softDeclineFee": 0,
    "hardDeclineFee": 0, "retryFee": 0, "chargebackFee": 0, "enrollmentFee": 0, "cancellationFee": 0,
    "freezeFlatFee": 0, "freezeRecurringFee": 0, "writeOffDays": 0, "claimReturnDays": 3,
    "settlementTime": "17:00",
}


class Refused(Exception):
    """A request that must be refused, with its failure code."""


def refuse_if(condition, code):
    if condition:
        raise Refused(code)


@dataclass(eq=False)
class Option:
    card: str
    bank: bool
    active: bool = True
    default: bool = False
    deleted: bool = False


@dataclass(eq=False)
class Customer:
    number: int
    books: Books
    options: list = field(default_factory=list)
    subscriptions: list = field(default_factory=list)
    active: bool = True

    expired: bool = False

    @property
    def status(self):
        return "I" if not self.active else "E" if self.expired else "A"

    def default(self):
        return next((o for o in self.options if o.default and not o.deleted), None)


class Account:
    """The merchant account: its policy, its clock (local time) and its customers."""

    def __init__(self, policy, now):
        self.policy = dict(POLICY, **policy)
        self.now = now
        self.aged_on = now.date()
        self.customers = []

    @property
    def today(self):
        return self.now.date()

    # Customers and payment options

    def customer(self, options, subscriptions):
        made = Customer(len(self.customers), Books(self.policy["balancingAlgorithm"]))
        self.customers.append(made)
        for option in options:
            self.option(made, **option)
        for subscription in subscriptions:
            only = made.options[0] if len(made.options) == 1 else None
            self.subscription(made, option=only, **subscription)
        return made

    def option(self, customer, card, bank=False, default=None):
        old = customer.default()
        made = Option(card, bank)
        customer.options.append(made)
        if old is None or default or not old.active:
            self.make_default(customer, made)
        run.option_given(self, customer, made)
        return made

    def make_default(self, customer, option):
        for other in customer.options:
            other.default = other is option

    def change_option(self, customer, option, active=None, default=None):
        refuse_if(option.deleted, "V24")
        if active is not None:
            option.active = active
        if default:
            self.make_default(customer, option)
        run.option_given(self, customer, option)

    def delete_option(self, customer, option):
        refuse_if(option.deleted, "V24")
        for s in customer.subscriptions:
            refuse_if(not s.ended and (s.option or customer.default()) is option, "V30")
        option.deleted = True
        option.default = False

    def change_customer(self, customer, active):
        customer.active = active
        run.end_of_customer(customer)

    # Subscriptions

    def subscription(self, customer, cycle, interval, amount, tax, first, length, option=None):
        refuse_if(first < self.today, "V21")
        if option is not None:
            refuse_if(option.deleted, "V24")
            refuse_if(not option.active, "V33")
        made = Subscription(len(customer.subscriptions), customer, cycle, interval, amount, tax, first, length,
                            option)
        customer.subscriptions.append(made)
        customer.expired = False
        return made

    def change_subscription(self, customer, subscription, option):
        if option is not subscription.option:
            refuse_if(option.deleted, "V24")
            refuse_if(not option.active, "V33")
        subscription.option = option
        run.option_given(self, customer, option)

    def fee(self, customer, name, subscription=None, source=None, kind="RF", due=None):
        if self.policy[name] > 0:
            customer.books.add(kind, self.policy[name], due or self.today, sub=subscription, source=source)
            if due is None:
                customer.books.balance_out()

    def close_sales(self, subscription, start):
        """V34: the adjustment touches a billing date that is near."""
        coming = subscription.next_date(self.policy["freezeRecurringFee"] > 0, self.today)
        days = self.policy["closeSalesDays"]
        near = coming is not None and days > 0 and coming <= self.today + DAY * days
        refuse_if(near and start <= coming, "V34")

    def cancel(self, subscription, start):
        refuse_if(subscription.ended, "V30")
        scheduled = subscription.live("C")
        refuse_if(scheduled and (scheduled.start == start or scheduled.start <= self.today), "V30")
        self.close_sales(subscription, start)
        if scheduled:
            # This one takes its place.
            scheduled.over, scheduled.end = True, self.today
        adjustment = Adjustment("C", start)
        subscription.adjustments.append(adjustment)
        if start <= self.today:
            run.bring_up(self, subscription)

    def freeze(self, subscription, start, length):
        refuse_if(subscription.ended, "V30")
        refuse_if(start <= self.today, "V21")
        number = subscription.at
        while subscription.date(number) < start:
            number += 1
        refuse_if(subscription.date(number) != start, "V21")
        remaining = None if subscription.length is None else subscription.length - subscription.billed
        until = [subscription.date(n) for n in range(subscription.at, number)]
        payments = sum(1 for day in until if not subscription.frozen_on(day) and not subscription.skipped_on(day))
        refuse_if(remaining is not None and payments >= remaining, "V21")
        refuse_if(subscription.live("P") or subscription.stopped_on(start), "V30")
        end = subscription.date(number + length - 1)
        for other in subscription.adjustments:
            overlaps = other.type == "F" and not other.over and other.start <= end and start <= other.end
            refuse_if(overlaps or (other.type == "F" and not other.begun and not other.over), "V30")
        self.close_sales(subscription, start)
        subscription.adjustments.append(Adjustment("F", start, length, end))

    def pause(self, subscription, start):
        refuse_if(subscription.ended, "V30")
        refuse_if(start < self.today, "V21")
        refuse_if(subscription.live("F") or subscription.live("P") or subscription.stopped_on(start), "V30")
        self.close_sales(subscription, start)
        adjustment = Adjustment("P", start)
        subscription.adjustments.append(adjustment)
        if start == self.today:
            run.bring_up(self, subscription)

    def resume(self, subscription):
        refuse_if(subscription.ended, "V30")
        # What is refused leaves nothing behind, no bill either.
        refuse_if(not any(run.goes_on(self, subscription, a) for a in subscription.adjustments if not a.over), "V30")
        self.resumed(subscription)
        run.bring_up(self, subscription)
        refuse_if(subscription.ended, "V30")
        adjustment = self.resumed(subscription)
        run.end_adjustment(self, subscription, adjustment, self.today)

    def resumed(self, subscription):
        """What is in force, else what stops the bills, else the cancellation that is to come; a freeze before a bill stays."""
        living = [a for a in subscription.adjustments if not a.over]
        refuse_if(not living, "V30")
        adjustment = min(living, key=lambda a: (not a.begun, a.type == "C"))
        refuse_if(subscription.settled(adjustment) and (not adjustment.begun or adjustment.end > self.today), "V30")
        return adjustment

    def preview(self, subscription, count):
        """The next charges as (cycle, date, type, amount): exactly those that the run will make."""
        charges, number, billed = [], subscription.at, subscription.billed
        fee = self.policy["freezeRecurringFee"]
        while subscription.customer.active and not subscription.ended and len(charges) < count:
            day = subscription.date(number)
            cancelled = any(a.type == "C" and not a.over and a.start <= day for a in subscription.adjustments)
            if billed == subscription.length or cancelled:
                break
            if subscription.stopped_on(day):
                # What a pause has skipped until today is history.
                charges += [(number, day, "S", 0)] if day > self.today else []
            elif day <= self.today and not charges and (
                    subscription.skipped_on(day) or subscription.frozen_on(day) and not fee):
                pass  # Passed over already: what is overdue comes first.
            elif subscription.skipped_on(day):
                charges.append((number, day, "S", 0))
            elif subscription.frozen_on(day):
                charges.append((number, day, "Z" if fee else "R", fee))
            else:
                charges.append((number, day, "F" if subscription.length else "P", subscription.amount))
                billed += 1
            number += 1
        return charges

    # Transactions

    def process(self, customer, amount, option=None, listed=(), subscription=None, csc=False):
        """~process AP: the entry made, approved or declined."""
        refuse_if(not customer.active, "V30")
        option = option or customer.default()
        refuse_if(option is None, "V01")
        refuse_if(option.deleted, "V24")
        refuse_if(not option.active, "V33")
        books = customer.books
        wanted = [e for e in books.debts() if subscription and e.type == "RI" and e.sub is subscription]
        wanted.sort(key=lambda e: (e.due, e.number))
        if option.bank:
            code, approved, back = "A01", amount, False
        else:
            code, approved, back = sandbox.card_answer(option.card, amount, csc, 0)
        if not approved:
            entry = books.add("AD", amount, self.today, status="declined", code=code, option=option,
                              sub=subscription, source=next(iter([*listed, *wanted]), None))
            run.declined(self, customer, None, entry, option)
            return entry
        entry = run.payment(self, customer, "AC" if option.bank else "AP", approved, option, code, back)
        # With a list, the subscription's invoices follow it as if they stood there.
        entry.sub, entry.for_sub, entry.listed = subscription, subscription, [*listed, *wanted] if listed else []
        books.balance_out()
        return entry

    def refund(self, customer, source, amount):
        """~process AR."""
        refuse_if(source.type not in ("AP", "AC") or source.means is not None, "V30")
        self.check_refund(customer, source, amount)
        entry, opened = customer.books.undo("AR", source, amount, self.today)
        self.leave(opened)
        customer.books.balance_out()
        return entry

    def check_refund(self, customer, source, amount):
        refuse_if(customer.books.taken_back(source), "V30")
        refuse_if(amount > source.amount - customer.books.paid_back_of(source), "V32")

    def create(self, customer, kind, amount, means=None, tax=0, due=None, listed=(), source=None, subscription=None):
        """~create of an entry that moves no money at a processor."""
        books = customer.books
        due = due or self.today
        if kind == "AR":
            return self.pay_out(customer, amount, means, due, source, subscription)
        if kind == "AA" or (kind == "AP" and means == "W"):
            refuse_if(amount > max(0, sum(books.left(e) for e in books.debts())), "V32")
        entry = books.add(kind, amount, due, tax=tax, means=means, listed=list(listed), sub=subscription,
                          for_sub=subscription if kind in ("AP", "RC", "AA") else None)
        books.balance_out()
        return entry

    def pay_out(self, customer, amount, means, due, source, subscription):
        books = customer.books
        if source is not None:
            refuse_if(source.means in ("L", "W"), "V30")
            self.check_refund(customer, source, amount)
            entry, opened = books.undo("AR", source, amount, due, means=means, sub=subscription)
            self.leave(opened)
            books.balance_out()
            return entry
        payable = [e for e in books.credits() if e.type in ("AP", "AC", "RC") and e.means not in ("L", "W")
                   and not books.held(e)]
        refuse_if(amount > sum(books.left(e) for e in payable), "V32")
        entry = books.add("AR", amount, due, means=means, sub=subscription)
        for money in payable:
            books.allocate(money, entry)
        return entry

    def leave(self, opened):
        """Invoices that a person opened again are not collected by the run."""
        for entry in opened:
            entry.way = "left"

    def reverse(self, customer, source):
        books, today = customer.books, self.today
        refuse_if(source.status == "reversed", "V30")
        kind, amount, more, touched = source.type, source.amount, {}, False
        if kind in ("AP", "AC") and source.means is None:
            amount -= books.paid_back_of(source)
            refuse_if(amount <= 0, "V30")
            settled = self.now >= settlement_of(source.made, self.policy["settlementTime"])
            made = "AR" if settled or amount < source.amount else "AV"
            touched = True
        elif kind in ("AP", "AA"):
            # What is left of cash that was refunded in part goes back from the same till.
            amount -= books.paid_back_of(source)
            refuse_if(amount <= 0, "V30")
            made, touched = "AR" if amount < source.amount else "AV", True
        elif kind in REVERSALS:
            refuse_if(kind == "AR" and source.means is None, "V30")
            made = REVERSALS[kind]
            standing = [e for e in books.refunds_of(source.source) if e is not source] if kind in ("AR", "AG") else []
            refuse_if(any(a.target in [source, *standing] and a.source.type == "AA" for a in books.live()), "V30")
        else:
            raise Refused("V30")
        entry, opened = books.undo(made, source, amount, today, means=source.means, **more)
        if kind not in ("AP", "AC"):
            source.status = "reversed"
        if kind in ("AR", "AG") and source.source:
            books.restore(source.source)
        if touched:
            self.leave(opened)
        books.balance_out()
        return entry

    # Time

    def advance(self, to):
        """Runs every midnight up to the moment, and the moment itself."""
        refuse_if(to < self.now, "V21")
        run.run_day(self)
        while self.now.date() < to.date():
            self.now = datetime.datetime.combine(self.now.date() + DAY, datetime.time())
            run.run_day(self)
        self.now = to
        run.run_day(self)


def is_fee(entry):
    return entry.type in FEES


def is_credit(entry):
    return entry.type in CREDIT
