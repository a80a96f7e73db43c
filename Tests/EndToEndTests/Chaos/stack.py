"""The whole product in a folder of its own: two database servers, `billing serve`, `billing jobs`, nginx.

The books and the sandbox processor's book are on servers of their own: the processor is a process of its own.
Everything is the real program; nothing is built for the test. `Stack()` prepares and starts all of it, `end()` ends
and removes it; so does the death of this process.

    with Stack(workers=4, jobs=2) as stack:
        merchant = stack.merchant(lateFeeAmount=500)

With `start=False` only the folders are there: `prepare()` makes and starts the databases; then `books_url` and
`processor_url` may be pointed at a proxy, a socket folder below `stack.folder`; then `start()`.
"""

import json
import os
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request

from processes import (Component, Guard, as_user, children_of, clean_environment, settings_of, unprivileged_user,
                       wait_until)
from servers import Server

PROJECT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
# Names the folder of a stack to copy, for this process and those it starts.
TEMPLATE = "CHAOS_TEMPLATE"
CERTIFICATE = """\
[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = localhost
[extensions]
subjectAltName = DNS:localhost, IP:127.0.0.1
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
"""


def free_port():
    """A TCP port of the loopback address that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def make_template():
    """A stack that is prepared and never started: others copy what it takes long to make. Ends with `end()`."""
    one = Stack(start=False, prefix="billing-chaos-template-")
    try:
        one.prepare()
        one.books.stop()
        one.processor.stop()
    except BaseException:
        one.end()
        raise
    os.environ[TEMPLATE] = one.folder
    return one


class Merchant:
    """A merchant account and its service user."""

    def __init__(self, stack, account, user, password):
        self.stack, self.account, self.user, self.password = stack, account, user, password


class Stack:
    """A running product and everything to disturb it with."""

    def __init__(self, workers=2, jobs=1, settings=None, start=True, connections=100, wal="1GB",
                 prefix="billing-chaos-", web=None, preload=None):
        # Texts of deploy/nginx.conf that are another one here.
        self.web = dict(web or {})
        self.workers_wanted, self.settings = workers, dict(settings or {})
        self.user = unprivileged_user()
        self.folder = tempfile.mkdtemp(prefix=prefix)
        self.guard = Guard(self.folder)
        self.own(self.folder, 0o700)
        for name in ("books", "books/volume", "processor", "processor/volume", "state", "state/nginx", "log", "docs"):
            os.mkdir(f"{self.folder}/{name}")
            self.own(f"{self.folder}/{name}", 0o700)
        self.books = Server(f"{self.folder}/books", self.user, "billing", connections, wal)
        self.processor = Server(f"{self.folder}/processor", self.user, "sandbox", 100, "256MB", library=False)
        self.books_url, self.processor_url = self.books.url, self.processor.url
        self.port = free_port()
        self.authority = f"{self.folder}/ca.pem"
        self.program = f"{self.folder}/state/billing"
        # What all processes but nginx get beside that: a library that stands between them and the machine's clock.
        self.environment = clean_environment(BILLING_RUN_DIR=f"{self.folder}/state")
        self.preload = preload
        for server in (self.books, self.processor):
            server.component.preload = settings_of(preload)
        self.serve = self.component("serve", [self.program, "serve"])
        self.jobs = [self.component(f"jobs{number}", [self.program, "jobs"]) for number in range(jobs)]
        self.nginx = self.component("nginx", [
            shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") or "nginx",
            "-p", f"{self.folder}/state/nginx", "-e", f"{self.folder}/log/nginx",
            "-c", f"{self.folder}/state/nginx.conf", "-g", "daemon off;"])
        self.last_account = 3000
        if start:
            try:
                self.prepare()
                self.start()
            except BaseException:
                self.show_logs()
                self.end()
                raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def component(self, name, words, environment=None):
        """A program of this stack with a log of that name."""
        return Component(words, f"{self.folder}/state", f"{self.folder}/log/{name}", self.user,
                         environment or self.environment, None if name == "nginx" else self.preload)

    def own(self, path, mode):
        """Gives a path to the stack's user."""
        os.chmod(path, mode)
        if os.geteuid() == 0:
            entry = pwd.getpwnam(self.user)
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def put(self, name, text, mode=0o600):
        """Writes a file of the state folder."""
        path = f"{self.folder}/state/{name}"
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        self.own(path + ".new", mode)
        os.rename(path + ".new", path)

    # Bringing it up

    def prepare(self):
        """The databases with their roles and schema, the program, its settings."""
        binary = os.environ.get("BILLING_BINARY") or f"{PROJECT}/.build/release/billing"
        shutil.copyfile(binary, self.program)
        self.own(self.program, 0o755)
        template = os.environ.get(TEMPLATE)
        for name, server in (("books", self.books), ("processor", self.processor)):
            server.make(template and f"{template}/{name}/volume/data")
            server.start()
        if template:
            for name in ("vault.key", "certificate.pem", "key.pem"):
                shutil.copyfile(f"{template}/state/{name}", f"{self.folder}/state/{name}")
                self.own(f"{self.folder}/state/{name}", 0o600)
            shutil.copyfile(f"{template}/state/certificate.pem", self.authority)
            self.configure()
        else:
            self.fill()
        self.put("nginx.conf", self.nginx_configuration())

    def fill(self):
        """The roles, the schema, the vault's key, the certificate."""
        with open(f"{PROJECT}/deploy/roles.sql", encoding="utf-8") as file:
            self.books.sql(file.read(), "postgres")
        self.processor.sql("create role billing_sandbox login; create database sandbox owner billing_sandbox",
                           "postgres")
        self.configure()
        self.billing("migrate")
        # Long ids, other ones for each class: one is never taken for another.
        self.books.sql("""
            select setval(format('%I.%I', schemaname, sequencename)::regclass,
                          100000 + 110000 * row_number() over (order by sequencename))
              from pg_sequences where schemaname = 'billing'""")
        self.make_certificate()

    def configure(self):
        """Writes the settings file anew; a reload (HUP) or the next start reads it."""
        values = {
            "BILLING_DATABASE_URL": self.books_url, "BILLING_SANDBOX_DATABASE_URL": self.processor_url,
            "BILLING_SOCKET": f"{self.folder}/state/billing.sock",
            "BILLING_LONG_SOCKET": f"{self.folder}/state/billing-long.sock",
            "BILLING_WORKERS": self.workers_wanted, "BILLING_RUN_USER": self.user,
            "BILLING_KEY_FILE": f"{self.folder}/state/vault.key",
            "BILLING_PUBLIC_URL": f"https://localhost:{self.port}", **self.settings,
        }
        self.put("billing.env", "".join(f"{name}={value}\n" for name, value in values.items()))

    def start(self):
        """Starts everything but the databases, and waits for readiness."""
        self.configure()
        self.serve.start()
        for one in self.jobs:
            one.start()
        self.nginx.start()
        self.await_ready()

    def make_certificate(self):
        """A certificate for localhost, signed by itself."""
        self.put("certificate.conf", CERTIFICATE)
        state = f"{self.folder}/state"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256",
             "-days", "30", "-config", f"{state}/certificate.conf", "-keyout", f"{state}/key.pem",
             "-out", f"{state}/certificate.pem"], check=True, capture_output=True)
        self.own(f"{state}/key.pem", 0o600)
        self.own(f"{state}/certificate.pem", 0o644)
        shutil.copyfile(f"{state}/certificate.pem", self.authority)

    def nginx_configuration(self):
        """deploy/nginx.conf with the lines that end in `#= name` replaced by ours, as the development stack does it."""
        state, log = f"{self.folder}/state", f"{self.folder}/log"
        ours = {
            "user": "", "descriptors": "", "rate": "", "transport_security": "",
            "pid": f"pid {state}/nginx.pid;", "error_log": f"error_log {log}/nginx notice;",
            "request_error_log": f"error_log {log}/nginx emerg;",
            "access_log": f"access_log {log}/access requests buffer=32k flush=1s;",
            "temporary": " ".join(f"{kind}_temp_path {state}/nginx/{kind};"
                                  for kind in ("client_body", "fastcgi", "proxy", "uwsgi", "scgi")),
            "pool": f"server unix:{state}/billing.sock max_fails=0;",
            "long_pool": f"server unix:{state}/billing-long.sock max_fails=0;",
            "listen": f"listen 127.0.0.1:{self.port} ssl http2;", "server_name": "server_name localhost;",
            "certificate": f"ssl_certificate {state}/certificate.pem;",
            "certificate_key": f"ssl_certificate_key {state}/key.pem;", "docs": f"alias {self.folder}/docs/;",
        }
        lines = []
        with open(f"{PROJECT}/deploy/nginx.conf", encoding="utf-8") as file:
            for line in file.read().split("\n"):
                marked = re.search("#= ([a-z_]+)$", line)
                lines.append(ours[marked.group(1)] if marked else line)
        text = "\n".join(lines)
        for old, new in self.web.items():
            assert old in text, f"deploy/nginx.conf has no {old}"
            text = text.replace(old, new)
        return text

    def await_ready(self, seconds=60):
        """Waits until /readyz is green."""
        def ready():
            for one in (self.serve, self.nginx, *self.jobs):
                assert one.runs(), f"{one.words[-1]} ended: see {one.log}"
            return self.ready() == 200
        wait_until(ready, seconds, "/readyz is green", 0.05)

    def ready(self):
        """The status of /readyz; 0 when nothing answers."""
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self.authority)))
        try:
            with opener.open(f"https://localhost:{self.port}/readyz", timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as refusal:
            return refusal.code
        except OSError:
            return 0

    def end(self):
        """Ends everything and removes the folder."""
        self.guard.end()

    def show_logs(self, lines=15):
        """Prints the last lines of each log, for whoever looks into a failure."""
        for path in [self.books.log, self.processor.log, *(one.log for one in (self.serve, self.nginx, *self.jobs))]:
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    print(f"--- {os.path.basename(path)}\n" + "".join(file.readlines()[-lines:]))

    # Looking and doing

    def billing(self, *words, check=True):
        """Runs a `billing` command to its end; CompletedProcess."""
        done = subprocess.run(
            [*as_user(self.user), self.program, *words], env=self.environment, cwd=f"{self.folder}/state",
            capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        if check and done.returncode:
            raise RuntimeError(f"billing {' '.join(words[:2])}: {done.stdout}{done.stderr}")
        return done

    def sql(self, text):
        """Runs SQL in the books as the superuser; rows as lists of texts."""
        return self.books.sql(text)

    def merchant(self, clock="2027-01-01 00:00", **settings):
        """A new merchant account with a service user, its clock at that moment (None: real time)."""
        self.last_account += 1
        account = self.last_account
        sets = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
        self.billing("account", "create", "--id", str(account), "--name", "Blue Gym", *sets, "--json")
        user = f"api-chaos-{account}"
        made = json.loads(self.billing("user", "create", user, "--account", str(account), "--json").stdout)
        if clock:
            self.sql(f"update billing.merchant_accounts set clock_at = '{clock}Z' where account_id = {account}")
        return Merchant(self, account, user, made["password"])

    def workers(self):
        """The pids of all workers of `billing serve`, both pools."""
        return children_of(self.serve.pid)

    def worker_pools(self):
        """The pids of the workers by pool: {'main': …, 'long': …}, by the socket that they listen on."""
        pools = {"main": [], "long": []}
        for pid in self.workers():
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            pools["long" if b"long" in words else "main"].append(pid)
        return pools

    def reload(self, wanted):
        """HUP to the master, and waits until every worker is another one and as many as wanted are there."""
        before = set(self.workers())
        self.serve.tell(signal.SIGHUP)
        wait_until(lambda: not before & set(self.workers()) and len(self.workers()) == wanted, 120, "new workers")
