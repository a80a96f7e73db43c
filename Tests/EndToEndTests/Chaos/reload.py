"""S6: the workers are replaced and counted up and down under load; no request fails.

Over HTTP/1.1 on kept connections, reading and writing; and over HTTP/2 with curl beside it. Each request is sent once.
"""

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


def reloads(seed, seconds, short):
    """S6."""
    result = Result("S6", "HUP, TTIN and TTOU under load", seed)
    wanted_reloads, wanted_requests = (2, 2000) if short else (20, 100_000)
    chosen = random.Random(f"{seed}/reload")
    # A worker that leaves is free when nginx closes its connections: after 10 s at the latest, sooner here when short.
    with Stack(workers=2, jobs=1, web={"keepalive_time 10s;": "keepalive_time 1s;"} if short else None) as stack:
        merchant = stack.merchant()
        caller = Caller(merchant)
        customers = [caller.change("create", "PUT", "/customers", {
            "firstName": "Ann", "lastName": "Lee", "code": f"r{n}"}, f"r{n}").id for n in range(10)]
        streams = Http2(merchant, customers[0])
        hammers = [Hammering(merchant, connections=3, mix=["get", "put"], customers=customers, seed=f"{seed}-{number}")
                   for number in range(1 if short else 2)]
        began = time.monotonic()
        wanted = len(stack.workers())
        done, slowest = 0, 0.0
        assert wanted == 4
        while done < wanted_reloads and (time.monotonic() - began < seconds or short):
            # One more, one less, then all others.
            for number, change in ((signal.SIGTTIN, 1), (signal.SIGTTOU, 0)):
                stack.serve.tell(number)
                wait_until(lambda: len(stack.workers()) == wanted + change, 60, "the number of workers")
                result.inject(signal.Signals(number).name[3:], 1)
            start = time.monotonic()
            stack.reload(wanted)
            slowest = max(slowest, time.monotonic() - start)
            done += 1
            if not short:
                time.sleep(chosen.uniform(0, 1))
        result.inject("HUP", done)
        # The rest of the requests, without a disturbance.
        sent = 0
        while sent < wanted_requests and time.monotonic() - began < max(seconds, 20):
            sent = int(stack.sql(f"""select count(*) from billing.idempotency_keys
                                      where user_name = '{merchant.user}'""")[0][0]) * 2
            time.sleep(0.2)
        answers = [one.end() for one in hammers]
        reads, odd = streams.end()
        result.inject("requests over HTTP/1.1", sum(one["sent"] for one in answers))
        result.inject("requests over HTTP/2", reads)
        for one in answers:
            failed = {name: number for name, number in one["outcomes"].items() if name != "ok"}
            if failed:
                result.verdict.lost.append(f"requests over HTTP/1.1 failed: {failed} of {one['sent']}")
            result.tell("slowest answer ms", max(result.told.get("slowest answer ms", 0), one["latencies"]["ok"][2])
                        - result.told.get("slowest answer ms", 0))
        if odd:
            result.verdict.lost.append(f"requests over HTTP/2 failed: {len(odd)} of {reads}: {odd[:3]}")
        result.tell("slowest reload s", round(slowest, 1))
        total = reads + sum(one["sent"] for one in answers)
        if not short and (done < wanted_reloads or total < wanted_requests):
            result.tell("note", f"too little time for {wanted_reloads} reloads and {wanted_requests} requests")
        count = int(stack.sql(f"select count(*) from billing.customers where account_id = {merchant.account}")[0][0])
        made = sum(one["made"] for one in answers) + len(customers)
        if count != made:
            result.verdict.double.append(f"{made} customers were acknowledged, and {count} are there")
        result.take(soundness.check(stack, []))
    return result


TESTS = [("S6", reloads, 4, 8)]
