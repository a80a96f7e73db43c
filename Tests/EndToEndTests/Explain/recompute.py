#!/usr/bin/env python3
"""Recomputes amount, tax and dates of transactions from their explanations alone.

Reads explanations (spec 2.12) as JSON, one a line, and knows nothing else: no server, no ledger, no other explanation. For each it
prints one line of JSON with what it came to and how. The inputs that only repeat the result (amount, taxAmount, dueDate, status,
nextAttemptDate, claimFinalDate, settledAt, paymentNumber) are never read: a test compares them with what came out here.

The calendar, the table of codes and the rules are written here once more, from the specification and not from the server.
"""

import json
import sys
from calendar import monthrange
from datetime import date, datetime, time, timedelta

RESULTS = {"amount", "taxAmount", "dueDate", "status", "nextAttemptDate", "claimFinalDate", "settledAt", "paymentNumber"}
HARD = {"D02", "D04", "D05", "D06", "D10", "D14", "D16", "D27", "D29", "N02", "N03", "N04", "N05", "N06", "N07"}
MONTHS = {"M": 1, "Q": 3, "S": 6, "A": 12}
LIMIT = 99_999_999_999


class Unexplained(Exception):
    """An explanation from which its transaction does not follow."""


class Inputs:
    """The inputs of one explanation, without those that repeat its result."""

    def __init__(self, explanation):
        self.values = {i["name"]: i["value"] for i in explanation["inputs"] if i["name"] not in RESULTS}
        self.used = []
        names = [i["name"] for i in explanation["inputs"]]
        demand(len(set(names)) == len(names), "an input stands there twice")

    def has(self, name):
        return name in self.values

    def text(self, name):
        if name not in self.values:
            raise Unexplained(f"{name} is missing")
        self.used.append(name)
        return self.values[name]

    def number(self, name):
        return int(self.text(name))

    def day(self, name):
        return date.fromisoformat(self.text(name))

    def instant(self, name):
        return datetime.fromisoformat(self.text(name))

    def numbered(self, prefix):
        """The figures `prefix.<id>`, by id."""
        return {name.split(".", 1)[1]: int(self.text(name)) for name in self.values if name.startswith(prefix + ".")}


def demand(condition, why):
    if not condition:
        raise Unexplained(why)


def later(day, days):
    return day + timedelta(days=days)


def months_after(anchor, months):
    """The anchor's day so many months later, clamped to the month's length."""
    index = anchor.year * 12 + anchor.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(anchor.day, monthrange(year, month + 1)[1]))


def billing_date(given):
    steps = (given.number("cycleNumber") - 1) * given.number("billingInterval")
    anchor, unit = given.day("anchorDate"), given.text("billingCycleType")
    return later(anchor, 7 * steps) if unit == "W" else months_after(anchor, MONTHS[unit] * steps)


def banking_days(day, count):
    while count > 0:
        day = later(day, 1)
        count -= day.weekday() < 5
    return day


def settlement(paid, at):
    hour, minute = (int(part) for part in at.split(":"))
    day = paid.date() if paid.time() < time(hour, minute) else later(paid.date(), 1)
    return datetime.combine(day, time(hour, minute))


def retry_date(given, start, number, days):
    """Where the retry schedule leads from this day."""
    return later(start, [int(day) for day in given.text(days).split(",")][given.number(number) - 1])


def sent(given):
    """What a caller decided. It follows from nothing, so the explanation has to say who it was."""
    demand(given.text("requestedBy").startswith("api-"), "a request without its service user")
    demand(given.text("requestId"), "a request without its id")
    due = given.day("requestedDueDate") if given.has("requestedDueDate") else given.day("businessDate")
    return given.number("requestedAmount"), given.number("requestedTaxAmount"), due


def asked(given):
    """What was asked of the processor: by the run, from open amounts and what was owed; or by a caller."""
    if not given.has("owed"):
        return sent(given)
    opened, full = given.numbered("open"), given.numbered("full")
    demand(opened and opened.keys() == full.keys(), "an open amount without its transaction's")
    for key, left in opened.items():
        demand(0 < left <= full[key], f"open.{key} is not a part of full.{key}")
    amount = min(sum(opened.values()), given.number("owed"), LIMIT)
    made = given.day("businessDate")
    if given.has("invoiceDueDate"):
        planned = given.day("invoiceDueDate")
    elif given.has("retryNumber"):
        planned = retry_date(given, given.day("previousDeclineDate"), "retryNumber", "retryDays")
    else:
        planned = given.day("previousDeclineDate")
    demand(planned <= made, f"collected on {made}, before {planned}")
    return amount, 0, max(planned, made)


def left_of_source(given):
    gone = given.number("refundedBefore") + given.number("chargedBackBefore") + given.number("paidOutBefore")
    return given.number("sourceAmount") - gone


def wanted_back(given):
    """How much of a payment was to be given back."""
    left = left_of_source(given)
    if given.text("requestedAction") == "reverse":
        tax = min(max(0, given.number("sourceTaxAmount") - given.number("refundedTaxBefore")), left)
        return left, tax, given.day("businessDate")
    amount, tax, due = sent(given)
    demand(amount <= left, "more was given back than was left")
    return amount, tax, due


def next_attempt(given):
    """When a declined invoice is tried again; nothing where it is not."""
    if given.has("plannedAttemptDate"):
        return given.day("plannedAttemptDate")
    if given.has("countedFrom"):
        return retry_date(given, given.day("countedFrom"), "nextRetryNumber", "nextRetryDays")
    return None


def subscription_charge(given):
    day = billing_date(given)
    lead = given.number("invoiceLeadDays") if given.has("invoiceLeadDays") else 0
    demand(given.day("businessDate") >= later(day, -lead), "invoiced before its time")
    skipped = 0
    for name in [name for name in given.values if name.startswith("skippedCycles.")]:
        ends = [int(end) for end in given.text(name).split("-")]
        skipped += ends[-1] - ends[0] + 1
    result = {}
    if given.text("chargeType") == "Z":
        first = given.day("effectiveDate")
        demand(first <= day, "the freeze begins later")
        demand(given.number("freezeRecurringFee") > 0, "a freeze without a fee is not billed")
        amount, tax = given.number("freezeRecurringFee"), 0
    else:
        amount, tax = given.number("subscriptionAmount"), given.number("subscriptionTaxAmount")
        result["paymentNumber"] = given.number("cycleNumber") - skipped
        if given.has("length"):
            demand(result["paymentNumber"] <= given.number("length"), "more payments than were agreed")
    return amount, tax, day, result


def payment(given):
    """A payment or claim, by the run or a caller; pending ones are as asked for."""
    amount, tax, due = asked(given)
    if given.has("responseCode"):
        moved = given.number("approvedAmount")
        if given.text("responseCode") == "A05":
            demand(0 < moved < amount, "A05 approves a part")
            amount = moved
        demand(moved == amount, "another amount moved than was asked for")
    result = {}
    if given.has("claimReturnDays"):
        result["claimFinalDate"] = banking_days(due, given.number("claimReturnDays"))
    return amount, min(tax, amount), due, result


def decline(given):
    amount, tax, due = asked(given) if given.text("attemptKind") in ("payment", "claim") else wanted_back(given)
    return amount, tax, due, {"nextAttemptDate": next_attempt(given)}


def returned_claim(given):
    amount = given.number("sourceAmount")
    day = given.day("businessDate")
    return amount, min(given.number("sourceTaxAmount"), amount), day, {"nextAttemptDate": next_attempt(given)}


def chargeback(given):
    amount = min(given.number("noticeAmount"), given.number("sourceAmount"))
    return amount, min(given.number("sourceTaxAmount"), amount), given.day("businessDate"), {}


def given_back(given):
    if not given.has("sourceId"):
        return *sent(given), {}
    amount, tax, due = wanted_back(given)
    result = {}
    if given.has("paidAt"):
        result["settledAt"] = settlement(given.instant("paidAt"), given.text("settlementTime"))
    return amount, tax, due, result


def void(given):
    amount, tax, due, result = given_back(given)
    demand(amount == given.number("sourceAmount"), "only a whole payment is voided")
    if "settledAt" in result:
        demand(given.instant("askedAt") < result["settledAt"], "voided after it was settled")
    return amount, tax, due, result


def reversal(given):
    if given.has("claimId"):
        demand(given.text("sourceType") == "RF", "only a fee is reversed with the claim it was charged for")
    else:
        sent_by = given.text("requestedBy")
        demand(sent_by.startswith("api-") and given.text("requestId"), "a reversal without its request")
    return given.number("sourceAmount"), given.number("sourceTaxAmount"), given.day("businessDate"), {}


def decline_fee(given):
    hard = given.text("sourceResponseCode") in HARD
    return given.number("hardDeclineFee" if hard else "softDeclineFee"), 0, given.day("businessDate"), {}


def policy_fee(name):
    return lambda given: (given.number(name), 0, given.day("businessDate"), {})


def enrollment_fee(given):
    return given.number("enrollmentFee"), 0, billing_date(given), {}


def adjustment_fee(name):
    return lambda given: (given.number(name), 0, max(given.day("effectiveDate"), given.day("requestedOn")), {})


def late_fee(given):
    first = later(given.day("sourceDueDate"), given.number("lateFeeGraceDays"))
    day = given.day("businessDate")
    demand(first <= day, f"the late fee came on {day}, before {first}")
    return given.number("lateFeeAmount"), 0, max(first, day), {}


def write_off(given):
    first = later(given.day("sourceDueDate"), given.number("writeOffDays"))
    day = given.day("businessDate")
    demand(given.number("writeOffDays") > 0 and first <= day, f"written off on {day}, before {first}")
    return given.number("sourceAmount") - given.number("paidBefore"), 0, max(first, day), {}


def recorded(given):
    return *sent(given), {}


RULES = {
    "subscription-charge": subscription_charge,
    "collection": payment,
    "payment": payment,
    "decline": decline,
    "returned-claim": returned_claim,
    "chargeback": chargeback,
    "refund": given_back,
    "void": void,
    "reversal": reversal,
    "decline-fee": decline_fee,
    "retry-fee": policy_fee("retryFee"),
    "chargeback-fee": policy_fee("chargebackFee"),
    "enrollment-fee": enrollment_fee,
    "freeze-fee": adjustment_fee("freezeFlatFee"),
    "cancellation-fee": adjustment_fee("cancellationFee"),
    "late-fee": late_fee,
    "write-off": write_off,
    "recorded": recorded,
}


def check_cause(explanation, given):
    """Who: a service user with its request, a notice of the processor, or the billing run."""
    cause = explanation["causedBy"]
    if given.has("requestedBy"):
        wanted = f"service user {given.text('requestedBy')}, request {given.text('requestId')}"
    elif given.has("noticeId"):
        wanted = f"the processor's notice {given.text('noticeId')}"
    else:
        wanted = "the billing run"
    demand(cause == wanted, f"caused by {cause}, not {wanted}")


def recompute(explanation):
    given = Inputs(explanation)
    demand(explanation["rule"] in RULES, "an unknown rule")
    demand(given.number("policyVersion") >= 1, "no policy")
    check_cause(explanation, given)
    amount, tax, due, others = RULES[explanation["rule"]](given)
    repeated = {i["name"]: i["value"] for i in explanation["inputs"] if i["name"] in RESULTS}
    for name, value in others.items():
        if value is not None or name in repeated:
            demand(repeated.get(name) == str(value), f"{name} is {repeated.get(name)}, computed {value}")
    steps = explanation["steps"]
    demand(steps and all(step == step.strip() and step[-1] == "." for step in steps), "a step is no sentence")
    return {
        "amount": amount, "taxAmount": tax, "dueDate": str(due),
        "by": explanation["rule"] + " from " + ", ".join(dict.fromkeys(given.used)),
    }


def main():
    failures = 0
    for line in sys.stdin:
        if not line.strip():
            continue
        explanation = json.loads(line)
        try:
            found = recompute(explanation)
        except (Unexplained, ValueError, KeyError, IndexError) as error:
            found = {"error": str(error) or type(error).__name__, "rule": explanation.get("rule")}
            failures += 1
        print(json.dumps({"transactionId": explanation.get("transactionId"), **found}))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
