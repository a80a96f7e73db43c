"""What the REST interface shows of a customer, against the model, field by field."""


class Comparison:
    """One customer's state after a step."""

    def __init__(self, player, customer):
        self.player, self.customer, self.books = player, customer, customer.books

    def run(self):
        self.entries()
        self.allocations()
        self.standing()

    def differ(self, kind, words):
        from play import Differs
        raise Differs(kind, f"customer {self.customer.number}: {words}")

    def check(self, kind, name, model, product):
        for field, value in model.items():
            wanted = None if value is None else str(value)
            if wanted != product.get(field):
                self.differ(f"{kind}.{field}",
                            f"{name}: {field} is {wanted} in the model, {product.get(field)} in the product")

    def entries(self):
        player, customer = self.player, self.customer
        rows = player.client.find(player.path(customer, "transactions"), player.format())
        rows = self.paired(rows)
        player.entries[customer] = [row["id"] for row in rows]
        for entry, row in zip(self.books.entries, rows):
            if entry.type != row["type"] or str(entry.amount) != row["amount"]:
                break
        else:
            if len(rows) == len(self.books.entries):
                for entry, row in zip(self.books.entries, rows):
                    self.entry(entry, row)
                return
        model = [f"{e.type} {e.amount} {e.due}" for e in self.books.entries]
        product = [f"{r['type']} {r['amount']} {r['dueDate']}" for r in rows]
        same = next((n for n, (a, b) in enumerate(zip(model, product)) if a != b), min(len(model), len(product)))
        first = (model + ["nothing"])[same].split()[0] + "/" + (product + ["nothing"])[same].split()[0]
        self.differ(f"entries {first}",
                    f"from entry {same} on: model {model[same:]}, product {product[same:]}; "
                    f"before: {model[max(0, same - 6):same]}")

    def paired(self, rows):
        """The rows in the model's order, as far as that differs by the order of one day's fees alone: the declines of one
        pass get theirs in any order."""
        rows = list(rows)
        for place, (entry, row) in enumerate(zip(self.books.entries, rows)):
            later = place
            while later < len(rows) and rows[later]["type"] == "RF" and rows[later]["dueDate"] == row["dueDate"]:
                cause = rows[entry.source.number]["id"] if entry.source else None
                if entry.type == "RF" and (rows[later]["amount"], rows[later].get("sourceId")) == (
                        str(entry.amount), cause):
                    rows[place:later + 1] = [rows[later], *rows[place:later]]
                    break
                later += 1
        return rows

    def entry(self, entry, row):
        player, customer = self.player, self.customer
        info = row.get("processingInfo", {})
        ids = player.entries[customer]
        model = {
            "balance": self.books.left(entry), "taxAmount": entry.tax, "dueDate": entry.due, "status": entry.status,
            "sourceId": entry.source and ids[entry.source.number], "cycleNumber": entry.cycle,
            "subscriptionId": entry.sub and player.subscriptions[customer][entry.sub.number],
        }
        name = f"entry {entry.number} {entry.type} {entry.amount} due {entry.due}"
        self.check(entry.type, name, model, row)
        if entry.code:
            self.check(entry.type, name, {"responseCode": entry.code, "nextAttemptDate": entry.next}, info)

    def allocations(self):
        """Of every source whose allocations changed in the model or whose balance did."""
        player, customer = self.player, self.customer
        for entry in self.books.entries:
            model = [(a.source.number, a.target.number, a.amount, a.ended)
                     for a in self.books.allocations if a.source is entry]
            if player.seen.get(entry, []) == model:
                continue
            player.seen[entry] = model
            ids = player.entries[customer]
            path = player.path(customer, "transactions", ids[entry.number], "allocations")
            rows = player.client.find(path, player.format())
            product = [(ids.index(r["sourceId"]), ids.index(r["targetId"]), int(r["amount"]), "endDate" in r)
                       for r in rows if r["sourceId"] == ids[entry.number]]
            if sorted(model) != sorted(product):
                self.differ(f"allocations of {entry.type}",
                            f"entry {entry.number} {entry.type}: model {model}, product {product}")

    def standing(self):
        player, customer = self.player, self.customer
        row = player.call("GET", player.path(customer))
        self.check("customer", "it", {"balance": self.books.balance(), "status": customer.status}, row)
        options = {o["id"]: o for o in row.get("paymentOptions", [])}
        for number, option in enumerate(customer.options):
            shown = options.get(player.options[customer][number])
            if (shown is None) != option.deleted:
                self.differ("option", f"option {number} is deleted: {option.deleted}, shown: {shown}")
            if shown:
                model = {"isActive": "true" if option.active else "false",
                         "isDefault": "true" if option.default else "false"}
                self.check("option", f"option {number}", model, shown)
        rows = {s["id"]: s for s in row.get("subscriptions", [])}
        for subscription in customer.subscriptions:
            self.subscription(subscription, rows[player.subscriptions[customer][subscription.number]])

    def subscription(self, subscription, row):
        player, customer = self.player, self.customer
        fee = player.model.policy["freezeRecurringFee"] > 0
        # A write-off or an allowance brought no money.
        given_up = [a.target for a in self.books.live()
                    if a.source.type == "AA" or a.source.type == "AP" and a.source.means in ("L", "W")]
        paid = sum(1 for e in self.books.entries if e.sub is subscription and e.cycle and not e.freeze_fee
                   and e.status != "reversed" and self.books.left(e) == 0 and e not in given_up)
        model = {
            "status": subscription.status, "nextBillingDate": subscription.next_date(fee),
            "lastBillingDate": subscription.last, "billedCount": subscription.billed, "collectedCount": paid,
            "pendingAdjustmentType": subscription.pending,
            "paymentOptionId": subscription.option and player.option_id(subscription.option),
        }
        self.check("subscription", f"subscription {subscription.number}", model, row)
        seen = [(a.type, a.start, a.end, a.length) for a in subscription.adjustments]
        if player.seen.get(subscription, []) == seen:
            return
        player.seen[subscription] = seen
        path = player.path(customer, "subscriptions", row["id"], "adjustments")
        rows = player.client.find(path, player.format())
        if len(rows) != len(seen):
            self.differ("adjustments", f"model {seen}, product {rows}")
        for (kind, start, end, length), shown in zip(seen, rows):
            self.check("adjustment", f"adjustment {kind} from {start}",
                       {"type": kind, "effectiveDate": start, "endDate": end, "length": length}, shown)
