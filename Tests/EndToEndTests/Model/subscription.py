"""A subscription and what was asked for to change it."""

import datetime
from dataclasses import dataclass, field

from calendar_rules import billing_date


@dataclass(eq=False)
class Adjustment:
    """A freeze, pause or cancellation; end is its last day."""
    type: str
    start: object
    length: int = None
    end: object = None
    begun: bool = False
    over: bool = False


@dataclass(eq=False)
class Subscription:
    number: int
    customer: object
    cycle: str
    interval: int
    amount: int
    tax: int
    first: object
    length: int
    option: object
    status: str = "U"
    at: int = 1  # the next cycle to be looked at
    billed: int = 0
    last: object = None
    adjustments: list = field(default_factory=list)

    def date(self, number):
        return billing_date(self.first, self.cycle, self.interval, number)

    def live(self, kind):
        """The adjustment of a kind that is pending or in effect."""
        return next((a for a in self.adjustments if a.type == kind and not a.over), None)

    @property
    def pending(self):
        """The kind of the scheduled adjustment that is nearest."""
        waiting = [a for a in self.adjustments if not a.over and not a.begun and not self.ended]
        return min(waiting, key=lambda a: a.start).type if waiting else None

    @property
    def ended(self):
        return self.status in "NE"

    @property
    def first_bill_to_come(self):
        """Payments made for it wait (spec 5.9): nothing was billed yet, and it has not ended."""
        return self.last is None and not self.ended

    def frozen_on(self, day):
        """What was frozen stays so when the freeze is over; what was taken back never was."""
        return any(a.type == "F" and (a.begun or not a.over) and a.start <= day <= a.end for a in self.adjustments)

    def settled(self, adjustment):
        """A bill of a day behind a freeze is made already: what it passed over stays so."""
        return adjustment.type == "F" and self.last is not None and adjustment.end < self.last

    def skipped_on(self, day):
        """A pause that is over reached this day."""
        return any(a.type == "P" and a.begun and a.over and a.start <= day <= a.end for a in self.adjustments)

    def stopped_on(self, day):
        """A cancellation or a pause, pending or in effect, reaches this day."""
        return any(a.type in "CP" and not a.over and a.start <= day for a in self.adjustments)

    def next_date(self, fee, since=datetime.date.min):
        """The next date, since a day, on which an invoice is made; fee: the account bills frozen cycles."""
        number = self.at
        while self.date(number) < since or self.frozen_on(self.date(number)) and not fee \
                or self.skipped_on(self.date(number)):
            number += 1
        day = self.date(number)
        if self.ended or self.stopped_on(day):
            return None
        return day
