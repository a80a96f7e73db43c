"""S0: what every chaos test ends with finds what is planted: each kind of loss and repetition, one after the other."""

import copy

import soundness
from caller import Caller, Journal
from report import Result
from stack import Stack

CUSTOMER = {"firstName": "Ann", "lastName": "Lee", "code": "c", "paymentOptions": [
    {"accountNumber": "4111111111111111", "accountAccessory": "1239", "holderName": "Ann Lee"}], "subscriptions": [
    {"billingCycleType": "W", "amount": 1500, "firstBillingDate": "2027-01-05"}]}
# The processor's book: what is done to it, what takes it back, which list then has a sentence.
MOVEMENTS = [
    ("a charge that we do not know", """insert into sandbox.movement
        select (m).* from (select m #= hstore(array['id', '999999', 'key', 't999999']) as m from sandbox.movement m
                            where kind = 'payment' limit 1) x""",
     "delete from sandbox.movement where id = 999999", "double"),
    ("a charge over another amount", "update sandbox.movement set amount = amount + 1 where kind = 'payment'",
     "update sandbox.movement set amount = amount - 1 where kind = 'payment'", "broken"),
    ("a charge that the processor lacks", "update sandbox.movement set key = 'x' || key where kind = 'refund'",
     "update sandbox.movement set key = substr(key, 2) where kind = 'refund'", "broken"),
]


def planted(seed, seconds, short):
    """S0."""
    result = Result("S0", "planted losses and repetitions are found", seed)
    with Stack(workers=1, jobs=1) as stack:
        merchant, journal = stack.merchant("2027-01-04 00:00"), Journal()
        caller = Caller(merchant, journal)
        customer = caller.change("create", "PUT", "/customers", CUSTOMER, "c").id
        path = f"/customers/{customer}/transactions"
        payment = caller.change("pay", "POST", path + "/~process", {"amount": 900, "code": "p"}, "p")
        caller.change("refund", "POST", path + "/~process",
                      {"type": "AR", "amount": 300, "sourceId": payment.id, "code": "r"}, "r")
        caller.change("change", "POST", f"/customers/{customer}", {"city": "City"}, "city")
        caller.advance("2027-01-13")
        result.take(soundness.check(stack, [(merchant, journal)]))
        stack.processor.sql("create extension hstore")
        for words, plant, remove, wanted in MOVEMENTS:
            stack.processor.sql(plant)
            expect(result, words, wanted, look(stack, merchant, journal))
            stack.processor.sql(remove)
        for words, wanted, change in (
                ("a payment that nobody asked for", "double", lambda lines: lines.remove(paid(lines))),
                ("a payment that is not there", "lost", lambda lines: lines.append(another(paid(lines)))),
                ("a payment answered twice", "lost", lambda lines: lines.append(paid(lines))),
                ("a refused payment that is there", "double", lambda lines: refuse(paid(lines))),
                ("a payment of another amount than asked for", "broken",
                 lambda lines: paid(lines).fields.update(amount=901)),
                ("a change that was not made", "lost", lambda lines: lines.append(changed(lines))),
                ("a change that was made twice", "double", lambda lines: lines.remove(changed(lines))),
                ("a subscription that is not there", "lost",
                 lambda lines: lines[0].answer["subscriptions"][0].update(id="1"))):
            tampered = copy.deepcopy(journal.lines)
            change(tampered)
            other = Journal()
            other.lines = tampered
            expect(result, words, wanted, look(stack, merchant, other))
    return result


def look(stack, merchant, journal):
    """The verdict without bringing anything to rest."""
    verdict = soundness.Verdict()
    soundness.check_processor(stack, verdict)
    soundness.check_journal(stack, merchant, journal, verdict)
    return verdict


def expect(result, words, wanted, verdict):
    """Counts what was planted; not found is broken."""
    result.inject("planted", 1)
    if not getattr(verdict, wanted):
        result.verdict.broken.append(f"planted and not found as {wanted}: {words}; found: {verdict}")


def paid(lines):
    """The payment of a journal."""
    return next(line for line in lines if line.kind == "pay")


def changed(lines):
    """The change of a journal."""
    return next(line for line in lines if line.kind == "change")


def another(line):
    """The same with an id that is not there."""
    found = copy.deepcopy(line)
    found.answer["id"] = "1"
    return found


def refuse(line):
    """Makes an answer a refusal."""
    line.status, line.answer = 409, {"failureCode": "V30"}


TESTS = [("S0", planted, 0.2, 3)]
