"""Every command that changes something, as the crash points need it: what is prepared for a trial, and the request."""

from caller import ROOTS
from lab import ALWAYS_D01, ALWAYS_D16, CARD, DEBIT, LOST_ANSWER, OTHER_CARD

ROOTS.setdefault("~authenticate", "authenticate")
BANK, ROUTING = "4099999992", "021000021"


def option(number=CARD, code=None):
    """A payment option as part of a request."""
    if number == BANK:
        return {"type": "BC", "accountNumber": BANK, "accountAccessory": ROUTING, "holderName": "Ann Doe", "code": code}
    return {"accountNumber": number, "accountAccessory": "1230", "holderName": "Ann Doe", "code": code}


def customer(tag, numbers=(CARD,), subscriptions=()):
    """The request that makes a customer of a trial."""
    fields = {"firstName": "Ann", "lastName": tag}
    if numbers:
        fields["paymentOptions"] = [option(one, f"{tag}-o{n}") for n, one in enumerate(numbers)]
    if subscriptions:
        fields["subscriptions"] = list(subscriptions)
    for part in fields.get("paymentOptions", []):
        for name in [name for name, value in part.items() if value is None]:
            del part[name]
    return "PUT", "/customers", fields


def monthly(day, amount=1500, **more):
    """A monthly subscription as part of a request."""
    return {"amount": amount, "billingCycleType": "M", "firstBillingDate": day, **more}


class Trial:
    """What a trial has made so far, by names that paths use."""

    def __init__(self, desk, tag):
        self.desk, self.tag = desk, tag
        self.ids = {"tag": tag, "account": desk.account, "user": desk.merchant.user,
                    "password": desk.merchant.password}

    def make(self, name, method, path, fields=None):
        """Makes something before the command; its id gets that name."""
        answer = self.desk.make(method, self.fill(path), self.fill(fields), key=f"{self.tag}-{name}")
        self.ids[name] = answer["id"]
        return answer

    def fill(self, value):
        """Puts ids in the place of their names."""
        if isinstance(value, str):
            for name, one in self.ids.items():
                value = value.replace("{" + name + "}", str(one))
        elif isinstance(value, dict):
            value = {name: self.fill(member) for name, member in value.items()}
        elif isinstance(value, list):
            value = [self.fill(member) for member in value]
        return value


class Command:
    """A command: the steps before it, the request, and the desk (by its settings) that it wants."""

    def __init__(self, name, request, before=(), numbers=(CARD,), subscriptions=(), desk="plain", later=None,
                 answer=True, declines=False):
        self.name, self.request, self.before = name, request, before
        self.numbers, self.subscriptions, self.desk = numbers, subscriptions, desk
        # The day on which the command is given, when it is not that of its preparation.
        self.later = later
        # Whether the answer to a repetition is the first one's; whether it may end as a decline, with nothing charged.
        self.answer, self.declines = answer, declines

    def prepare(self, trial):
        if self.numbers is not None:
            made = trial.make("customer", *customer(trial.tag, self.numbers, self.subscriptions))
            for number, one in enumerate(made.get("paymentOptions", [])):
                trial.ids[f"option{number}"] = one["id"]
            for number, one in enumerate(made.get("subscriptions", [])):
                trial.ids[f"subscription{number}"] = one["id"]
        for name, method, path, fields in self.before:
            trial.make(name, method, path, fields)

    def asked(self, trial):
        """Method, path and fields."""
        method, path, fields = self.request
        return method, trial.fill(path), trial.fill(fields)


AT = "/customers/{customer}"
MONEY = AT + "/transactions"
PROCESS = MONEY + "/~process"
SUBSCRIPTION = AT + "/subscriptions/{subscription0}"
NEXT = "2027-02-05"
SOON = (monthly(NEXT),)


def recorded(name, **fields):
    """A step: a transaction on record."""
    return name, "PUT", MONEY, fields


def processed(name, **fields):
    """A step: a payment through the processor."""
    return name, "POST", PROCESS, fields


INVOICE = recorded("invoice", type="RI", amount=1500)
CASH = recorded("payment", type="AP", accountType="K", amount=1500)
PAID = processed("payment", amount=1500)
PLAN = ("PUT", "/plans", {"accountId": "{account}", "name": "{tag}", "amount": 900})
RAW = {"amount": 1500, "accountType": "VC", "accountNumber": CARD, "accountAccessory": "1230", "holderName": "Ann Doe"}


def reverse(name, *before, method="POST", **more):
    """~reverse of what the last step made."""
    return Command(name, (method, MONEY + "/{" + before[-1][0] + "}/~reverse", {"note": "again"}), before, **more)


def put(name, *before, **fields):
    """~create of a transaction."""
    return Command(name, ("PUT", MONEY, fields), before)


def process(name, *before, numbers=(CARD,), declines=False, **fields):
    """~process."""
    return Command(name, ("POST", PROCESS, fields), before, numbers, declines=declines)


def adjust(name, action, before=(), method="POST", desk="plain", **fields):
    """An action on a subscription that is billed in a month."""
    return Command(name, (method, f"{SUBSCRIPTION}/~{action}", fields), before, subscriptions=SOON, desk=desk)


def commands():
    """All of them; what they need of a merchant account is in `desks`."""
    far = "2027-03-05"
    found = [
        Command("create customer", customer("{tag}"), numbers=None),
        Command("create customer with all", customer("{tag}", (CARD, BANK), (monthly(NEXT), monthly(far, length=3))),
                numbers=None),
        Command("modify customer", ("POST", AT, {"city": "Bern", "note": "moved"})),
        Command("create option", ("PUT", AT + "/payment-options", option(OTHER_CARD, "{tag}-new"))),
        Command("modify option", ("POST", AT + "/payment-options/{option0}", {"isActive": False})),
        Command("default option", ("POST", AT + "/payment-options/{option1}", {"isDefault": True}),
                numbers=(CARD, DEBIT)),
        Command("erase option", ("DELETE", AT + "/payment-options/{option0}", None)),
        Command("create plan", PLAN, numbers=None),
        Command("modify plan", ("POST", "/plans/{plan}", {"amount": 1100}),
                (("plan", *PLAN),), numbers=None),
        Command("create subscription", ("PUT", AT + "/subscriptions", monthly(NEXT, length=12))),
        Command("modify subscription", ("POST", SUBSCRIPTION, {"paymentOptionId": "{option1}", "note": "other"}),
                numbers=(CARD, DEBIT), subscriptions=SOON),
        process("pay on account", amount=1500),
        process("pay an invoice", INVOICE, amount=1500, invoiceList="{invoice}"),
        process("pay, soft decline", INVOICE, numbers=(ALWAYS_D01,), amount=1500, invoiceList="{invoice}"),
        process("pay, hard decline", INVOICE, numbers=(ALWAYS_D16,), amount=1500, invoiceList="{invoice}"),
        process("pay in part", recorded("invoice", type="RI", amount=15000), amount=15000, invoiceList="{invoice}"),
        process("pay by raw data", INVOICE, declines=True, **RAW),
        process("pay and save", declines=True, savePaymentOption=True, **RAW),
        process("pay by bank", INVOICE, numbers=(BANK,), amount=1500),
        process("pay, answer lost", INVOICE, numbers=(LOST_ANSWER,), amount=1500, invoiceList="{invoice}"),
        process("pay for subscription", amount=1500, subscriptionId="{subscription0}"),
        process("refund a part", PAID, type="AR", amount=600, sourceId="{payment}"),
        process("refund of an invoice", INVOICE, PAID, type="AR", amount=1500, sourceId="{payment}"),
        put("record invoice", type="RI", amount=1500),
        put("record invoice, credit waits", CASH, type="RI", amount=1000),
        put("record credit", INVOICE, type="RC", amount=500),
        put("record fee", type="RF", amount=300),
        put("record cash", INVOICE, type="AP", accountType="K", amount=1500, invoiceList="{invoice}"),
        put("record allowance", INVOICE, type="AP", accountType="L", amount=700),
        put("record cash back", CASH, type="AR", accountType="K", amount=500, sourceId="{payment}"),
        put("record write-off", INVOICE, type="AA", amount=1500),
        reverse("void a payment", INVOICE, PAID),
        reverse("refund a settled payment", INVOICE, PAID, later="2027-01-03"),
        reverse("reverse invoice", INVOICE),
        reverse("reverse paid invoice", CASH, INVOICE),
        reverse("reverse credit", INVOICE, recorded("credit", type="RC", amount=500)),
        reverse("reverse cash", INVOICE, CASH),
        reverse("reverse cash back", CASH,
                recorded("back", type="AR", accountType="K", amount=500, sourceId="{payment}")),
        reverse("reverse by GET", INVOICE, PAID, method="GET"),
        adjust("cancel now", "cancel", effectiveDate="2027-01-01", note="moved"),
        adjust("cancel later", "cancel", effectiveDate=far),
        adjust("cancel by GET", "cancel", method="GET", effectiveDate="2027-01-01"),
        adjust("freeze", "freeze", effectiveDate=NEXT, length=2),
        adjust("freeze by GET", "freeze", method="GET", effectiveDate=NEXT, length=2),
        adjust("freeze for a fee", "freeze", desk="fees", effectiveDate=NEXT, length=2),
        adjust("cancel for a fee", "cancel", desk="fees", effectiveDate="2027-01-01"),
        adjust("pause", "pause", note="away"),
        adjust("resume", "resume", (("pause", "POST", SUBSCRIPTION + "/~pause", {"note": "away"}),)),
        Command("modify account", ("POST", "/accounts/{account}", {"lateFeeGraceDays": 11}), desk="policy",
                answer=False),
        Command("advance the clock", ("POST", "/accounts/{account}/clock/~advance", {"to": "2027-01-02"}),
                subscriptions=(monthly("2027-01-02"),), desk="clock", answer=False),
        Command("authenticate", ("POST", "/users/{user}/~authenticate", {"password": "{password}"}), numbers=None,
                answer=False),
    ]
    found[[one.name for one in found].index("pay for subscription")].subscriptions = SOON
    return found


# The settings of the merchant accounts, by the names that commands use.
DESKS = {
    "plain": {}, "policy": {}, "clock": {},
    "fees": {"freezeRecurringFee": 77, "freezeFlatFee": 55, "cancellationFee": 99, "softDeclineFee": 20},
}
