"""What every chaos test ends with: nothing open, no invariant broken, our books and the processor's the same, every
acknowledged request there exactly once, nothing there that nobody sent.

    verdict = check(stack, [(merchant, journal), …])
    verdict.broken, verdict.lost, verdict.double      lists of sentences; all empty when all is well
"""

import collections
import json
import re
import time

from processes import wait_until

RUN = "billing-run"
# What a transaction does to the balance when it counts (spec 3.2).
EFFECTS = {
    "RI": 1, "RF": 1, "RL": 1, "RA": 1, "RO": 1, "RN": 1, "RX": 1, "AV": 1, "AR": 1, "AG": 1,
    "RC": -1, "RR": -1, "AP": -1, "AC": -1, "AA": -1, "AS": -1, "AX": -1,
}
MADE = {"~process", "transactions", "~reverse"}
# Changes that leave nothing of their own but a line of the audit log: customer; option or subscription of it; ~resume.
CHANGES = re.compile("/customers/([0-9]+)(?:/(payment-options|subscriptions)/([0-9]+)(/~resume)?)?")


class Verdict:
    """What is wrong, in sentences: broken invariants, lost effects, double effects."""

    def __init__(self):
        self.broken, self.lost, self.double = [], [], []
        self.counts = {}

    @property
    def sound(self):
        """Whether nothing is wrong."""
        return not (self.broken or self.lost or self.double)

    def __str__(self):
        words = [f"{name}: {line}" for name in ("broken", "lost", "double") for line in getattr(self, name)[:10]]
        return "\n".join(words) or "sound"


def bring_forward(stack, age=3):
    """Has open attempts looked up now that are older than any call to the processor under way; how many are open."""
    return int(stack.sql(f"""
        update billing.attempts set next_look_up = clock_timestamp()
         where outcome = 'open' and next_look_up > clock_timestamp()
           and opened_at < clock_timestamp() - interval '{age} s';
        select count(*) from billing.attempts where outcome = 'open'""")[0][0])


def resolve_attempts(stack, seconds=60):
    """Has every open attempt asked for until none is open; how many were open at first."""
    first = bring_forward(stack)
    if first:
        wait_until(lambda: bring_forward(stack) == 0, seconds, "no attempt is open", 0.1)
    return first


def settle(stack, merchants, seconds=120):
    """Waits until the jobs processes have caught up: no missed bill, no retry or notice left undone."""
    if not merchants:
        return
    numbers = ",".join(str(merchant.account) for merchant in merchants)

    def caught_up():
        late = stack.sql(f"select count(*) from billing.missed_bills where account_id in ({numbers})")[0][0]
        return late == "0"
    wait_until(caught_up, seconds, "the jobs processes have caught up", 0.1)
    # A pass of each account to its end, with the account to itself: what any process had begun is done.
    for merchant in merchants:
        done = stack.billing("run", "--account", str(merchant.account), "--json", check=False)
        if done.returncode:
            raise RuntimeError(f"billing run: {done.stdout[-500:]}{done.stderr[-500:]}")


def check(stack, parties=(), seconds=120):
    """Brings all to rest and looks at everything; parties are (merchant, journal) pairs."""
    verdict = Verdict()
    try:
        verdict.counts["open attempts at the end"] = resolve_attempts(stack, seconds)
        settle(stack, [merchant for merchant, _ in parties], seconds)
        resolve_attempts(stack, seconds)
    except (TimeoutError, RuntimeError) as error:
        verdict.broken.append(f"does not come to rest: {error}")
    check_invariants(stack, verdict)
    check_processor(stack, verdict)
    for merchant, journal in parties:
        check_journal(stack, merchant, journal, verdict)
    return verdict


def check_invariants(stack, verdict):
    """`billing status --check`: no violation, nothing set aside."""
    done = stack.billing("status", "--check", "--json", check=False)
    try:
        found = json.loads(done.stdout)
    except ValueError:
        verdict.broken.append(f"status --check: {done.stdout[:500]}{done.stderr[:500]}")
        return
    for violation in found["brokenInvariants"]:
        verdict.broken.append(f"status --check: {json.dumps(violation)[:500]}")
    for one in found["setAside"]:
        verdict.broken.append(f"set aside: {json.dumps(one)[:500]}")
    if done.returncode and not found["brokenInvariants"]:
        verdict.broken.append(f"status --check ends with {done.returncode}: {done.stderr[:500]}")


def check_processor(stack, verdict):
    """The processor's book against ours, both ways, and no invoice paid twice there."""
    movements = {}
    for account, key, kind, amount, approved, code, given_back in stack.processor.sql(
            "select account, key, kind, amount, approved_amount, code, given_back from sandbox.movement"):
        movements[account, key] = (kind, amount, approved, code)
    attempts = {}
    paid = {}
    for row in stack.sql("""
            select p.account_id, 't' || p.transaction_id, p.kind, p.amount, p.approved_amount, p.response_code,
                   p.outcome, p.invoice_id, p.source_id, p.subscription_id, t.status, t.amount, t.type
              from billing.attempts p
              join billing.merchant_accounts a on a.account_id = p.account_id and a.processor = 'sandbox'
              left join billing.transactions t
                on t.account_id = p.account_id and t.transaction_id = p.transaction_id"""):
        attempts[row[0], row[1]] = row
    verdict.counts["movements"] = len(movements)
    verdict.counts["attempts"] = len(attempts)
    for place, (kind, amount, approved, code) in movements.items():
        row = attempts.get(place)
        if row is None:
            verdict.double.append(f"the processor has {kind} {place} of {approved}, and we have no attempt")
        elif row[6] == "abandoned" and code == "E02" and int(approved) == 0:
            continue  # Withdrawn before it arrived: the processor refuses the key from then on.
        elif row[6] not in ("approved", "declined"):
            verdict.lost.append(f"the processor has {kind} {place} of {approved}, and our attempt is {row[6]}")
        elif (kind, amount, approved, code) != (row[2], row[3], row[4], row[5]):
            verdict.broken.append(f"the processor has {place} as {kind, amount, approved, code}, we as {row[2:6]}")
    for place, row in attempts.items():
        outcome, code, status = row[6], row[5], row[10]
        if outcome == "approved" and place not in movements:
            verdict.broken.append(f"our attempt {place} of {row[3]} is approved, and the processor knows nothing of it")
        elif outcome == "declined" and code and place not in movements:
            verdict.broken.append(f"our attempt {place} is declined with {code}, and the processor knows nothing of it")
        elif outcome == "approved" and (status not in ("final", "reversed") or row[11] != row[4]):
            verdict.lost.append(f"attempt {place} is approved over {row[4]}, its transaction is {status} of {row[11]}")
        elif outcome == "open":
            verdict.broken.append(f"attempt {place} is still open")
        if outcome == "approved" and row[2] in ("payment", "claim") and row[7]:
            paid.setdefault((row[0], row[7]), []).append(place)
    check_payments_of_invoices(stack, paid, verdict)


def check_payments_of_invoices(stack, paid, verdict):
    """The run collects an invoice whole, approved, only once, unless the money was given back."""
    several = [place for place, keys in paid.items() if len(keys) > 1]
    if not several:
        return
    invoices = ",".join(f"({account},{invoice})" for account, invoice in several)
    for account, invoice, number in stack.sql(f"""
            select i.account_id, i.transaction_id, count(*)
              from billing.transactions i
              join billing.attempts p on p.account_id = i.account_id and p.invoice_id = i.transaction_id
                   and p.creator_code = '{RUN}' and p.outcome = 'approved' and p.approved_amount >= i.amount
              join billing.transactions t on t.account_id = p.account_id and t.transaction_id = p.transaction_id
                   and t.status = 'final'
             where (i.account_id, i.transaction_id) in (values {invoices})
               and not exists (select from billing.transactions r where r.account_id = t.account_id
                                  and r.source_id = t.transaction_id and r.type in ('AV', 'AR', 'AG', 'AD'))
             group by i.account_id, i.transaction_id having count(*) > 1"""):
        verdict.double.append(f"invoice {invoice} of account {account} was collected whole {number} times")


def check_journal(stack, merchant, journal, verdict):
    """Every acknowledged request once, every refused one not at all, nothing from nobody, balances as the sums."""
    for line in journal.broken():
        verdict.broken.append(f"an internal error: {line}")
    for line in journal.unanswered():
        verdict.broken.append(f"never answered: {line}")
    for name, found in (("acknowledged", journal.acknowledged()), ("answered after repeating", journal.repeated())):
        verdict.counts[name] = verdict.counts.get(name, 0) + len(found)
    check_clearness(journal, verdict)
    check_customers(stack, merchant, journal, verdict)
    check_transactions(stack, merchant, journal, verdict)
    check_amounts(stack, merchant, journal, verdict)
    check_adjustments(stack, merchant, journal, verdict)
    check_changes(stack, merchant, journal, verdict)
    check_nested(stack, merchant, journal, verdict)
    for customer, balance, total in stack.sql(f"""
            select c.customer_id, c.balance, coalesce(sum(case {effects()} end * t.amount), 0)
              from billing.customers c
              left join billing.transactions t on t.account_id = c.account_id and t.customer_id = c.customer_id
                   and (t.status in ('final', 'reversed'))
             where c.account_id = {merchant.account}
             group by c.customer_id, c.balance"""):
        if balance != total:
            verdict.broken.append(f"customer {customer} has balance {balance}, its transactions sum to {total}")


def effects():
    """What each type does to the balance, for SQL; an AD counts only where it returns a claim that was posted."""
    cases = " ".join(f"when t.type = '{name}' then {value}" for name, value in EFFECTS.items())
    return cases + " when t.type = 'AD' and t.status in ('final', 'reversed') and t.attempt_id is null then 1 else 0"


def check_clearness(journal, verdict):
    """Whoever repeats a request whose first one is open is told to come again: by `Retry-After`, not by a bare 409."""
    for line in journal.unclear():
        verdict.broken.append(f"409 of an open first request without Retry-After: {line}: {line.failures[-5:]}")


def check_customers(stack, merchant, journal, verdict):
    """Each acknowledged customer is there under its code, and there is no other."""
    known = {code: int(number) for number, code in stack.sql(
        f"select customer_id, code from billing.customers where account_id = {merchant.account}")}
    wanted = {}
    for line in journal.lines:
        if line.method != "PUT" or line.path != "/customers":
            continue
        if line.ok and line.tag in wanted:
            verdict.broken.append(f"the journal has customer {line.tag} twice")
        if line.ok:
            wanted[line.tag] = line.id
            if known.get(line.tag) != line.id:
                verdict.lost.append(f"customer {line.tag} was acknowledged as {line.id}, is {known.get(line.tag)}")
        elif line.status is not None and line.tag in known and line.tag not in wanted:
            verdict.double.append(f"customer {line.tag} was refused and is there: {line}")
    tags = {line.tag for line in journal.lines}
    for code, number in known.items():
        if code not in tags and journal.lines:
            verdict.double.append(f"customer {number} ({code}) was asked for by nobody")


def check_transactions(stack, merchant, journal, verdict):
    """Each acknowledged transaction is there once, as it was told; what else is there is the run's."""
    there = {int(row[0]): row for row in stack.sql(f"""
        select transaction_id, customer_id, code, type, amount, status, creator_code, note, source_id
          from billing.transactions where account_id = {merchant.account}""")}
    traces = {}
    for number, row in there.items():
        for trace in {row[2], row[7]} - {""}:
            traces.setdefault((row[1], trace), []).append(number)
    told = {}
    for line in journal.lines:
        last = line.path.rstrip("/").rsplit("/", 1)[-1]
        if last not in MADE:
            continue
        found = traces.get((str(line.customer), line.tag), [])
        if not line.ok:
            if found and line.status is not None:
                verdict.double.append(f"refused, and there as {found}: {line}")
            continue
        row = there.get(line.id)
        if line.id in told:
            verdict.lost.append(f"two requests were answered with transaction {line.id}: {told[line.id]}; {line}")
        elif row is None:
            verdict.lost.append(f"acknowledged, and not there: {line}")
        elif not as_told(line, row):
            told_of = (line.answer.get("type"), line.answer.get("amount"))
            verdict.lost.append(f"acknowledged as {told_of}, is {row[3:6]}: {line}")
        others = [number for number in found if number != line.id]
        if others:
            verdict.double.append(f"acknowledged as {line.id}, and there as {others}, too: {line}")
        told[line.id] = line
    for number, row in there.items():
        if number not in told and row[6] != RUN and journal.lines:
            verdict.double.append(f"nobody was told of transaction {number}: {row}")


def as_told(line, row):
    """Whether a transaction is what its request was told; a pending one may have become a decline since."""
    pending = line.status == 202 or line.answer.get("status") == "pending"
    same_type = row[3] == line.answer["type"] or pending and row[3] == "AD"
    return same_type and (row[4] == line.answer["amount"] or pending) and row[1] == str(line.customer)


def check_amounts(stack, merchant, journal, verdict):
    """The processor was asked for what the caller asked for, whatever the first answer was."""
    orders = dict(stack.sql(
        f"select transaction_id, amount from billing.attempts where account_id = {merchant.account}"))
    for line in journal.lines:
        amount = (line.fields or {}).get("amount")
        if line.ok and line.path.endswith("/~process") and amount:
            ordered = orders.get(str(line.id), str(amount))
            if ordered != str(amount):
                verdict.broken.append(f"{ordered} was asked for at the processor: {line}, amount {amount}")


def check_adjustments(stack, merchant, journal, verdict):
    """Each acknowledged freeze, pause and cancellation left one adjustment with its note, each refused one none."""
    notes = {}
    for note, number in stack.sql(f"""
            select note, count(*) from billing.subscription_adjustments
             where account_id = {merchant.account} and note is not null group by note"""):
        notes[note] = int(number)
    for line in journal.lines:
        action = line.path.rsplit("/~", 1)[-1]
        if action not in ("freeze", "pause", "cancel") or not line.tag:
            continue
        number = notes.get(line.tag, 0)
        if line.ok and number == 0:
            verdict.lost.append(f"acknowledged, and no adjustment: {line}")
        elif number > 1 or number and not line.ok and line.status is not None:
            verdict.double.append(f"{number} adjustments: {line}")


def check_changes(stack, merchant, journal, verdict):
    """Each acknowledged change of a customer, option or subscription was made once, each refused one not at all."""
    made = {(action, kind, int(number)): int(times) for action, kind, number, times in stack.sql(f"""
        select action, object_type, object_id, count(*) from billing.audit_log
         where account_id = {merchant.account}
           and (action = 'resume'
                or action = 'modify' and object_type in ('customer', 'payment-option', 'subscription'))
         group by 1, 2, 3""")}
    wanted, open_ones = collections.Counter(), set()
    for line in journal.lines:
        found = CHANGES.fullmatch(line.path)
        if line.method != "POST" or found is None:
            continue
        customer, kind, number, resumes = found.groups()
        place = ("resume" if resumes else "modify", kind[:-1] if kind else "customer", int(number or customer))
        if line.status is None:
            open_ones.add(place)
        wanted[place] += line.ok
    for place in {*wanted, *made} - open_ones if journal.lines else ():
        times = made.get(place, 0)
        if times != wanted[place]:
            (verdict.lost if times < wanted[place] else verdict.double).append(
                f"{place} was acknowledged {wanted[place]} times, made {times} times")


def check_nested(stack, merchant, journal, verdict):
    """What was created with a customer is there, and that customer's."""
    for name, field in (("subscription", "subscriptions"), ("payment_option", "paymentOptions")):
        owners = dict(stack.sql(
            f"select {name}_id, customer_id from billing.{name}s where account_id = {merchant.account}"))
        for line in journal.lines:
            if not line.ok or line.method != "PUT" or line.path != "/customers":
                continue
            for one in line.answer.get(field) or ():
                if owners.get(str(one["id"])) != str(line.id):
                    verdict.lost.append(f"acknowledged {name} {one['id']} is not there: {line}")


def await_service(caller, seconds, since=None):
    """Seconds until an ordinary write is acknowledged; the write is a customer without anything."""
    began = since if since is not None else time.monotonic()
    tag = f"probe-{time.monotonic_ns()}"
    caller.patience = seconds
    caller.change("probe", "PUT", "/customers", {"firstName": "Ann", "lastName": "Lee", "code": tag}, tag, tag)
    return time.monotonic() - began
