"""S6: the workers are replaced and counted up and down under load; no request fails.

Over HTTP/1.1 on kept connections: reads, writes, payments at the processor, and cancellations by GET, which nginx would
send again where a worker leaves it in doubt; and reads over HTTP/2 with curl beside it. Each request is sent once.
"""

import collections
import os
import random
import signal
import subprocess
import time

import soundness
from caller import Caller
from hammer import Hammering
from processes import clean_environment, wait_until
from report import Result
from stack import Stack

MIX = ["get", "get", "put", "put", "pay", "cancel"]
# What a full run is to reach, however few its minutes: for so many seconds at most.
WANTED, PATIENCE = (20, 100_000), 1200
CARD = [{"accountNumber": "4111111111111111", "accountAccessory": "1239", "holderName": "Ann Lee"}]


class Http2:
    """Curl over HTTP/2: many reads on one connection, again and again; counts what is not 200."""

    def __init__(self, merchant, customer):
        stack, self.folder = merchant.stack, f"{merchant.stack.folder}/curl"
        # Below the stack's folder, so that it ends with the stack at the latest.
        os.mkdir(self.folder)
        with open(f"{self.folder}/conf", "w", encoding="utf-8") as file:
            file.write(f'user = "{merchant.user}:{merchant.password}"\ncacert = "{stack.authority}"\n')
        script = f"""
            while [ -e "$1/conf" ]; do
                curl -s -m 30 --noproxy '*' --http2 -Z --parallel-max 4 --no-progress-meter -K "$1/conf" -o /dev/null \\
                    -w '%{{http_code}} %{{http_version}} %{{errormsg}}\\n' \\
                    "https://localhost:{stack.port}/api/v01/customers/{customer}#[1-50]" >>"$1/codes" 2>/dev/null
            done"""
        self.process = subprocess.Popen(["sh", "-c", script, "sh", self.folder], env=clean_environment(),
                                        stdin=subprocess.DEVNULL, cwd=self.folder)

    def end(self):
        """How many requests were sent, and what was not answered with 200 over HTTP/2."""
        os.unlink(f"{self.folder}/conf")
        self.process.wait()
        with open(f"{self.folder}/codes", encoding="utf-8") as file:
            lines = file.read().splitlines()
        return len(lines), [line for line in lines if not line.startswith("200 2")]


class Answered:
    """How many requests nginx has answered, by its log."""

    def __init__(self, stack):
        self.path, self.place, self.number = f"{stack.folder}/log/access", 0, 0

    def count(self):
        """Reads what was added."""
        with open(self.path, "rb") as file:
            file.seek(self.place)
            added = file.read()
        self.place += len(added)
        self.number += added.count(b"\n")
        return self.number


class Storm:
    """The load, the reloads, and what is looked at afterwards."""

    def __init__(self, stack, seed, short):
        self.stack, self.short = stack, short
        self.merchant = stack.merchant()
        caller = Caller(self.merchant)
        hammers = 1 if short else 2
        self.customers = [self.make(caller, f"r{number}", {}) for number in range(10)]
        payers = [self.make(caller, f"p{number}", {"paymentOptions": CARD}) for number in range(20 * hammers)]
        self.streams = Http2(self.merchant, self.customers[0])
        self.hammers = [Hammering(
            self.merchant, connections=3, mix=MIX, customers=self.customers, payers=payers[number::hammers],
            seed=f"{seed}-{number}") for number in range(hammers)]
        self.customers += payers
        self.answered = Answered(stack)
        self.began = time.monotonic()

    @staticmethod
    def make(caller, tag, more):
        """A customer; its id."""
        return caller.change("create", "PUT", "/customers", dict(
            {"firstName": "Ann", "lastName": "Lee", "code": tag}, **more), tag).id

    def reload(self, result, workers):
        """One worker more, one less, then all others; the seconds until the last of the old ones was gone."""
        for number, change in ((signal.SIGTTIN, 1), (signal.SIGTTOU, 0)):
            self.stack.serve.tell(number)
            wait_until(lambda: len(self.stack.workers()) == workers + change, 60, "the number of workers")
            result.inject(signal.Signals(number).name[3:], 1)
        start = time.monotonic()
        self.stack.reload(workers)
        result.inject("HUP", 1)
        return time.monotonic() - start

    def end(self, result):
        """Ends the load: all answers were good ones; how many there were."""
        answers = [one.end() for one in self.hammers]
        reads, odd = self.streams.end()
        did, failed = (sum((collections.Counter(one[name]) for one in answers), collections.Counter())
                       for name in ("did", "failed"))
        sent = sum(one["sent"] for one in answers)
        result.inject("requests over HTTP/1.1", sent)
        result.inject("payments among them", did["pay"])
        result.inject("cancellations by GET among them", did["cancel"])
        result.inject("requests over HTTP/2", reads)
        result.tell("slowest answer ms", max(one["latencies"]["ok"][2] for one in answers))
        if failed:
            result.verdict.lost.append(f"requests over HTTP/1.1 failed: {dict(failed)} of {sent}")
        if odd:
            result.verdict.lost.append(f"requests over HTTP/2 failed: {len(odd)} of {reads}: {odd[:3]}")
        for kind in ("get", "put", "pay", "cancel"):
            if not did[kind]:
                result.verdict.broken.append(f"no {kind} was sent")
        self.compare(result, did, failed)
        return reads + sent

    def compare(self, result, did, failed):
        """What was acknowledged is there, and no more than that and what failed."""
        made = did["put"] + did["sub"] + len(self.customers)
        for what, acknowledged, kinds, table in (
                ("customers", made, ("put", "sub"), "customers where true"),
                ("payments", did["pay"], ("pay",), "transactions where type = 'AP'"),
                ("cancellations", did["cancel"], ("cancel",), "subscription_adjustments where true")):
            there = int(self.stack.sql(f"""select count(*) from billing.{table}
                                            and account_id = {self.merchant.account}""")[0][0])
            doubtful = sum(number for name, number in failed.items() if name.split()[0] in kinds)
            if there < acknowledged:
                result.verdict.lost.append(f"{acknowledged} {what} were acknowledged, and {there} are there")
            if there > acknowledged + doubtful:
                result.verdict.double.append(
                    f"{acknowledged} {what} were acknowledged, {doubtful} not answered, and {there} are there")


def reloads(seed, seconds, short):
    """S6."""
    result = Result("S6", "HUP, TTIN and TTOU under load", seed)
    wanted_reloads, wanted_requests = (2, 2000) if short else WANTED
    chosen = random.Random(f"{seed}/reload")
    # A worker that leaves is free when nginx closes its connections: after 10 s at the latest, sooner here when short.
    with Stack(workers=2, jobs=1, web={"keepalive_time 10s;": "keepalive_time 1s;"} if short else None) as stack:
        storm = Storm(stack, seed, short)
        workers = len(stack.workers())
        assert workers == 4
        patience = 20 if short else max(seconds, PATIENCE)
        done, slowest = 0, 0.0
        while done < wanted_reloads and (short or time.monotonic() - storm.began < patience):
            slowest = max(slowest, storm.reload(result, workers))
            done += 1
            if not short:
                time.sleep(chosen.uniform(0, 1))
        # The rest of the requests, without a disturbance.
        while storm.answered.count() < wanted_requests and time.monotonic() - storm.began < patience:
            time.sleep(0.2 if short else 1)
        total = storm.end(result)
        result.tell("slowest reload s", round(slowest, 1))
        if not short and (done < wanted_reloads or total < wanted_requests):
            result.verdict.broken.append(f"{done} reloads and {total} requests within {patience:.0f} s, not"
                                         f" {wanted_reloads} and {wanted_requests}")
        result.take(soundness.check(stack, []))
    return result


TESTS = [("S6", reloads, 4, 8)]
