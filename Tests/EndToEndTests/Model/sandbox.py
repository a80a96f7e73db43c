"""The sandbox processor as spec 5.10 describes it: what it answers to an amount and a card."""

RANGES = [
    (7000, 7499, "D01"), (7500, 7999, "D02"), (8000, 8499, "D03"), (8500, 8999, "D04"),
    (9000, 9499, "D05"), (9500, 9999, "D06"), (10000, 10499, "D08"), (10500, 10999, "D09"),
    (11000, 11499, "D10"), (11500, 11999, "D16"), (12000, 12499, "D17"), (12500, 12999, "D18"),
    (13500, 13999, "D27"), (14000, 14499, "D29"), (15000, 15999, "A05"), (16000, 16999, "Z02"),
]
ALWAYS_D01, TWICE_D03, ALWAYS_D16, ALWAYS_Z02 = (
    "4000000000000002", "4000000000009995", "4000000000000069", "4000000000000259")
SOFT = {"D01", "D03", "D07", "D08", "D09", "D12", "D15", "D17", "D18", "D21", "D26", "D30", "D33", "D34", "N01"}
RETURNS = {"D01": "N01", "D03": "N01", "D05": "N04", "D06": "N02"}


def is_soft(code):
    return code in SOFT


def range_of(amount):
    """The code of the amount's range; A01 outside of all."""
    return next((code for low, high, code in RANGES if low <= amount <= high), "A01")


def card_answer(number, amount, csc, earlier):
    """(code, approved amount, charged back a day later) for a card; earlier: attempts of this invoice before."""
    code = range_of(amount)
    if number == ALWAYS_D01:
        code = "D01"
    elif number == TWICE_D03:
        code = "D03" if earlier < 2 else "A01"
    elif number == ALWAYS_D16:
        code = "D16"
    elif number == ALWAYS_Z02:
        code = "Z02"
    if code == "D08" and not csc:
        code = "A01"
    if code == "A05":
        return code, amount // 2, False
    if code == "Z02":
        return "A01", amount, True
    return code, amount if code == "A01" else 0, False


def bank_return(amount):
    """The code with which a claim comes back on the next banking day; None when it is good."""
    code = range_of(amount)
    if code[0] != "D" or code == "D08":
        # D08 needs a security code, which a bank account does not have.
        return None
    return RETURNS.get(code, "N07")
