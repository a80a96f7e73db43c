"""Books filled by the thousand, in a stack whose PostgreSQL server is set up for measuring.

    with BenchStack() as stack:
        book = Book(stack, due="2027-02-01", rows=10_000)
        seconds, report = stack.run_billing(book.account)

A Book is one merchant account with so many customers, each with a subscription that is billed monthly. It is written
by set-based SQL (`books.sql`) with triggers off and is as the product would have made it: `stack.check()` says so. The
card numbers are sealed under the stack's own master key (`vault.py`).
"""

import io
import os
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../Tests/EndToEndTests/Chaos"))

from processes import Component, clean_environment  # noqa: E402
from stack import PROJECT, Stack  # noqa: E402
import json  # noqa: E402
import subprocess  # noqa: E402

from vault import Vault  # noqa: E402

# As Scripts/stack.d/postgres.bash has it, and more memory and log, so that a run is not a measure of checkpoints.
POSTGRES = {
    "shared_buffers": "1GB", "effective_cache_size": "2GB", "work_mem": "16MB", "maintenance_work_mem": "128MB",
    "wal_compression": "on", "max_wal_size": "8GB", "min_wal_size": "1GB", "checkpoint_timeout": "15min",
    "random_page_cost": "1.1", "jit": "off",
}
FIRST_ACCOUNT = 3001


class BenchStack(Stack):
    """The product with one database server that has the sandbox's book too, as an ordinary installation."""

    def __init__(self, workers=2, jobs=0, settings=None, postgres=None, web=None):
        self.postgres = dict(POSTGRES, **(postgres or {}))
        super().__init__(workers=workers, jobs=jobs, settings=settings, start=False, prefix="billing-bench-", web=web)
        self.processor = self.books
        try:
            self.prepare()
        except BaseException:
            self.show_logs()
            self.end()
            raise

    def prepare(self):
        """The database server with its roles and schema, the program, its settings."""
        import shutil
        binary = os.environ.get("BILLING_BINARY") or f"{PROJECT}/.build/release/billing"
        shutil.copyfile(binary, self.program)
        self.own(self.program, 0o755)
        if self.shared_memory():
            self.postgres["dynamic_shared_memory_type"] = "posix"
        self.books.make()
        with open(f"{self.books.data}/postgresql.conf", "a", encoding="utf-8") as file:
            file.write("".join(f"{name} = {value}\n" for name, value in self.postgres.items()))
        self.books.start()
        with open(f"{PROJECT}/deploy/roles.sql", encoding="utf-8") as file:
            self.books.sql(file.read(), "postgres")
        self.configure()
        self.billing("migrate")
        self.make_certificate()
        self.put("nginx.conf", self.nginx_configuration())

    def configure(self):
        """Writes the settings; the sandbox's book is in the same database because nothing else is said."""
        super().configure()
        with open(f"{self.folder}/state/billing.env", encoding="utf-8") as file:
            lines = [line for line in file if not line.startswith("BILLING_SANDBOX_DATABASE_URL=")]
        self.put("billing.env", "".join(lines))

    @staticmethod
    def shared_memory():
        """Whether everyone may write to /dev/shm."""
        try:
            return os.stat("/dev/shm").st_mode & 0o777 == 0o777
        except OSError:
            return False

    def role(self, role, text):
        """Runs SQL as one of the product's roles; rows as lists of texts."""
        done = subprocess.run(
            ["psql", "-X", "-q", "-At", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", "-h", self.books.folder, "-U", role,
             "-d", "billing", "-f", "-"],
            input=text, env=clean_environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"psql: {done.stderr.strip()}")
        return [line.split("\x1f") for line in done.stdout.split("\n") if line]

    def file(self, name, role="postgres", **values):
        """Runs a file of SQL beside this one, with psql variables; rows as lists of texts."""
        words = [word for pair in values.items() for word in ("-v", f"{pair[0]}={pair[1]}")]
        done = subprocess.run(
            ["psql", "-X", "-q", "-At", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", *words, "-h", self.books.folder, "-U",
             role, "-d", "billing", "-f", f"{HERE}/{name}"],
            env=clean_environment(), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise RuntimeError(f"psql {name}: {done.stderr.strip()}")
        return [line.split("\x1f") for line in done.stdout.split("\n") if line]

    def copy(self, table, lines):
        """Copies lines of text format into a table."""
        process = subprocess.Popen(
            ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.books.folder, "-U", "postgres", "-d", "billing", "-c",
             "set session_replication_role = replica", "-c", f"copy {table} from stdin"],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment())
        with io.TextIOWrapper(process.stdin.buffer, encoding="ascii", write_through=False) as pipe:
            pipe.writelines(lines)
        error = process.stderr.read()
        process.stderr.close()
        if process.wait():
            raise RuntimeError(f"copy {table}: {error.strip()}")

    def run_component(self, account):
        """`billing run` over an account, not begun."""
        output = f"{self.folder}/log/run{account}"
        return Component([self.program, "run", "--account", str(account), "--json"], f"{self.folder}/state", output,
                         self.user, self.environment)

    def run_billing(self, account):
        """`billing run` over an account to its end: seconds, processor seconds of the process, its report."""
        one = self.run_component(account)
        start = os.path.getsize(one.log) if os.path.exists(one.log) else 0
        began = time.monotonic()
        one.start()
        _, status, usage = os.wait4(one.pid, 0)
        seconds = time.monotonic() - began
        one.process.returncode = os.waitstatus_to_exitcode(status)
        with open(one.log, encoding="utf-8") as file:
            file.seek(start)
            text = file.read()
        if status:
            raise RuntimeError(f"billing run: {text[-1000:]}")
        report = json.loads(text[text.index("{"):text.rindex("}") + 1])
        if report["setAside"] or report["failures"]:
            raise RuntimeError(f"billing run: {text[-1000:]}")
        return seconds, usage.ru_utime + usage.ru_stime, report

    def set_clock(self, account, day):
        """Puts an account's clock to a moment, without running the days in between."""
        self.sql(f"update billing.merchant_accounts set clock_at = '{day} 00:00Z' where account_id = {account}")

    def check(self):
        """`billing status --check`; what is broken, as a list of sentences."""
        done = self.billing("status", "--check", "--json", check=False)
        found = json.loads(done.stdout)
        return [json.dumps(one) for one in found["brokenInvariants"] + found["setAside"]]

    def settle(self):
        """Leaves nothing of the preparation to be done while it is measured: statistics, dead rows, a checkpoint."""
        self.sql("vacuum analyze; checkpoint")

    def server_version(self):
        """PostgreSQL's version."""
        return self.sql("show server_version")[0][0]


class Book:
    """A merchant account with many customers and subscriptions, all due on one day."""

    def __init__(self, stack, due, rows, options=True, credit=0, clock=None, amount=2999, lead=0):
        self.stack, self.rows, self.due = stack, rows, due
        self.merchant = stack.merchant(clock=f"{clock or due} 00:00", invoiceLeadDays=lead)
        self.account = self.merchant.account
        first = [int(word) for word in stack.file(
            "books.sql", account=self.account, rows=rows, due=due, options=int(options), credit=credit, amount=amount)[0]]
        self.first_customer, self.first_option, self.first_subscription = first
        if options:
            self.fill_vault(first[1])

    def fill_vault(self, first):
        """Seals a card number for each payment option."""
        vault = Vault(f"{self.stack.folder}/state/vault.key", self.account)
        self.stack.sql(f"insert into billing.vault_keys (account_id, wrapped) values ({self.account}, "
                       f"'\\x{vault.wrapped.hex()}')")
        self.stack.copy("billing.vault_entries", (
            vault.line(first + number, f"{card(number)}/1234") for number in range(self.rows)))

    def due_left(self):
        """How many subscriptions are still to be billed by the account's clock."""
        return int(self.stack.sql(
            f"select count(*) from billing.missed_bills where account_id = {self.account}")[0][0])


def card(number):
    """A Visa number of its own for each row, which ends as `books.sql` masks it; the sandbox approves it."""
    rest = f"{1_000_000_000 + number * 7919 % 10**9}{number % 10_000:04d}"
    total = 8 + sum(int(one) if place % 2 else sum(divmod(2 * int(one), 10)) for place, one in enumerate(rest))
    return f"4{-total % 10}{rest}"


def counts(stack, account):
    """The rows of an account in each table that a run writes."""
    names = ("transactions", "ledger_entries", "open_items", "allocations", "collections", "attempts")
    text = ", ".join(f"(select count(*) from billing.{name} where account_id = {account})" for name in names)
    found = dict(zip(names, map(int, stack.sql(f"select {text}")[0])))
    found["sandbox.movement"] = int(stack.sql(f"select count(*) from sandbox.movement where account = {account}")[0][0])
    return found


def month(date, later):
    """The date so many months later, as text: for first days of a month."""
    year, number, day = map(int, re.split("-", date))
    number += later
    return f"{year + (number - 1) // 12:04d}-{(number - 1) % 12 + 1:02d}-{day:02d}"
