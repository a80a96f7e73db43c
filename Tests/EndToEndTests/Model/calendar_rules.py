"""Dates of the billing rules (spec 5.1): billing dates from the anchor, banking days, settlement."""

import calendar
import datetime

MONTHS = {"M": 1, "Q": 3, "S": 6, "A": 12}
DAY = datetime.timedelta(days=1)


def billing_date(first, cycle, interval, number):
    """date(k) of spec 5.1: from the anchor, never from the previous bill."""
    if cycle == "W":
        return first + DAY * 7 * interval * (number - 1)
    months = first.year * 12 + first.month - 1 + MONTHS[cycle] * interval * (number - 1)
    year, month = divmod(months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return datetime.date(year, month + 1, min(first.day, last))


def banking_day_after(day, count):
    """The count-th banking day (Monday to Friday) after a day."""
    while count:
        day += DAY
        if day.weekday() < 5:
            count -= 1
    return day


def settlement_of(moment, time):
    """When a payment of this moment settles: the next time of the day given as HH:mm."""
    hour, minute = map(int, time.split(":"))
    cut = moment.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return cut if moment < cut else cut + DAY
