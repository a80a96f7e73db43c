"""One history, played step by step in the model and through the REST interface, compared after each step."""

import datetime
import os
import random

import account
import client
from calendar_rules import DAY

START = datetime.datetime(2027, 1, 4)


class Difference:
    """What the model and the product do not agree on."""

    def __init__(self, step, kind, words):
        self.step, self.kind, self.words = step, kind, words

    def __str__(self):
        return f"step {self.step}: {self.kind}: {self.words}"


class Differs(Exception):
    """Ends a history at its first difference."""


def pick(rows, number):
    return rows[number % len(rows)] if rows else None


class Player:
    """The model and a product's account side by side."""

    def __init__(self, connection, number, history, settle):
        self.client, self.number, self.history, self.settle = connection, number, history, settle
        self.model = account.Account(history["policy"], START)
        self.people, self.options, self.subscriptions, self.entries = [], {}, {}, {}
        self.seen = {}
        self.played = 0
        self.rng = random.Random(0)

    def run(self):
        """The first Difference, or None."""
        step = -1
        try:
            self.call("POST", f"/accounts/{self.number}/clock/~advance", "clock", {"to": str(START)})
            if not self.model.policy["retryDays"]:
                # Only json can say that a list is empty.
                self.client.call("POST", f"/accounts/{self.number}", "account", {"retryDays": []})
            for step, drawn in enumerate(self.history["steps"]):
                self.rng = random.Random(drawn.get("format", "0"))
                self.played += 1
                self.play(drawn)
                if self.settle and drawn["kind"] != "clock" and not drawn.get("at_once"):
                    self.call("POST", f"/accounts/{self.number}/clock/~advance", "clock",
                              {"to": str(self.model.now)})
                    self.model.advance(self.model.now)
                self.compare_all()
            self.compare_ledger()
        except Differs as found:
            if os.environ.get("MODEL_SHOW"):
                self.show()
            return Difference(step, *found.args)
        return None

    def show(self):
        """Prints what both sides hold, for whoever looks into a difference."""
        for customer in self.model.customers:
            books = customer.books
            print(f"customer {customer.number}, model today {self.model.now}")
            for e in books.entries:
                print("  ", e.number, e.type, e.amount, "left", books.left(e), e.due, e.status, e.code, e.way, e.again,
                      "source", e.source and e.source.number, "cycle", e.cycle)
            for a in books.allocations:
                print("     ", a.source.number, "to", a.target.number, a.amount, "ended" if a.ended else "")
            for row in self.client.find(self.path(customer, "transactions")):
                shown = " ".join(row.get(n, "-") for n in ("id", "type", "amount", "balance", "dueDate", "status"))
                print("   product", shown, row.get("processingInfo", {}).get("responseCode"))
            for s in customer.subscriptions:
                print("   subscription", s.number, s.status, "at", s.at, [(a.type, str(a.start), str(a.end), a.begun, a.over) for a in s.adjustments])

    def format(self):
        return self.rng.choice(["json", "xml", "xurl"])

    def call(self, method, path, root=None, fields=None):
        return self.client.call(method, path, root, fields, self.format(), self.format())

    # Steps

    def play(self, step):
        people = self.model.customers
        customer = pick(people, step["customer"]) if "customer" in step and people else None
        if customer is None and step["kind"] not in ("customer", "clock"):
            return
        prepared = getattr(self, "play_" + step["kind"])(step, customer)
        if prepared is None:
            return
        in_model, request = prepared
        try:
            expected, code = in_model(), None
        except account.Refused as refusal:
            expected, code = None, str(refusal)
        try:
            answer, got = request(), None
        except client.Refusal as refusal:
            answer, got = refusal, refusal.code
        if code != got:
            raise Differs(f"refusal of {step['kind']} {code}/{got}",
                          f"model {code or 'allows it'}, product {got or 'allows it'}: {answer}")
        if code is None and isinstance(expected, account.Customer):
            self.people.append(answer["id"])
            self.options[expected] = [o["id"] for o in answer.get("paymentOptions", [])]
            self.subscriptions[expected] = [s["id"] for s in answer.get("subscriptions", [])]
        elif code is None and isinstance(expected, account.Option):
            self.options[customer].append(answer["id"])
        elif code is None and isinstance(expected, account.Subscription):
            self.subscriptions[customer].append(answer["id"])

    def path(self, customer, *rest):
        return "/".join(["/customers/" + self.people[customer.number], *rest])

    def option_id(self, option):
        for customer in self.model.customers:
            if option in customer.options:
                return self.options[customer][customer.options.index(option)]
        return None

    def entry_id(self, customer, entry):
        return self.entries[customer][entry.number]

    def play_customer(self, step, _):
        options = [dict(o) for o in step["options"]]
        subs = [self.drawn_subscription(s) for s in step["subscriptions"]]
        fields = {"firstName": "Ada", "lastName": "Byron", "paymentOptions": [self.option_fields(o) for o in options],
                  "subscriptions": [self.subscription_fields(s) for s in subs]}
        fields = {name: value for name, value in fields.items() if value}
        return (lambda: self.model.customer(options, subs),
                lambda: self.call("PUT", "/customers", "customer", fields))

    def option_fields(self, option):
        fields = {"accountNumber": option["card"], "holderName": "Ada Byron"}
        if option.get("bank"):
            fields.update(type="BC", accountAccessory="021000021")
        else:
            fields.update(accountAccessory="1239")
        if option.get("default"):
            fields["isDefault"] = True
        return fields

    def drawn_subscription(self, step):
        names = ("cycle", "interval", "amount", "tax", "length")
        drawn = {name: step[name] for name in names}
        drawn["first"] = self.model.today + DAY * step["after"]
        return drawn

    def subscription_fields(self, drawn):
        return {"billingCycleType": drawn["cycle"], "billingInterval": drawn["interval"],
                "amount": drawn["amount"], "taxAmount": drawn["tax"], "firstBillingDate": str(drawn["first"]),
                "length": drawn["length"]}

    def play_clock(self, step, _):
        now = self.model.now
        if step["days"] == 0:
            to = now + datetime.timedelta(hours=step["hours"])
        else:
            at = datetime.time.fromisoformat(step.get("at", "00:00:00"))
            to = datetime.datetime.combine(now.date() + DAY * step["days"], at)
        return (lambda: self.model.advance(to),
                lambda: self.call("POST", f"/accounts/{self.number}/clock/~advance", "clock", {"to": str(to)}))

    def play_process(self, step, customer):
        option = pick([o for o in customer.options], step["option"]) if step["option"] is not None else None
        listed = self.listed(step, customer)
        fields = {"amount": step["amount"], "invoiceList": self.list_field(customer, listed)}
        subscription = None
        if "subscription" in step and customer.subscriptions:
            subscription = pick(customer.subscriptions, step["subscription"])
            if subscription.first == self.model.today:
                # Which of this and the run comes first is another test's matter (spec 5.9).
                return None
            fields["subscriptionId"] = self.subscriptions[customer][subscription.number]
        if "raw" in step:
            option = account.Option(step["raw"], False)
            fields.update(accountNumber=step["raw"], accountAccessory="1239", holderName="Ada Byron")
            if step["csc"]:
                fields["csc"] = "1234" if step["raw"].startswith("37") else "123"
        elif option is not None:
            fields["paymentOptionId"] = self.option_id(option)
        csc = "raw" in step and step["csc"]
        return (lambda: self.model.process(customer, step["amount"], option, listed, subscription, csc),
                lambda: self.call("POST", self.path(customer, "transactions/~process"), "processing-request", fields))

    def listed(self, step, customer):
        invoices = [e for e in customer.books.entries if e.type == "RI"]
        found = []
        for number in step.get("listed", []) if invoices else []:
            entry = pick(invoices, number)
            if entry not in found:
                found.append(entry)
        return found

    def list_field(self, customer, listed):
        return ",".join(self.entry_id(customer, e) for e in listed) or None

    def play_refund(self, step, customer):
        payments = [e for e in customer.books.entries if e.type in ("AP", "AC")]
        source = pick(payments, step["source"])
        if source is None:
            return None
        whole = source.amount - (customer.books.paid_back_of(source) if step.get("left") else 0)
        amount = max(1, int(whole * step["part"]))
        fields = {"type": "AR", "amount": amount, "sourceId": self.entry_id(customer, source)}
        return (lambda: self.model.refund(customer, source, amount),
                lambda: self.call("POST", self.path(customer, "transactions/~process"), "processing-request", fields))

    def play_create(self, step, customer):
        listed, amount = self.listed(step, customer), step["amount"]
        due = self.model.today + DAY * step["due"] if "due" in step else None
        fields = {"type": step["type"], "amount": step["amount"], "accountType": step.get("means"),
                  "taxAmount": step.get("tax"), "dueDate": due and str(due),
                  "invoiceList": self.list_field(customer, listed)}
        subscription = pick(customer.subscriptions, step["subscription"]) if "subscription" in step else None
        if subscription is not None:
            fields["subscriptionId"] = self.subscriptions[customer][subscription.number]
        source = None
        if "source" in step:
            payments = [e for e in customer.books.entries if e.type in ("AP", "AC")]
            source = pick(payments, step["source"])
            if source is None:
                return None
            fields["sourceId"] = self.entry_id(customer, source)
        if "part" in step:
            amount = max(1, int((source.amount - customer.books.paid_back_of(source)) * step["part"]))
            fields["amount"] = amount
        return (lambda: self.model.create(customer, step["type"], amount, step.get("means"),
                                          step.get("tax", 0), due, listed, source, subscription),
                lambda: self.call("PUT", self.path(customer, "transactions"), "transaction", fields))

    def play_reverse(self, step, customer):
        source = pick([e for e in customer.books.entries if e.type in (step.get("kinds") or [e.type])], step["source"])
        if source is None:
            return None
        path = self.path(customer, "transactions", self.entry_id(customer, source), "~reverse")
        return lambda: self.model.reverse(customer, source), lambda: self.call("POST", path)

    def subscription_action(self, customer, subscription, action, fields):
        path = self.path(customer, "subscriptions", self.subscriptions[customer][subscription.number], "~" + action)
        return lambda: self.call("POST", path, action, fields)

    def play_cancel(self, step, customer):
        subscription = pick(customer.subscriptions, step["subscription"])
        if subscription is None:
            return None
        day = self.model.today + DAY * step["after"]
        act = self.model.cancel if step["kind"] == "cancel" else self.model.pause
        return (lambda: act(subscription, day),
                self.subscription_action(customer, subscription, step["kind"], {"effectiveDate": str(day)}))

    play_pause = play_cancel

    def play_freeze(self, step, customer):
        subscription = pick(customer.subscriptions, step["subscription"])
        if subscription is None:
            return None
        number = subscription.at
        while subscription.date(number) <= self.model.today:
            number += 1
        day = subscription.date(number + step["cycles"]) + DAY * step["off"]
        fields = {"effectiveDate": str(day), "length": step["length"]}
        return (lambda: self.model.freeze(subscription, day, step["length"]),
                self.subscription_action(customer, subscription, "freeze", fields))

    def play_resume(self, step, customer):
        subscription = pick(customer.subscriptions, step["subscription"])
        if subscription is None:
            return None
        return (lambda: self.model.resume(subscription),
                self.subscription_action(customer, subscription, "resume", {}))

    def play_active(self, step, customer):
        return (lambda: self.model.change_customer(customer, step["active"]),
                lambda: self.call("POST", self.path(customer), "customer", {"isActive": step["active"]}))

    def play_move(self, step, customer):
        subscription = pick(customer.subscriptions, step["subscription"])
        option = pick(customer.options, step["option"])
        if subscription is None or option is None:
            return None
        path = self.path(customer, "subscriptions", self.subscriptions[customer][subscription.number])
        return (lambda: self.model.change_subscription(customer, subscription, option),
                lambda: self.call("POST", path, "subscription", {"paymentOptionId": self.option_id(option)}))

    def play_option(self, step, customer):
        drawn = {name: step[name] for name in ("card", "bank", "default") if step.get(name) is not None}
        return (lambda: self.model.option(customer, **drawn),
                lambda: self.call("PUT", self.path(customer, "payment-options"), "payment-option",
                                  self.option_fields(drawn)))

    def play_switch(self, step, customer):
        option = pick(customer.options, step["option"])
        if option is None:
            return None
        fields = {"isActive": step.get("active"), "isDefault": step.get("default")}
        path = self.path(customer, "payment-options", self.option_id(option))
        return (lambda: self.model.change_option(customer, option, step.get("active"), step.get("default")),
                lambda: self.call("POST", path, "payment-option", fields))

    def play_delete(self, step, customer):
        option = pick(customer.options, step["option"])
        if option is None:
            return None
        path = self.path(customer, "payment-options", self.option_id(option))
        return lambda: self.model.delete_option(customer, option), lambda: self.call("DELETE", path)

    def play_subscription(self, step, customer):
        drawn = self.drawn_subscription(step)
        option = pick(customer.options, step["option"]) if step["option"] is not None else None
        fields = dict(self.subscription_fields(drawn), paymentOptionId=option and self.option_id(option))
        return (lambda: self.model.subscription(customer, option=option, **drawn),
                lambda: self.call("PUT", self.path(customer, "subscriptions"), "subscription", fields))

    def play_preview(self, step, customer):
        subscription = pick(customer.subscriptions, step["subscription"])
        if subscription is None:
            return None
        path = self.path(customer, "subscriptions", self.subscriptions[customer][subscription.number], "~preview")
        model = [(str(number), str(day), kind, str(amount))
                 for number, day, kind, amount in self.model.preview(subscription, 9)]
        rows = self.client.call("GET", path, None, {"count": 9}, accept=self.format())
        # Invoices made ahead of their date come first, as billed.
        product = [(c["cycleNumber"], c["billingDate"], c["type"], c.get("amount", "0"))
                   for c in rows if c["status"] != "billed"]
        if model[:9 - len(rows) + len(product)] != product:
            raise Differs("preview", f"subscription {subscription.number}: model {model}, product {product}")
        return None

    # Comparison

    def compare_all(self):
        for customer in self.model.customers:
            Comparison(self, customer).run()

    def compare_ledger(self):
        """GET /ledger by account against the model's postings."""
        from ledger import compare
        compare(self)


from compare import Comparison  # noqa: E402  (the two know each other)
