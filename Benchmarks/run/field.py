"""The product set up to be measured: durable, sandbox in the same server, a plain listener beside the one with TLS.

`field()` gives the one that all rows of this process share: a stack of the crash tests (Tests/EndToEndTests/Chaos) in a
folder of its own, which ends with this process, however that ends.
"""

import atexit
import base64
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROJECT = os.path.dirname(os.path.dirname(HERE))
# Behind this folder: both have modules of the same names.
sys.path.append(f"{PROJECT}/Tests/EndToEndTests/Chaos")

import clients  # noqa: E402
import recorder  # noqa: E402
import replay  # noqa: E402
from books import recommended  # noqa: E402
from processes import Component, wait_until  # noqa: E402
from proxy import Proxies  # noqa: E402
from stack import Stack, free_port  # noqa: E402

CARD = "4111111111111111"
CONNECTIONS = 8
# Seconds after which nginx closes an idle connection to what the product is compared with.
GIVEN_UP = 0.3
# What a payment amounts to.
AMOUNT = 1500
SHARED = []
# How the last one was set up, for the results.
SEEN = []


def field(quick=False):
    """The field of this process, made with the first call."""
    if not SHARED:
        SHARED.append(Field(2_000 if quick else 20_000))
        SEEN[:] = SHARED[0].facts()
        atexit.register(close)
    return SHARED[0]


def close():
    """Ends the shared field, if there is one."""
    while SHARED:
        SHARED.pop().end()


class Field:
    """The stack, one merchant account with customers who have a card each, and the statements of three requests."""

    def __init__(self, customers):
        # As many as connections: a plain worker of libfcgi serves one kept connection.
        self.workers = int(os.environ.get("WORKERS") or CONNECTIONS)
        self.plain_port = free_port()
        self.stack = Stack(workers=self.workers, jobs=1, start=False, connections=200, prefix="billing-bench-")
        self.folder = self.stack.folder
        self.extra = {}
        self.seed = 0
        self.first = self.count = self.apart = 0
        try:
            self.prepare(customers)
        except BaseException as error:
            if isinstance(error, Exception):
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
        for one in self.extra.values():
            one.end()
        self.stack.end()

    def next_seed(self):
        """Another number each time."""
        self.seed += 1
        return self.seed

    def facts(self):
        """How it is set up, for the results."""
        shown = ", ".join(f"{row[0]} = {row[1]}" for row in self.stack.sql(
            "select name, current_setting(name) from pg_settings where name in ('"
            + "', '".join(recommended()) + "') order by name"))
        return [("PostgreSQL's settings", shown),
                ("set up", f"{self.workers} workers, {CONNECTIONS} connections, {self.count} customers with a card "
                 "each, nginx by plain HTTP with its access log, one database server for all")]

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
        # A worker of theirs waits at the connection that it accepted: idle ones are given up soon.
        kept = f"keepalive 32; keepalive_timeout {1000 * GIVEN_UP:.0f}ms; keepalive_requests 100000;"
        upstreams = "".join(f"    upstream bench_{name} {{ server unix:{state}/{name}.sock max_fails=0; {kept} }}\n"
                            for name in ("c", "php"))
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
        options = {}
        for number in range(12):
            code = f"b{number + 1}{'0' * 9}"
            for kind in ("create", "load", "pay"):
                # Another customer each time, so that what is the customer's can be told from what is constant.
                known = list(options)[(number * 5) % len(options)] if options else None
                facts = {":customer": str(known), ":customer::bigint + :apart::bigint": str(options.get(known))}
                if kind == "create":
                    request, facts = ("PUT", "/customers", customer(code)), {"'b' || :code": code}
                elif kind == "load":
                    request = ("GET", f"/customers/{known}", None)
                else:
                    request = ("POST", f"/customers/{known}/transactions/~process", {"amount": AMOUNT})
                before = self.sequences()
                director.begin()
                answer, size = self.ask(*request)
                rounds = director.take()
                moved = self.sequences()
                for name, value in moved.items():
                    if value != before.get(name):
                        facts[f"currval('{name}')"] = value
                if kind == "create":
                    options[answer["id"]] = answer["paymentOptions"][0]["id"]
                if number >= 4:
                    # The first ones prepare, log in and warm the caches; they do not count.
                    found[kind].append(recorder.Exchange(rounds, facts, answer, size))
        self.options = director.options
        return found

    def sequences(self):
        """What each sequence gave last."""
        rows = self.stack.sql("select schemaname || '.' || sequencename, last_value from pg_sequences")
        return {name: value for name, value in rows if value}

    def ask(self, method, path, fields):
        """One request by the plain listener; its answer, which must be good, and how long that is."""
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
        return json.loads(text), len(text)

    def load(self, customers):
        """Makes customers by the REST interface, one after the other, so that ids of card and customer keep step."""
        stack = self.stack
        stack.sql("alter system set synchronous_commit = off;\nselect pg_reload_conf();")
        self.first, self.count = 1, 10
        seeds = []
        while True:
            seeds.append(self.seed + 1)
            clients.wrk(self, "create", 2, connections=1)
            rows = stack.sql(
                "select min(c.customer_id), count(*), max(c.customer_id), min(o.payment_option_id - c.customer_id), "
                "max(o.payment_option_id - c.customer_id) from billing.customers c "
                "join billing.payment_options o using (account_id, customer_id) "
                f"where c.account_id = {self.merchant.account} and c.code ~ '^b({'|'.join(map(str, seeds))})-'")
            first, count, last, apart, most = map(int, rows[0])
            if count >= customers:
                break
        # A request that wrk left at the end of a turn may have made the last one.
        if last - first + 1 != count or apart != most:
            raise RuntimeError(f"customers are not in step: {rows}")
        self.first, self.count, self.apart = first, count, apart
        stack.sql("alter system set synchronous_commit = on;\nselect pg_reload_conf();\nvacuum analyze;\ncheckpoint;")

    def session_options(self):
        """The settings of the program's own sessions, with the tenant."""
        return f"{self.options['billing_api']['options']} -c billing.accounts={self.merchant.account}"

    def connection_string(self, user="billing_api"):
        """How libpq comes to the same database with the same settings."""
        options = self.session_options().replace("\\", "\\\\").replace("'", "\\'")
        return f"host={self.stack.books.folder} dbname={self.stack.books.database} user={user} options='{options}'"

    def steps(self, kind, **more):
        """The statements of a kind of request, in groups."""
        return replay.steps_of(self.recorded[kind], **more)

    def round_trips(self, kind):
        """How many round trips the product takes for a request, login included."""
        return len(self.recorded[kind][-1].rounds)

    def body_size(self):
        """How long the product's answer to the read is."""
        return self.recorded["load"][-1].size

    # What the product is compared with

    def program(self, name):
        """A C program of this folder, built with the first call; its path."""
        path = f"{self.folder}/state/{name}"
        if not os.path.exists(path):
            with open(f"{self.folder}/state/statements.h", "w", encoding="utf-8") as file:
                file.write(replay.in_c(self.steps("load")))
            postgres = subprocess.run(["pg_config", "--includedir"], capture_output=True, text=True, check=True)
            subprocess.run(
                ["gcc", "-O2", "-Wall", "-D_GNU_SOURCE", "-I", f"{self.folder}/state", "-I", postgres.stdout.strip(),
                 f"{HERE}/{name}.c", "-o", path, *(["-lfcgi", "-lpq"] if name == "load" else [])], check=True)
            self.stack.own(path, 0o755)
        return path

    def begin_c(self, database=True):
        """Starts the C workers, anew at each call: no connection of another turn is kept."""
        self.stop("c")
        path = f"{self.folder}/state/c.sock"
        if os.path.exists(path):
            os.unlink(path)
        one = self.stack.component("c", [self.program("load"), path, self.connection_string(),
                                         str(self.body_size() if database else 0), str(self.workers)])
        self.started("c", one, path)

    def begin_php(self):
        """Starts php-fpm, anew at each call."""
        self.stop("php")
        state = f"{self.folder}/state"
        with open(f"{HERE}/load.php.template", encoding="utf-8") as file:
            text = file.read()
        text = text.replace("@STATEMENTS@", replay.in_php(self.steps("load"))).replace("@SIZE@", str(self.body_size()))
        self.stack.put("load.php", text.replace("@CONNECTION@", replay.php_text(self.connection_string())))
        self.stack.put("php.conf", f"""[global]
error_log = {self.folder}/log/php
daemonize = no
[bench]
listen = {state}/php.sock
listen.backlog = 511
pm = static
pm.max_children = {self.workers}
php_admin_value[opcache.enable] = 1
php_admin_value[opcache.validate_timestamps] = 0
""")
        program = shutil.which("php-fpm8.2", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if not program:
            raise RuntimeError("php-fpm is not installed: run Scripts/install-packages bench")
        one = self.stack.component("php", [program, "--nodaemonize", "--fpm-config", f"{state}/php.conf"])
        self.started("php", one, f"{state}/php.sock")

    def started(self, name, one, path):
        """Starts what listens on a socket and asks it once."""
        one.start()
        self.extra[name] = one
        wait_until(lambda: os.path.exists(path), 10, f"{name} listens")
        connection = http.client.HTTPConnection("127.0.0.1", self.plain_port, timeout=10)
        connection.request("GET", f"/bench/{name}/{self.first}")
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != 200 or len(body) < 3:
            raise RuntimeError(f"{name}: {answer.status} {body[:300]!r}")
        self.rest()

    def rest(self):
        """Waits until nginx keeps no idle connection to a worker of theirs."""
        time.sleep(2 * GIVEN_UP)

    def stop(self, name):
        """Ends it, if it runs."""
        if name in self.extra:
            self.extra.pop(name).end()

    def bench_role(self):
        """Makes the role that may do what the product's and the processor's may, once."""
        if not self.stack.sql("select 1 from pg_roles where rolname = 'billing_bench'"):
            self.stack.sql("create role billing_bench login in role billing_api, billing_sandbox")

    def use_workers(self, count):
        """Lets the product run on so many workers from now on."""
        if count != self.stack.workers_wanted:
            self.stack.workers_wanted = count
            self.stack.configure()
            # nginx closes what it keeps, so that no worker has to wait for that.
            self.stack.nginx.tell(signal.SIGHUP)
            long = len(self.stack.worker_pools()["long"])
            self.stack.reload(count + long)

    def checkpoints(self):
        """How many checkpoints there were."""
        return int(self.stack.sql("select checkpoints_timed + checkpoints_req from pg_stat_bgwriter")[0][0])


def customer(code):
    """A customer with a card."""
    return {"firstName": "Ann", "lastName": "Lee", "code": code, "email": "ann.lee@example.com",
            "street": "1 Elm Street", "city": "Springfield", "zipCode": "12345", "countryCode": "US",
            "paymentOptions": [
                {"accountNumber": CARD, "accountAccessory": "1239", "holderName": "Ann Lee"}]}
