"""The product set up to be measured: durable, sandbox in the same server, a plain listener beside the one with TLS.

`field()` gives the one that all rows of this process share: a stack of the crash tests (Tests/EndToEndTests/Chaos) in a
folder of its own, which ends with this process, however that ends.
"""

import atexit
import base64
import json
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROJECT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, f"{PROJECT}/Tests/EndToEndTests/Chaos")

import recorder  # noqa: E402
from processes import Component, wait_until  # noqa: E402
from proxy import Proxies  # noqa: E402
from stack import Stack, free_port  # noqa: E402

CARD = "4111111111111111"
CONNECTIONS = 8
# What a bench has beside the settings of Scripts/stack.d/postgres.bash.
LARGER = {"shared_buffers": "1GB", "max_wal_size": "8GB"}
SHARED = []


def recommended():
    """The settings of the development stack's server that bear on speed, and ours in their place."""
    with open(f"{PROJECT}/Scripts/stack.d/postgres.bash", encoding="utf-8") as file:
        text = file.read()
    found = dict(re.findall(r"^([a-z_]+) = '?([A-Za-z0-9.]+)'?$", text, re.MULTILINE))
    chosen = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "effective_cache_size", "work_mem",
              "maintenance_work_mem", "wal_compression", "max_wal_size", "checkpoint_timeout", "random_page_cost", "jit")
    return {**{name: found[name] for name in chosen if name in found}, **LARGER}


def field(quick=False):
    """The field of this process, made with the first call."""
    if not SHARED:
        SHARED.append(Field(2_000 if quick else 20_000))
        atexit.register(close)
    return SHARED[0]


def close():
    """Ends the shared field, if there is one."""
    while SHARED:
        SHARED.pop().end()


class Field:
    """The stack, one merchant account with customers who have a card each, and the statements of three requests."""

    def __init__(self, customers):
        self.cores = os.cpu_count() or 1
        self.workers = 2 * self.cores
        self.plain_port = free_port()
        self.stack = Stack(workers=self.workers, jobs=1, start=False, connections=200, prefix="billing-bench-")
        self.folder = self.stack.folder
        self.extra = []
        try:
            self.prepare(customers)
        except BaseException:
            self.stack.show_logs()
            self.end()
            raise

    def prepare(self, customers):
        """All of it."""
        stack = self.stack
        stack.prepare()
        stack.processor.stop()
        self.tune()
        # The processor's book is a schema in the same database, made by the owner of that.
        stack.processor_url = f"{stack.books_url} user=billing_owner"
        stack.configure()
        stack.billing("migrate")
        stack.processor_url = stack.books_url
        stack.put("nginx.conf", self.web())
        self.record()
        stack.start()
        # There is nothing to bill here: no process looks for it meanwhile.
        stack.jobs[0].end()
        self.load(customers)

    def end(self):
        """Ends everything and removes the folder."""
        for one in self.extra:
            one.end()
        self.stack.end()

    def tune(self):
        """The settings of the server, and a start with them."""
        books = self.stack.books
        books.sql("".join(f"alter system set {name} = '{value}';\n" for name, value in recommended().items()),
                  "postgres")
        books.stop()
        books.start()

    def web(self):
        """The product's nginx configuration with a plain listener, and below /bench/ what it is compared with."""
        text = self.stack.nginx_configuration()
        listen = f"listen 127.0.0.1:{self.stack.port} ssl http2;"
        assert listen in text
        text = text.replace(listen, f"{listen} listen 127.0.0.1:{self.plain_port};")
        state = f"{self.folder}/state"
        upstreams = "".join(
            f"    upstream bench_{name} {{ server unix:{state}/{name}.sock max_fails=0; keepalive 32;"
            " keepalive_timeout 5s; keepalive_time 10s; keepalive_requests 100000; }\n" for name in ("c", "php"))
        places = f"""
        location = /bench/nothing {{ default_type text/plain; return 200 "ok"; }}
        location /bench/c/ {{ fastcgi_pass bench_c; }}
        location /bench/php/ {{
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param REQUEST_URI $request_uri;
            fastcgi_param SCRIPT_FILENAME {state}/load.php;
            fastcgi_pass bench_php;
        }}
"""
        for mark, more in (("    upstream billing {\n", upstreams), ("        location = /healthz {\n", places)):
            assert mark in text, f"deploy/nginx.conf has no {mark}"
            text = text.replace(mark, more + mark)
        return text

    def record(self):
        """Lets a proxy read what the program asks the database for each request."""
        stack = self.stack
        folder = f"{self.folder}/proxy"
        os.mkdir(folder)
        stack.own(folder, 0o755)
        direct, wanted = stack.books_url, stack.workers_wanted
        proxies = Proxies({"books": (folder, f"{stack.books.folder}/.s.PGSQL.5432")})
        try:
            director = proxies.direct(recorder.Recording())
            stack.workers_wanted = 1
            stack.books_url = stack.processor_url = f"host={folder} dbname={stack.books.database}"
            stack.start()
            stack.jobs[0].end()
            self.merchant = stack.merchant()
            self.login = base64.b64encode(f"{self.merchant.user}:{self.merchant.password}".encode()).decode()
            self.recorded = self.play(director)
            stack.serve.end()
            stack.nginx.end()
        finally:
            proxies.close()
            stack.books_url, stack.processor_url, stack.workers_wanted = direct, direct, wanted

    def play(self, director):
        """Sends each kind of request several times; what each asked the database: {kind: [Exchange]}."""
        found = {"load": [], "create": [], "pay": []}
        made = []
        for number in range(8):
            # The first ones prepare, log in and warm the caches; they do not count.
            counted = number >= 3
            for kind in found:
                if kind == "create":
                    request = ("PUT", "/customers", customer(f"recorded-{number}"))
                else:
                    made_id = made[(number * 3) % len(made)]["id"] if made else None
                    if made_id is None:
                        continue
                    request = ("GET", f"/customers/{made_id}", None) if kind == "load" else (
                        "POST", f"/customers/{made_id}/transactions/~process", {"amount": 1000 + number})
                director.begin()
                answer = self.ask(*request)
                taken = director.take()
                if kind == "create":
                    made.append(answer)
                if counted:
                    found[kind].append(recorder.Exchange(taken, request, answer))
        return found

    def ask(self, method, path, fields):
        """One request by the plain listener; its answer, which must be good."""
        import http.client
        connection = http.client.HTTPConnection("127.0.0.1", self.plain_port, timeout=30)
        body = None if fields is None else json.dumps(fields)
        headers = {"Authorization": "Basic " + self.login, "Accept": "application/json"}
        if body:
            headers["Content-Type"] = "application/json"
        connection.request(method, "/api/v01" + path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text)


def customer(code):
    """A customer with a card."""
    return {"firstName": "Ann", "lastName": "Lee", "code": code, "email": "ann.lee@example.com", "street": "1 Elm Street",
            "city": "Springfield", "zipCode": "12345", "countryCode": "US", "paymentOptions": [
                {"accountNumber": CARD, "accountAccessory": "1239", "holderName": "Ann Lee"}]}
