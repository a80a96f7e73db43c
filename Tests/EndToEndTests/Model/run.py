"""The billing run of one account and business date, in the order of spec 5.2."""

import sandbox
from books import FEES
from calendar_rules import DAY, banking_day_after
from subscription import Adjustment


def run_day(account):
    """Everything that this business date asks for; a second time it does nothing more."""
    for customer in account.customers:
        for subscription in customer.subscriptions:
            adjust(account, subscription)
        if customer.active:
            charges = [due_charges(account, s) for s in customer.subscriptions]
            for of_one in sorted(filter(None, charges), key=lambda c: (c[0][0], c[0][1].number)):
                for charge in of_one:
                    invoice(account, *charge)
        customer.books.balance_out()
        if customer.active:
            collect(account, customer)
        notices(account, customer)
        # Old debt is looked at once a day.
        if customer.active and account.aged_on != account.today:
            old_debt(account, customer)
        expire(customer)
    account.aged_on = account.today


# 1. Adjustments

def adjust(account, subscription):
    # By day; on one day a cancellation comes first.
    for adjustment in sorted(subscription.adjustments, key=lambda a: (a.start, a.type != "C")):
        if adjustment.over or subscription.ended:
            continue
        if not adjustment.begun and adjustment.start <= account.today:
            if waits(account, subscription, adjustment, adjustment.start):
                continue
            if adjustment.type == "C":
                begin_cancel(account, subscription, adjustment)
            elif adjustment.type == "P":
                begin_pause(subscription, adjustment)
            else:
                adjustment.begun = True
                subscription.status = "F"
                account.fee(subscription.customer, "freezeFlatFee", subscription, due=adjustment.start)
        if adjustment.type == "F" and adjustment.begun and account.today > adjustment.end:
            # F until the last skipped cycle; C again by itself with the next charge.
            day = first_after(subscription, adjustment.end)
            if day <= account.today and not waits(account, subscription, adjustment, day):
                end_adjustment(account, subscription, adjustment, None)


def first_after(subscription, day):
    """The first billing date after a day."""
    number = 1
    while subscription.date(number) <= day:
        number += 1
    return subscription.date(number)


def goes_on(account, subscription, adjustment):
    """Whether ~resume still finds it, once all that is due by today is done."""
    if adjustment.type == "F" and subscription.customer.active:
        return first_after(subscription, adjustment.end) > account.today
    return adjustment.type != "C" or adjustment.start > account.today


def waits(account, subscription, adjustment, day):
    """A freeze or pause keeps its place behind earlier bills: while the customer is inactive these are not made."""
    unbilled = subscription.next_date(account.policy["freezeRecurringFee"] > 0)
    if adjustment.type == "C" or unbilled is None or unbilled >= day:
        return False
    catch_up(account, subscription)
    return not subscription.customer.active


def begin_cancel(account, subscription, adjustment):
    for other in subscription.adjustments:
        if other is not adjustment and not other.over:
            other.over = True
            if subscription.settled(other):
                other.begun = True
            elif not other.begun:
                other.end = min(adjustment.start, other.start)
            elif other.type == "F":
                other.end = min(other.end, max(adjustment.start, other.start))
            else:
                other.end = max(adjustment.start, other.start)
    adjustment.begun = True
    adjustment.over = True
    subscription.status = "N"
    account.fee(subscription.customer, "cancellationFee", subscription, due=account.today)
    end_of_customer(subscription.customer)


def begin_pause(subscription, adjustment):
    adjustment.begun = True
    subscription.status = "P"


def end_adjustment(account, subscription, adjustment, day):
    """A freeze or pause is over; day: by ~resume, on this day."""
    was_begun = adjustment.begun
    if adjustment.type != "C" and not was_begun and day and adjustment.start <= day:
        # Its day has come, but it waits behind a bill of an inactive customer: it was in force all the same.
        adjustment.begun = True
        if adjustment.type == "F":
            account.fee(subscription.customer, "freezeFlatFee", subscription, due=adjustment.start)
            subscription.customer.books.balance_out()
    if day is not None:
        ends = adjustment.type == "F" and adjustment.begun
        adjustment.end = min(adjustment.end, day) if ends else day
    adjustment.over = True
    # What fell due in a pause is not made up.
    while subscription.skipped_on(subscription.date(subscription.at)):
        subscription.at += 1
    if was_begun:
        subscription.status = "C" if adjustment.type == "F" or subscription.billed else "U"


# 2. Invoicing

def due_charges(account, subscription, most=None):
    """(date, subscription, cycle, frozen) of each charge that is due; the subscription has then passed them."""
    lead = DAY * account.policy["invoiceLeadDays"]
    found, billed = [], subscription.billed
    while subscription.status in "UCF" and len(found) != most:
        day = subscription.date(subscription.at)
        if day > account.today + lead or subscription.stopped_on(day):
            break
        if subscription.length is not None and billed >= subscription.length:
            break
        if subscription.skipped_on(day):
            subscription.at += 1
            continue
        frozen = subscription.frozen_on(day)
        billed += not frozen
        found.append((day, subscription, subscription.at, frozen))
        subscription.at += 1
    return found


def catch_up(account, subscription, lead=0):
    """What fell due before an adjustment of today and was not billed yet is billed first, as the run would."""
    if subscription.customer.active:
        while subscription.date(subscription.at) <= account.today + DAY * lead:
            charges = due_charges(account, subscription, most=1)
            if not charges:
                break
            invoice(account, *charges[0])
        subscription.customer.books.balance_out()


def bring_up(account, subscription):
    """All that is due by today of one subscription, as the run would: a request that adjusts it comes after that."""
    catch_up(account, subscription)
    adjust(account, subscription)
    catch_up(account, subscription, account.policy["invoiceLeadDays"])
    subscription.customer.books.balance_out()
    if subscription.customer.active:
        expire(subscription.customer)


def invoice(account, day, subscription, cycle, frozen):
    books = subscription.customer.books
    fee = account.policy["freezeRecurringFee"]
    if frozen and fee == 0:
        return
    amount, tax = (fee, 0) if frozen else (subscription.amount, subscription.tax)
    made = books.add("RI", amount, day, tax=tax, sub=subscription, cycle=cycle, way="due")
    made.freeze_fee = frozen
    subscription.last = day
    if not frozen:
        if subscription.billed == 0:
            account.fee(subscription.customer, "enrollmentFee", subscription, due=day)
        subscription.billed += 1
        if subscription.status == "U":
            subscription.status = "C"


# 4. Collecting, 5. answers

def usable_option(customer, entry):
    """The option that pays an invoice: the subscription's, else the customer's default; None: there is none."""
    subscription = entry.sub
    option = subscription.option if subscription and subscription.option else customer.default()
    if option is None or option.deleted or not option.active:
        option = customer.default()
    return option if option and option.active and not option.deleted else None


def collect(account, customer):
    """Collects as long as the customer's balance allows it and something is left to be collected."""
    while collect_once(account, customer):
        pass


def collect_once(account, customer):
    """Opens an attempt for each invoice that is to be collected, then takes the answers; whether there was one."""
    books, today = customer.books, account.today
    opened, taken, owed = [], [], books.balance()
    invoices = [e for e in books.entries if e.type == "RI"]
    # Those that are due longest first; one that was woken is due from that day on.
    for entry in sorted(invoices, key=lambda e: (e.again or e.due, e.number)):
        if entry.way in ("left", "wait") or entry.due > today or (entry.way == "retry" and entry.again > today):
            continue
        if books.left(entry) == 0:
            entry.way = "left"
            continue
        if books.balance() <= 0:
            continue
        option = usable_option(customer, entry)
        if option is None:
            entry.way = "wait"
            continue
        fees = [e for e in books.debts() if e.type in FEES and e not in taken]
        # Together at most the balance, which counts credit in that waits for another subscription (spec 5.2 step 4).
        amount = min(books.left(entry) + sum(books.left(e) for e in fees), owed)
        if amount > 0:
            owed -= amount
            taken += fees
            opened.append((entry, option, amount, fees))
    # All answers first, then what follows from them.
    for follow in [attempt(account, customer, *each) for each in opened]:
        follow()
    return bool(opened)


def attempt(account, customer, entry, option, amount, fees):
    """The answer to an attempt is booked; its consequences are returned, to be called."""
    books = customer.books
    retry = entry.declines > 0 and not any(a.target is entry and a.source.paid_for is entry for a in books.live())
    entry.way = "left"
    if option.bank:
        paid = payment(account, customer, "AC", amount, option, "A01", False)
    else:
        code, approved, back = sandbox.card_answer(option.card, amount, False, entry.attempts)
        entry.attempts += 1
        if not approved:
            decline = books.add("AD", amount, account.today, source=entry, status="declined", code=code,
                                option=option, sub=entry.sub)
            return lambda: declined(account, customer, entry, decline, option)
        paid = payment(account, customer, "AP", approved, option, code, back)
    paid.sub, paid.paid_for = entry.sub, entry
    for target in [entry, *fees]:
        books.allocate(paid, target)
    books.balance_out()
    if paid.amount == amount and books.left(entry) > 0:
        # Cut by the balance: the rest goes on waiting.
        entry.way, entry.again = "due", account.today
    return lambda: retry and account.fee(customer, "retryFee", entry.sub, paid)


def payment(account, customer, kind, amount, option, code, charged_back):
    """Money from the processor; what it will say later is known to it alone."""
    made = customer.books.add(kind, amount, account.today, code=code, option=option, made=account.now)
    if kind == "AC":
        back = sandbox.bank_return(amount)
        if back:
            made.notice = (banking_day_after(account.today, 1), back)
        elif sandbox.range_of(amount) == "Z02":
            made.notice = (account.today + DAY, "Z02")
    elif charged_back:
        made.notice = (account.today + DAY, "Z02")
    return made


def declined(account, customer, entry, decline, option, due=None):
    """5.5: the fee, the next attempt or the end of the option; due: the caller lets credit pay afterwards."""
    subscription = decline.sub
    if not sandbox.is_soft(decline.code):
        account.fee(customer, "hardDeclineFee", subscription, decline, due=due)
        option.active = False
        if entry:
            entry.way = "wait"
        return
    account.fee(customer, "softDeclineFee", subscription, decline, due=due)
    if entry is None:
        return
    days = account.policy["retryDays"]
    entry.declines += 1
    if entry.declines <= len(days):
        entry.way = "retry"
        entry.again = decline.next = account.today + DAY * days[entry.declines - 1]
        return
    then = account.policy["onRetriesExhausted"]
    if subscription and not subscription.ended and then != "none":
        exhausted(account, subscription, then)


def exhausted(account, subscription, then):
    """The retries are used up: paused or cancelled from today, as ~pause or ~cancel would."""
    if then == "pause" and subscription.status == "P" or subscription.billed == subscription.length:
        return
    start = account.today
    if any(not a.over and not a.begun and a.start <= account.today for a in subscription.adjustments):
        # What should have begun and waits is left to a person.
        return
    frozen = [a for a in subscription.adjustments if a.type == "F" and a.begun and not a.over]
    if then == "pause" and frozen:
        start = first_after(subscription, frozen[0].end)
    if then == "pause" and subscription.stopped_on(start):
        return
    for other in subscription.adjustments:
        if not other.over and not other.begun and (then == "cancel" or other.type != "C"):
            other.over = True
            if subscription.settled(other):
                other.begun = True
            else:
                other.end = account.today
    adjustment = Adjustment("C" if then == "cancel" else "P", start)
    subscription.adjustments.append(adjustment)
    if then == "cancel":
        begin_cancel(account, subscription, adjustment)
    elif start == account.today:
        begin_pause(subscription, adjustment)


def option_given(account, customer, option):
    """Invoices that stayed open for want of a usable option are looked at again by the next pass."""
    for entry in customer.books.entries:
        if entry.way == "wait":
            entry.way, entry.again = "due", account.today


# 6. Returns, chargebacks

def notices(account, customer):
    books = customer.books
    for entry in list(books.entries):
        if entry.notice and entry.notice[0] <= account.today:
            code, entry.notice = entry.notice[1], None
            if entry.status == "reversed" and any(e.type == "AV" and e.source is entry for e in books.entries):
                continue
            if code == "Z02":
                charged_back(account, customer, entry)
            else:
                returned(account, customer, entry, code)
            books.balance_out()


def charged_back(account, customer, entry):
    made, opened = customer.books.undo("AG", entry, entry.amount, account.today, code="Z02")
    account.leave(opened)
    account.fee(customer, "chargebackFee", entry.sub, made)


def returned(account, customer, entry, code):
    decline, opened = customer.books.undo("AD", entry, entry.amount, account.today, code=code,
                                          option=entry.option, sub=entry.sub)
    declined(account, customer, entry.paid_for, decline, entry.option, account.today)
    # The retry did not succeed after all: its fee goes, too (2.11, 5.5).
    for fee in [e for e in customer.books.entries if e.type == "RF" and e.source is entry and e.status == "final"]:
        customer.books.undo("RR", fee, fee.amount, account.today)
        fee.status = "reversed"


# 7. Fees, write-off, expiry

def old_debt(account, customer):
    """Of each invoice by its age the late fee, then the write-off."""
    policy, books, today = account.policy, customer.books, account.today
    late, off = DAY * policy["lateFeeGraceDays"], policy["writeOffDays"]
    invoices = sorted((e for e in books.entries if e.type == "RI"), key=lambda e: (e.due, e.number))
    for entry in invoices:
        if policy["lateFeeAmount"] and books.left(entry) > 0 and not entry.late and entry.due + late <= today:
            entry.late = True
            account.fee(customer, "lateFeeAmount", entry.sub, entry, "RL", today)
        if off and not entry.written_off and books.left(entry) > 0 and entry.due + DAY * off <= today:
            made = books.add("AA", books.left(entry), today, sub=entry.sub, source=entry)
            books.allocate(made, entry)
            entry.written_off = True
            entry.way = "left"
    books.balance_out()


def expire(customer):
    for subscription in customer.subscriptions:
        if subscription.status == "C" and subscription.length is not None:
            if subscription.billed >= subscription.length:
                subscription.status = "E"
    end_of_customer(customer)


def end_of_customer(customer):
    """E when all subscriptions have ended."""
    if customer.active and customer.subscriptions and all(s.ended for s in customer.subscriptions):
        customer.expired = True
