"""The double-entry ledger of an account (spec 5.3), summed by ledger account."""

from collections import Counter

FIXED = {"K": "cash", "H": "checks", "E": "external", "L": "expense:allowance", "W": "expense:write-off"}


def debited(entry):
    """Where the money of a payment stands."""
    if entry.type == "AA":
        return "expense:write-off"
    return FIXED.get(entry.means, "clearing:sandbox")


def postings(entry, receivable):
    """Debits above zero, credits below, as (ledger account, amount)."""
    kind, amount, tax = entry.type, entry.amount, entry.tax
    if entry.sign == 0:
        return []
    if kind in ("RI", "RF", "RL", "RA"):
        revenue = "revenue:fees"
        if kind == "RI":
            revenue = "revenue:recurring" if entry.sub else "revenue:other"
        return [(receivable, amount), (revenue, tax - amount), ("tax-payable", -tax)]
    if kind == "RC":
        return [("revenue:credits", amount), (receivable, -amount)]
    if kind in ("RR", "RX", "AX", "AS"):
        return [(name, -value) for name, value in postings(entry.source, receivable)]
    if kind in ("AP", "AC", "AA"):
        return [(debited(entry), amount), (receivable, -amount)]
    if kind == "AG":
        return [(receivable, amount), ("clearing:chargebacks", -amount)]
    # A refund in cash of a card payment leaves the till, not the processor.
    return [(receivable, amount), (debited(entry if entry.means else entry.source), -amount)]


def compare(player):
    model = Counter()
    for customer in player.model.customers:
        receivable = "receivable:" + player.people[customer.number]
        for entry in customer.books.entries:
            for name, value in postings(entry, receivable):
                model[name] += value
    product = Counter()
    for row in player.client.find("/ledger", accountId=player.number):
        for side, sign in (("debitAccount", 1), ("creditAccount", -1)):
            name = row[side]
            if name == "receivable":
                name += ":" + row["customerId"]
            product[name] += sign * int(row["amount"])
    from play import Differs
    for name in sorted(set(model) | set(product)):
        if model[name] != product[name]:
            raise Differs(f"ledger {name.split(':')[0]}",
                          f"{name}: model {model[name]}, product {product[name]}")
