"""Mixed load on a merchant account: callers that each change what they know of, and a clock that moves meanwhile."""

import datetime
import random
import threading
import time

from caller import FORMATS, Caller, Journal, NoAnswer

# Test cards of the contract: approved; declined twice, then approved; the answer is lost; charged back a day later.
CARDS = ["4111111111111111", "5499740000000057", "6011000991001201", "371449635392376"] * 3 + [
    "4000000000009995", "4000000000000119", "4000000000000259"]
BANK = {"type": "BC", "accountNumber": "4099999992", "accountAccessory": "021000021"}
# Refusals that callers may get who change the same things at once.
ALLOWED = {"V21", "V29", "V30", "V32", "V33", "V34", "V36"}


class Customer:
    """What callers know of a customer."""

    def __init__(self, number, options, subscriptions):
        self.id, self.options, self.subscriptions = number, options, subscriptions


class Load:
    """Callers on one merchant account, started together and stopped together."""

    def __init__(self, merchant, seed, callers=4, start="2027-01-04", pause=0.0):
        self.merchant, self.seed, self.pause = merchant, seed, pause
        self.journal = Journal()
        self.customers = []
        self.today = datetime.date.fromisoformat(start)
        self.moves = 0
        self.reads = 0
        self.errors = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.guarded, args=(Actor(self, n).run,), daemon=True)
                        for n in range(callers)]
        self.mover = threading.Thread(target=self.guarded, args=(self.move,), daemon=True)

    def guarded(self, body):
        """Runs a thread's work; whatever ends it is noted."""
        try:
            body()
        except NoAnswer as error:
            self.errors.append(f"no answer: {error}")
        except Exception as error:  # The test reports it as broken: nothing may end a caller.
            self.errors.append(f"{type(error).__name__}: {error}")

    def begin(self, customers=8, moving=True):
        """Makes the first customers and starts everybody."""
        first = Actor(self, "first")
        for _ in range(customers):
            first.tag = f"first-{len(self.customers)}"
            first.create()
        if moving:
            self.mover.start()
        for thread in self.threads:
            thread.start()

    def end(self, nudge, seconds=180):
        """Lets everybody finish what is in hand; `nudge` is called meanwhile."""
        self.stopping.set()
        end = time.monotonic() + seconds
        for thread in [*self.threads, self.mover]:
            while thread.ident is not None and thread.is_alive():
                if time.monotonic() > end:
                    self.errors.append("a caller does not come to an end")
                    break
                nudge()
                thread.join(0.2)

    def move(self):
        """Moves the clock a day at a time: by ~advance, or by SQL, which leaves the day to the jobs processes."""
        caller = Caller(self.merchant, self.journal, patience=300, timeout=120)
        chosen = random.Random(f"{self.seed}/clock")
        while not self.stopping.is_set():
            day = self.today + datetime.timedelta(days=1)
            if chosen.random() < 0.5:
                line = caller.advance(str(day))
                if not line.ok and line.code != "V21":
                    self.errors.append(f"the clock does not move: {line}")
            else:
                try:
                    self.merchant.stack.sql(
                        f"update billing.merchant_accounts set clock_at = '{day} 00:00Z'"
                        f" where account_id = {self.merchant.account} and clock_at < '{day} 00:00Z'")
                except RuntimeError:
                    # The server is away: the day comes later.
                    self.stopping.wait(0.2)
                    continue
            self.today = day
            self.moves += 1
            self.stopping.wait(0.5)


class Actor:
    """One caller: it draws what to do, and does it until it is answered."""

    def __init__(self, load, number):
        self.load, self.number = load, number
        self.random = random.Random(f"{load.seed}/{number}")
        self.caller = Caller(load.merchant, load.journal, patience=180)
        # What this caller was told of: (customer, type, id, amount).
        self.known = []
        self.tag = None

    def run(self):
        """Acts until the load ends."""
        kinds = ([self.pay] * 6 + [self.refund] * 3 + [self.reverse] * 3 + [self.record] * 4 + [self.adjust] * 4
                 + [self.change] * 2 + [self.create] * 2 + [self.look] * 4)
        turn = 0
        while not self.load.stopping.is_set():
            turn += 1
            self.tag = f"c{self.number}-{turn}"
            self.random.choice(kinds)()
            if self.load.pause:
                time.sleep(self.load.pause)

    def send(self, kind, method, path, fields):
        """One change in formats drawn; the line."""
        line = self.caller.change(kind, method, path, fields, f"key-{self.tag}", self.tag, None,
                                  self.random.choice(FORMATS), self.random.choice(FORMATS))
        if not line.ok and line.code not in ALLOWED:
            self.load.errors.append(f"refused: {line}")
        if line.ok and kind in ("pay", "refund", "record", "reverse"):
            self.known.append((line.customer, line.answer["type"], line.id, int(line.answer["amount"])))
        return line

    def customer(self):
        """One of the latest hundred."""
        return self.random.choice(self.load.customers[-100:])

    def create(self):
        """A customer with an option or two and a subscription or two."""
        options = [dict(accountNumber=self.random.choice(CARDS), accountAccessory="1239", holderName="Ann Lee")]
        if self.random.random() < 0.3:
            options.append(dict(BANK, holderName="Ann Lee", isDefault=self.random.random() < 0.5))
        subscriptions = []
        for _ in range(self.random.choice([1, 1, 2])):
            first = self.load.today + datetime.timedelta(days=self.random.randint(3, 12))
            amount = self.random.choice([self.random.randint(500, 6999)] * 4 + [8200, 15500])
            cycle = self.random.choice("WWM")
            subscriptions.append(dict(billingCycleType=cycle, amount=amount, firstBillingDate=str(first)))
        line = self.send("create", "PUT", "/customers", {
            "firstName": "Ann", "lastName": "Lee", "code": self.tag, "paymentOptions": options,
            "subscriptions": subscriptions})
        if line.ok:
            ids = [[int(one["id"]) for one in line.answer[name]] for name in ("paymentOptions", "subscriptions")]
            self.load.customers.append(Customer(line.id, *ids))

    def pay(self):
        """A payment on account or by an option."""
        customer = self.customer()
        fields = {"amount": self.random.randint(500, 6999), "code": self.tag}
        if self.random.random() < 0.3:
            fields["paymentOptionId"] = self.random.choice(customer.options)
        self.send("pay", "POST", f"/customers/{customer.id}/transactions/~process", fields)

    def own(self, *types):
        """One of those that this caller was told of."""
        found = [each for each in self.known[-60:] if each[1] in types]
        return self.random.choice(found) if found else None

    def refund(self):
        """Part of a payment goes back."""
        payment = self.own("AP", "AC")
        if payment is None:
            return self.pay()
        fields = {"type": "AR", "sourceId": payment[2], "code": self.tag,
                  "amount": self.random.randint(1, payment[3] * 2 // 3 + 1)}
        return self.send("refund", "POST", f"/customers/{payment[0]}/transactions/~process", fields)

    def reverse(self):
        """Something is undone: voided, refunded or reversed."""
        found = self.own("AP", "AC", "RI", "RF", "RC", "AR")
        if found is None:
            return self.record()
        path = f"/customers/{found[0]}/transactions/{found[2]}/~reverse"
        return self.send("reverse", "POST", path, {"note": self.tag})

    def record(self):
        """An invoice, a fee, a credit or cash by hand."""
        kind = self.random.choice(["RI", "RF", "RC", "AP", "AP"])
        fields = {"type": kind, "amount": self.random.randint(100, 5000), "code": self.tag}
        if kind == "AP":
            fields["accountType"] = self.random.choice(["K", "H"])
        self.send("record", "PUT", f"/customers/{self.customer().id}/transactions", fields)

    def adjust(self):
        """A subscription is frozen, paused, resumed, now and then cancelled."""
        customer = self.customer()
        path = f"/customers/{customer.id}/subscriptions/{self.random.choice(customer.subscriptions)}"
        kind = self.random.choice(["freeze", "pause", "resume", "resume", "resume", "cancel"])
        fields = {"note": self.tag}
        if kind == "freeze":
            answer = self.caller.read(path)
            if "nextBillingDate" not in answer:
                kind = "resume"
            else:
                fields.update(effectiveDate=answer["nextBillingDate"], length=self.random.randint(1, 2))
        if kind == "cancel":
            fields.update(effectiveDate=str(self.load.today + datetime.timedelta(days=self.random.randint(0, 20))))
        self.send(kind, "POST", f"{path}/~{kind}", fields)

    def change(self):
        """Another default option, another option for a subscription, another city."""
        customer = self.customer()
        option = self.random.choice(customer.options)
        path, fields = self.random.choice([
            (f"/payment-options/{option}", {"isDefault": True}),
            (f"/subscriptions/{self.random.choice(customer.subscriptions)}", {"paymentOptionId": option}),
            ("", {"city": f"City {self.random.randint(1, 99)}"})])
        self.send("change", "POST", f"/customers/{customer.id}{path}", fields)

    def look(self):
        """A read in a format drawn."""
        customer = self.customer()
        path = self.random.choice(["", "/transactions", "/subscriptions"])
        self.caller.read(f"/customers/{customer.id}{path}", accept=self.random.choice(FORMATS))
        self.load.reads += 1
