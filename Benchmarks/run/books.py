"""Books filled by the thousand, in a stack whose PostgreSQL server is set up for measuring.

    with BenchStack() as stack:
        book = Book(stack, due="2027-02-01", rows=10_000)
        seconds, report = stack.run_billing(book.account)

A Book is one merchant account with so many customers, each with a subscription that is billed monthly. It is written
by set-based SQL (`books.sql`) with triggers off and is as the product would have made it: `stack.check()` says so. The
card numbers are sealed under the stack's own master key (`vault.py`).
"""

import datetime
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "../../Tests/EndToEndTests/Chaos"))

from processes import Component, clean_environment, wait_until  # noqa: E402
from stack import PROJECT, Stack, free_port  # noqa: E402
from vault import Vault  # noqa: E402
from wire import Wire  # noqa: E402

# What a bench has in place of the settings of Scripts/stack.d/postgres.bash: more memory and log, so that a run is
# not a measure of checkpoints.
LARGER = {"shared_buffers": "1GB", "effective_cache_size": "2GB", "max_wal_size": "8GB", "min_wal_size": "1GB"}


def recommended():
    """The settings of the development stack's server that bear on speed, and ours in their place."""
    with open(f"{PROJECT}/Scripts/stack.d/postgres.bash", encoding="utf-8") as file:
        text = file.read()
    found = dict(re.findall(r"^([a-z_]+) = '?([A-Za-z0-9.]+)'?$", text, re.MULTILINE))
    chosen = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "effective_cache_size", "work_mem",
              "maintenance_work_mem", "wal_compression", "bgwriter_delay", "bgwriter_lru_maxpages",
              "bgwriter_lru_multiplier", "max_wal_size", "checkpoint_timeout", "random_page_cost", "jit")
    return {**{name: found[name] for name in chosen if name in found}, **LARGER}


POSTGRES = recommended()
# Whoever plays the baselines: one session that may write both our books and the sandbox's.
BENCH_ROLE = """\
create role bench login in role billing_jobs, billing_sandbox;
grant connect, temporary on database billing to bench"""


class BenchStack(Stack):
    """The product with one database server that has the sandbox's book too, as an ordinary installation."""

    def __init__(self, workers=2, jobs=0, settings=None, postgres=None, web=None):
        self.postgres = dict(POSTGRES, **(postgres or {}))
        self.plain_port = free_port()
        super().__init__(workers=workers, jobs=jobs, settings=settings, start=False, prefix="billing-bench-", web=web)
        self.processor = self.books
        try:
            self.prepare()
        except BaseException as error:
            if isinstance(error, Exception):
                self.show_logs()
            self.end()
            raise

    def prepare(self):
        """The database server with its roles and schema, the program, its settings."""
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
        self.books.sql(BENCH_ROLE)
        self.wire = Wire(self.books.folder, "billing")
        self.make_certificate()
        self.put("nginx.conf", self.nginx_configuration())

    def configure(self):
        """Writes the settings; the sandbox's book is in the same database because nothing else is said."""
        super().configure()
        with open(f"{self.folder}/state/billing.env", encoding="utf-8") as file:
            lines = [line for line in file if not line.startswith("BILLING_SANDBOX_DATABASE_URL=")]
        self.put("billing.env", "".join(lines))

    def nginx_configuration(self):
        """As ever, and without TLS on a port of the loopback address."""
        text, listen = super().nginx_configuration(), f"listen 127.0.0.1:{self.port} ssl http2;"
        assert listen in text
        return text.replace(listen, f"{listen} listen 127.0.0.1:{self.plain_port};")

    @staticmethod
    def shared_memory():
        """Whether everyone may write to /dev/shm."""
        try:
            return os.stat("/dev/shm").st_mode & 0o777 == 0o777
        except OSError:
            return False

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
            ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.books.folder, "-U", "postgres", "-d", "billing",
             "-c", "set session_replication_role = replica", "-c", f"copy {table} from stdin"],
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

    def serve_requests(self):
        """Starts the workers and nginx; no jobs process, so that /readyz would not be green."""
        self.serve.start()
        self.nginx.start()

        def answers():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.plain_port}/healthz", timeout=5) as answer:
                    return answer.status == 200
            except OSError:
                return False
        wait_until(answers, 60, "/healthz is green", 0.05)

    def last_checkpoint(self):
        """Where the log stood at the last checkpoint: another place, another checkpoint."""
        return self.wire.sql("select redo_lsn from pg_control_checkpoint()")[0][0]

    def jobs_running(self, number):
        """Starts so many jobs processes; when each has said that it lives, the list of them."""
        made = [self.component(f"jobs{place}", [self.program, "jobs"]) for place in range(number)]
        for one in made:
            one.start()
        wait_until(lambda: self.wire.sql("select count(*) from billing.jobs_processes")[0][0] == str(number), 30,
                   "the jobs processes are there")
        return made


class Book:
    """A merchant account with many customers and subscriptions, all due on one day."""

    def __init__(self, stack, due, rows, options=True, credit=0, clock=None, amount=2999, lead=0):
        self.stack, self.rows, self.options, self.amount = stack, 0, options, amount
        self.merchant = stack.merchant(clock=f"{clock or due} 00:00", invoiceLeadDays=lead)
        self.account = self.merchant.account
        self.vault = None
        self.first_customer = self.add(rows, due, credit)

    def add(self, rows, due, credit=0):
        """More customers, due on that day; the number of the first."""
        customer, option, _ = map(int, self.stack.file(
            "books.sql", account=self.account, rows=rows, due=due, options=int(self.options), credit=credit,
            amount=self.amount)[0])
        self.rows += rows
        if self.options:
            self.fill_vault(option, rows)
        return customer

    def fill_vault(self, first, rows):
        """Seals a card number for each payment option."""
        if self.vault is None:
            self.vault = Vault(f"{self.stack.folder}/state/vault.key", self.account)
            self.stack.sql(f"insert into billing.vault_keys (account_id, wrapped) values ({self.account}, "
                           f"'\\x{self.vault.wrapped.hex()}')")
        self.stack.copy("billing.vault_entries", (
            self.vault.line(first + number, f"{card(number)}/1234") for number in range(rows)))

    def leave_uncollected(self):
        """Takes what is to be collected out of the run's way: invoicing alone is looked at."""
        self.stack.sql(f"set session_replication_role = replica; update billing.collections set state = 'closed', "
                       f"collect_on = null where account_id = {self.account} and state = 'due'")

    def is_done(self, day):
        """Whether nothing of that day is left to be billed, collected or settled."""
        return self.stack.wire.sql(f"""
            select not exists (select from billing.subscriptions
                                where account_id = {self.account} and next_billing_date <= '{day}')
               and not exists (select from billing.collections
                                where account_id = {self.account} and state = 'due' and collect_on <= '{day}')
               and not exists (select from billing.attempts where account_id = {self.account} and outcome = 'open')
            """)[0][0] == "t"


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


def sums(stack, account):
    """What an account's rows amount to: two accounts with the same course have the same."""
    return stack.sql(f"""
        select 'transactions', type, status, count(*), sum(amount), max(due_date) from billing.transactions
         where account_id = {account} group by 2, 3
        union all
        select 'ledger', debit, credit, count(*), sum(amount), max(entry_date) from billing.ledger_entries
         where account_id = {account} group by 2, 3
        union all
        select 'collections', state, '', count(*), sum(tries), max(collect_on) from billing.collections
         where account_id = {account} group by 2
        union all
        select 'attempts', outcome, response_code, count(*), sum(approved_amount), max(settled_on) from billing.attempts
         where account_id = {account} group by 2, 3
        union all
        select 'subscriptions', status, '', count(*), sum(billed_count), max(next_billing_date)
          from billing.subscriptions where account_id = {account} group by 2
        union all
        select 'open items', is_debt::text, '', count(*), sum(balance), null from billing.open_items
         where account_id = {account} group by 2
        union all
        select 'allocations', '', '', count(*), sum(amount), null from billing.allocations where account_id = {account}
        union all
        select 'customers', status, '', count(*), sum(balance), null from billing.customers
         where account_id = {account} group by 2
        union all
        select 'movements', code, '', count(*), sum(approved_amount), max(business_date) from sandbox.movement
         where account = {account} group by 2
         order by 1, 2, 3""")


def month(date, later):
    """The date so many months later, as text: for first days of a month."""
    year, number, day = map(int, date.split("-"))
    number += later
    return f"{year + (number - 1) // 12:04d}-{(number - 1) % 12 + 1:02d}-{day:02d}"


def days_before(date, days):
    """The date so many days before, as text."""
    return str(datetime.date.fromisoformat(date) - datetime.timedelta(days))
