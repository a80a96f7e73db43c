"""Callers of the API that send at once, each over a kept connection of its own.

`clients.py fire`: reads {"requests": [{"method", "path", "body", "headers"}]}, sends all of them at the same moment in the order
given and prints the answers in that order.
`clients.py permute`: reads {"seed", "rounds", "sets"}; makes a customer for each trial, sends a set's requests to it in every order
one after the other, and then so many times at the same moment; prints for each set what became of them. "{before0}" stands for the number of what was made first, "={before0}" for it as a number.
`clients.py storm`: reads {"seed", "clients", "requests", "customers": [{"id", "subscription", "options"}]}; so many processes send so
many requests each, made up from the seed; prints one line for each with what was asked and what came.

All read "url", "user", "password" and "ca" from the same document on standard input. Standard library only.
"""

import base64
import http.client
import itertools
import json
import multiprocessing
import random
import ssl
import sys
import threading
import time
import urllib.parse

TIMEOUT = 60
# nginx closes a connection that was idle for 65 seconds.
IDLE = 30
# … and one that has not sent its first request after 10.
FIRST = 5


class Caller:
    """A kept connection to the API; one request at a time."""

    def __init__(self, access):
        url = urllib.parse.urlsplit(access["url"])
        self.base = url.path
        context = ssl.create_default_context(cafile=access["ca"])
        self.connection = http.client.HTTPSConnection(url.hostname, url.port, timeout=TIMEOUT, context=context)
        pair = f"{access['user']}:{access['password']}".encode()
        self.headers = {"Authorization": "Basic " + base64.b64encode(pair).decode()}
        self.connection.connect()
        self.used = time.monotonic() - IDLE + FIRST

    def ask(self, method, path, body=None, headers=None):
        """The status, the headers in small letters and the JSON of the answer."""
        sent = dict(self.headers, **(headers or {}))
        if body is not None:
            sent["Content-Type"] = "application/json"
            body = json.dumps(body).encode()
        if time.monotonic() - self.used > IDLE:
            self.connection.close()
        self.connection.request(method, self.base + path, body, sent)
        answer = self.connection.getresponse()
        text = answer.read()
        self.used = time.monotonic()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, names, json.loads(text) if text else None


def send(caller, request):
    status, headers, body = caller.ask(request["method"], request["path"], request.get("body"), request.get("headers"))
    return {"status": status, "replay": headers.get("idempotent-replay") == "true", "body": body}


def at_once(callers, requests):
    """The answers to requests that are sent at the same moment, in their order."""
    gate = threading.Barrier(len(requests))
    answers = [None] * len(requests)

    def turn(place):
        gate.wait()
        answers[place] = send(callers[place], requests[place])

    threads = [threading.Thread(target=turn, args=(place,)) for place in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def fire(task):
    """All requests at the same moment."""
    print(json.dumps(at_once([Caller(task) for _ in task["requests"]], task["requests"])))


class Trial:
    """A set of requests on a customer made for it, and what became of them, told by the requests' letters."""

    def __init__(self, callers, one):
        self.callers = callers
        self.names = {}
        answer = self.ask(one["customer"])
        self.names["customer"] = answer["id"]
        self.names["option"] = answer["paymentOptions"][0]["id"]
        if answer.get("subscriptions"):
            self.names["subscription"] = answer["subscriptions"][0]["id"]
        self.letters = {}
        for number, request in enumerate(one.get("before", [])):
            made = self.ask(request)
            self.names[f"before{number}"] = made["id"]
            self.letters[made["id"]] = f"before{number}"
        self.requests = [self.fill(request) for request in one["requests"]]

    def fill(self, request):
        text = json.dumps(request)
        for name, value in self.names.items():
            text = text.replace('"={' + name + '}"', str(value)).replace("{" + name + "}", str(value))
        return json.loads(text)

    def ask(self, request):
        answer = send(self.callers[0], self.fill(request))
        if answer["status"] >= 300:
            raise SystemExit(f"{request}: {answer}")
        return answer["body"]

    def in_order(self, order):
        answers = {place: send(self.callers[0], self.requests[place]) for place in order}
        return self.result(answers)

    def together(self, order):
        found = at_once(self.callers, [self.requests[place] for place in order])
        return self.result(dict(zip(order, found)))

    def result(self, answers):
        """Outcomes by letter, then the customer's account and subscription with letters in place of ids."""
        outcomes = []
        for place, answer in sorted(answers.items()):
            letter, body = "abcdefgh"[place], answer["body"]
            outcomes.append(f"{letter} {answer['status']} {body.get('failureCode', '')}".strip())
            if answer["status"] < 300 and "amount" in body and "type" in body:
                self.letters[body["id"]] = letter
        at = f"/customers/{self.names['customer']}"
        customer = self.ask({"method": "GET", "path": at})
        lines = [f"balance {customer['balance']}", f"city {customer.get('city')}"]
        for entry in self.ask({"method": "GET", "path": at + "/transactions?limit=1000"}):
            letter = self.letters.get(entry["id"], "run")
            lines.append(f"{letter} {entry['type']} {entry['amount']} {entry['status']} left {entry['balance']}")
            for part in self.ask({"method": "GET", "path": f"{at}/transactions/{entry['id']}/allocations"}):
                if part["sourceId"] == entry["id"] and "endDate" not in part:
                    lines.append(f"{letter} pays {part['amount']} of {self.letters.get(part['targetId'], 'run')}")
        for one in customer.get("subscriptions", []):
            kept = ["status", "nextBillingDate", "pendingAdjustmentType", "note"]
            lines.append("subscription " + " ".join(str(one.get(name)) for name in kept))
        return {"outcomes": outcomes, "lines": sorted(lines)}


def permute(task):
    """Sets of requests in every order one after the other, and so many times at the same moment."""
    shuffle = random.Random(task["seed"])
    callers = [Caller(task) for _ in range(8)]
    for one in task["sets"]:
        places = list(range(len(one["requests"])))
        orders = [Trial(callers, one).in_order(order) for order in itertools.permutations(places)]
        found = []
        for _ in range(task["rounds"]):
            shuffle.shuffle(places)
            result = Trial(callers, one).together(places)
            # Who came while an attempt was open did nothing: the result is that of the others in some order.
            open_ones = [place for place, outcome in enumerate(result["outcomes"]) if outcome.endswith(" V36")]
            others = [place for place in range(len(places)) if place not in open_ones]
            if open_ones:
                wanted = [Trial(callers, one).in_order(order)["lines"] for order in itertools.permutations(others)]
                result["isOfSomeOrder"] = result["lines"] in wanted
            else:
                result["isOfSomeOrder"] = result in orders
            found.append(result)
        distinct = [order for place, order in enumerate(orders) if order not in orders[:place]]
        print(json.dumps({"name": one["name"], "orders": len(orders), "distinct": distinct, "found": found}))


class Client:
    """One of many callers that change the same customers."""

    def __init__(self, number, task):
        self.number = number
        self.task = task
        self.random = random.Random(f"{task['seed']}/{number}")
        self.caller = Caller(task)
        # What this client was told of: (customer, type, id, amount).
        self.known = []
        self.lines = []
        self.tag = None

    def run(self):
        for turn in range(self.task["requests"]):
            self.tag = f"c{self.number}-{turn}"
            customer = self.random.choice(self.task["customers"])
            kinds = [self.pay] * 5 + [self.refund] * 4 + [self.reverse] * 4 + [self.record] * 4
            kinds += [self.adjust] * 3 + [self.change] * 3 + [self.look]
            self.random.choice(kinds)(customer)
        return self.lines

    def send(self, kind, customer, method, path, body=None, key=None):
        """Asks, notes what came, and now and then repeats the request under its key."""
        headers = {"Idempotency-Key": key} if key else None
        path = f"/customers/{customer['id']}{path}"
        status, _, answer = self.caller.ask(method, path, body, headers)
        line = {"kind": kind, "tag": self.tag, "customer": customer["id"], "status": status, "answer": answer}
        if key and status < 300:
            again, headers, repeated = self.caller.ask(method, path, body, headers)
            line["repeated"] = [again, headers.get("idempotent-replay"), (repeated or {}).get("id")]
        self.lines.append(line)
        if status in (200, 201, 202) and isinstance(answer, dict) and "type" in answer and "amount" in answer:
            self.known.append((customer["id"], answer["type"], answer["id"], answer["amount"]))
        return status, answer

    def key(self):
        return f"key-{self.task['seed']}-{self.tag}" if self.random.random() < 0.3 else None

    def pay(self, customer):
        body = {"amount": self.random.randint(500, 6999), "code": self.tag}
        if self.random.random() < 0.3:
            body["paymentOptionId"] = self.random.choice(customer["options"])
        self.send("process", customer, "POST", "/transactions/~process", body, self.key())

    def own(self, customer, *types):
        found = [each for each in self.known if each[0] == customer["id"] and each[1] in types]
        return self.random.choice(found) if found else None

    def refund(self, customer):
        payment = self.own(customer, "AP")
        if payment is None:
            return self.pay(customer)
        body = {"type": "AR", "sourceId": payment[2], "code": self.tag}
        body["amount"] = self.random.randint(1, payment[3] * 2 // 3 + 1)
        self.send("process", customer, "POST", "/transactions/~process", body, self.key())

    def reverse(self, customer):
        found = self.own(customer, "AP", "RI", "RF", "RC", "RL", "AR")
        if found is None:
            return self.record(customer)
        self.send("reverse", customer, "POST", f"/transactions/{found[2]}/~reverse", {"note": self.tag}, self.key())

    def record(self, customer):
        kind = self.random.choice(["RI", "RF", "RC", "AP", "AR"])
        body = {"type": kind, "amount": self.random.randint(100, 5000), "code": self.tag}
        if kind in ("AP", "AR"):
            body["accountType"] = self.random.choice(["K", "H"])
        self.send("create", customer, "PUT", "/transactions", body, self.key())

    def adjust(self, customer):
        path = f"/subscriptions/{customer['subscription']}"
        status, _, answer = self.caller.ask("GET", f"/customers/{customer['id']}{path}")
        kind = self.random.choice(["freeze", "pause", "resume", "resume", "cancel"])
        if kind == "cancel" and self.random.random() < 0.7:
            kind = "resume"
        body = {"note": self.tag}
        if kind == "freeze":
            body.update(effectiveDate=answer.get("nextBillingDate", "2027-03-01"), length=1)
        if kind == "cancel":
            body.update(effectiveDate="2027-03-20")
        self.send("adjust", customer, "POST", f"{path}/~{kind}", body)

    def change(self, customer):
        option = self.random.choice(customer["options"])
        if self.random.random() < 0.5:
            path, body = f"/payment-options/{option}", {"isDefault": True}
        else:
            path, body = f"/subscriptions/{customer['subscription']}", {"paymentOptionId": option, "note": self.tag}
        self.send("change", customer, "POST", path, body)

    def look(self, customer):
        self.send("look", customer, "GET", "/transactions?limit=20")


def work(number, task, results):
    try:
        results.put(Client(number, task).run())
    except Exception as error:  # Whatever it was, the lines of this client are missing: say why.
        results.put([{"kind": "failure", "tag": str(number), "customer": 0, "status": 0, "answer": repr(error)}])


def storm(task):
    """Many clients at once, each a process."""
    results = multiprocessing.Queue()
    clients = [multiprocessing.Process(target=work, args=(n, task, results)) for n in range(task["clients"])]
    for client in clients:
        client.start()
    for _ in clients:
        for line in results.get():
            print(json.dumps(line))
    for client in clients:
        client.join()


if __name__ == "__main__":
    {"fire": fire, "permute": permute, "storm": storm}[sys.argv[1]](json.load(sys.stdin))
