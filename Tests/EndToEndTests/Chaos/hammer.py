"""Many kept connections to nginx from one process: as fast as answers come (closed loop), or at set times (open loop).

Reads a task as JSON on standard input, {"port", "authority", "user", "password", "connections", "seconds", "rate",
"requests", "mix", "seed", "customers", "payers"}, and prints what became of it as JSON. `rate` 0 is the closed loop;
else so many requests a second are sent at their times, whether answers come or not. Each request is sent once: what is
not answered with 2xx is reported, never repeated. A closed loop ends after `seconds`, after `requests`, or when
standard input ends.

The mix is of get (a customer), put (a customer), big (one with five subscriptions), pay (by a payer who has no other
payment under way) and cancel (a GET that cancels a subscription, without an Idempotency-Key; each is made by a sub, a
customer with one subscription).
"""

import asyncio
import base64
import collections
import json
import os
import random
import ssl
import subprocess
import sys
import threading
import time

# nginx closes a connection that was idle for 65 seconds.
IDLE = 30
# A write that costs something.
BIG = [{"billingCycleType": "M", "amount": 1000 + n, "firstBillingDate": "2027-06-01"} for n in range(5)]


class Connection:
    """One kept connection; one request at a time."""

    def __init__(self, task, context):
        self.task, self.context = task, context
        self.reader = self.writer = None
        self.used = time.monotonic()
        pair = f"{task['user']}:{task['password']}".encode()
        self.login = base64.b64encode(pair).decode()

    async def open(self):
        """Connects."""
        self.reader, self.writer = await asyncio.open_connection(
            "127.0.0.1", self.task["port"], ssl=self.context, server_hostname="localhost")

    async def ask(self, method, path, body, key):
        """Sends a request once; its status."""
        if time.monotonic() - self.used > IDLE:
            self.close()
        if self.writer is None:
            await self.open()
        self.used = time.monotonic()
        lines = [f"{method} /api/v01{path} HTTP/1.1", "Host: localhost", f"Authorization: Basic {self.login}",
                 "Accept: application/json"]
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        if key:
            lines.append(f"Idempotency-Key: {key}")
        try:
            self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b""))
            return await self.answer()
        except BaseException:
            self.close()
            raise

    async def answer(self):
        """Reads an answer to its end; its status."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        names = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
        if "content-length" in names:
            await self.reader.readexactly(int(names["content-length"]))
        elif names.get("transfer-encoding") == "chunked":
            while True:
                size = int(await self.reader.readline(), 16)
                await self.reader.readexactly(size + 2)
                if size == 0:
                    break
        if names.get("connection") == "close":
            self.close()
        return int(head[0].split(" ")[1])

    def close(self):
        """Ends the connection; the next request opens another."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None


class Hammer:
    """The whole task."""

    def __init__(self, task):
        self.task = task
        self.random = random.Random(str(task.get("seed", 1)))
        self.context = ssl.create_default_context(cafile=task["authority"])
        self.outcomes = collections.Counter()
        self.latencies = collections.defaultdict(list)
        self.done = collections.Counter()
        self.customers = list(task.get("customers", []))
        # Who is paying nothing at present; the tags of customers whose subscription can be cancelled.
        self.payers = collections.deque(task.get("payers", []))
        self.cancellable = collections.deque()
        # Acknowledged and failed requests by kind.
        self.did, self.failed = collections.Counter(), collections.Counter()
        self.sent, self.most_waiting, self.late = 0, 0, 0.0
        self.stopping, self.offered = False, 0.0

    def draw(self):
        """The next request of the mix: its kind, whom or what it is for, and what is sent."""
        self.sent += 1
        kind = self.random.choice(self.task["mix"])
        tag = f"h{self.task.get('seed', 1)}-{self.sent}"
        if kind == "pay" and not self.payers or kind == "cancel" and not self.cancellable:
            kind = "sub"
        if kind == "get":
            return kind, None, ("GET", f"/customers/{self.random.choice(self.customers)}", None, None)
        if kind == "cancel":
            one = self.cancellable.popleft()
            return kind, one, (
                "GET", f"/customers/*{one}/subscriptions/*{one}/~cancel?effectiveDate=2027-01-01", None, None)
        fields = {"amount": 700 + self.sent % 100, "code": tag}
        if kind == "pay":
            one = self.payers.popleft()
            return kind, one, (
                "POST", f"/customers/{one}/transactions/~process", json.dumps(fields).encode(), tag)
        fields = {"firstName": "Ann", "lastName": "Lee", "code": tag}
        if kind == "big":
            fields["subscriptions"] = BIG
        if kind == "sub":
            fields["subscriptions"] = [dict(BIG[0], code=tag)]
        return kind, tag, ("PUT", "/customers", json.dumps(fields).encode(), tag)

    async def one(self, connection):
        """One request and what became of it."""
        began = time.monotonic()
        kind, whom, request = self.draw()
        try:
            status = await asyncio.wait_for(connection.ask(*request), 60)
        except (OSError, EOFError, asyncio.TimeoutError, ValueError) as error:
            status = type(error).__name__
        ended = time.monotonic()
        name = "ok" if isinstance(status, int) and status < 300 else str(status)
        self.outcomes[name] += 1
        self.latencies[name].append(ended - began)
        if name == "ok":
            self.did[kind] += 1
            self.done[int(ended - self.began)] += 1
        else:
            self.failed[f"{kind} {name}"] += 1
        if kind == "pay":
            self.payers.append(whom)
        if kind == "sub" and name == "ok":
            self.cancellable.append(whom)

    async def closed(self, connection):
        """Requests one after the other."""
        end = self.began + self.task["seconds"]
        while not self.stopping and time.monotonic() < end and self.sent < self.task.get("requests", 10**12):
            await self.one(connection)

    async def scheduled(self, free):
        """Requests at their times, each on a connection that is free."""
        busy = set()
        total = int(self.task["rate"] * self.task["seconds"])
        for number in range(total):
            due = self.began + number / self.task["rate"]
            wait = due - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            else:
                self.late = max(self.late, -wait)
                # Answers are read even when sending is behind.
                await asyncio.sleep(0)
            connection = free.popleft() if free else Connection(self.task, self.context)
            job = asyncio.create_task(self.one(connection))
            busy.add(job)
            job.add_done_callback(lambda job, connection=connection: (busy.discard(job), free.append(connection)))
            self.most_waiting = max(self.most_waiting, len(busy))
        self.offered = time.monotonic() - self.began
        print("offered", file=sys.stderr, flush=True)
        while busy:
            await asyncio.wait(set(busy))

    async def run(self):
        """Opens all connections, then works, then tells."""
        connections = [Connection(self.task, self.context) for _ in range(self.task["connections"])]
        for start in range(0, len(connections), 20):
            await asyncio.gather(*(one.open() for one in connections[start:start + 20]))
        print("ready", file=sys.stderr, flush=True)
        threading.Thread(target=self.listen, daemon=True).start()
        self.began = time.monotonic()
        if self.task["rate"]:
            await self.scheduled(collections.deque(connections))
        else:
            await asyncio.gather(*(self.closed(one) for one in connections))
        seconds = time.monotonic() - self.began
        return {
            "sent": self.sent, "made": sum(self.did[kind] for kind in ("put", "big", "sub")), "seconds": seconds,
            "did": dict(self.did), "failed": dict(self.failed),
            "outcomes": dict(self.outcomes), "perSecond": dict(self.done),
            "latencies": {name: percentiles(values) for name, values in self.latencies.items()},
            "offeredSeconds": self.offered, "mostWaiting": self.most_waiting, "late": self.late,
        }

    def listen(self):
        """The end of standard input ends a closed loop."""
        sys.stdin.read()
        self.stopping = True


def percentiles(values):
    """Median, 99 % and most, in milliseconds."""
    values = sorted(values)
    return [round(1000 * values[min(len(values) - 1, int(len(values) * part))], 1) for part in (0.5, 0.99, 1)]


class Hammering:
    """A hammer in a process of its own, seen from the test."""

    def __init__(self, merchant, **task):
        stack = merchant.stack
        self.process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, cwd=stack.folder)
        given = {"rate": 0, "seconds": 3600, "connections": 4, "mix": ["put"], **task, "port": stack.port,
                 "authority": stack.authority, "user": merchant.user, "password": merchant.password}
        self.process.stdin.write(json.dumps(given) + "\n")
        self.process.stdin.flush()
        if self.process.stderr.readline().strip() != "ready":
            raise RuntimeError("the hammer does not begin: " + self.process.stderr.read()[-500:])

    def await_offered(self):
        """Waits until an open loop has sent its last request."""
        self.process.stderr.readline()

    def end(self):
        """Ends a closed loop; the figures."""
        self.process.stdin.close()
        return self.result()

    def result(self):
        """Waits for the end; the figures."""
        text = self.process.stdout.read()
        errors = self.process.stderr.read()
        if self.process.wait():
            raise RuntimeError("the hammer failed: " + errors[-500:])
        return json.loads(text)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(Hammer(json.loads(sys.stdin.readline())).run())))
