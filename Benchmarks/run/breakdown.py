"""What a bill costs, by statement, trigger and function: `python3 Benchmarks/run/breakdown.py P7 P8 --rows 10000`.

Each row of the table is run four times over the same customers, a month each: plain (top-level statements, processor
time, log and updates), with nested statements and functions counted, with triggers timed by auto_explain, and under
perf. What is counted slows down what it counts: compare shares, and take absolute times from the plain run.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

from books import BenchStack, Book, counts, days_before, month
from statements import essence, overheard

FIRST = "2027-02-01"
POSTGRES = {
    "pg_stat_statements.max": 10000, "pg_stat_statements.track": "top", "track_functions": "none",
    "track_io_timing": "on", "track_wal_io_timing": "on", "log_min_messages": "warning",
}
EXPLAIN = {
    "session_preload_libraries": "auto_explain", "auto_explain.log_min_duration": "0", "auto_explain.log_analyze": "on",
    "auto_explain.log_triggers": "on", "auto_explain.log_format": "json", "auto_explain.log_timing": "on",
    "auto_explain.log_nested_statements": "off",
}
BATCH = 500


class Subject:
    """A book that is billed month by month."""

    def __init__(self, stack, row, rows):
        self.stack, self.row = stack, row
        lead = 10 if row == "P7" else 0
        self.clocks = (days_before(month(FIRST, number), lead) for number in range(99))
        self.first_clock = next(self.clocks)
        self.book = Book(stack, FIRST, rows, options=row == "P8", credit=10 if row == "P7" else 0,
                         clock=self.first_clock, lead=lead)
        self.clock = None

    def prepare(self):
        """The next month, settled, nothing counted yet."""
        self.clock = next(self.clocks) if self.clock else self.first_clock
        if self.row == "P7":
            self.book.leave_uncollected()
        self.stack.set_clock(self.book.account, self.clock)
        self.stack.settle()
        self.stack.sql("select pg_stat_statements_reset(), pg_stat_reset(), pg_stat_reset_shared('wal'), "
                       "pg_stat_reset_shared('bgwriter')")

    def run(self):
        """Bills the month."""
        return self.stack.run_billing(self.book.account)


class Backends(threading.Thread):
    """Notes the processor time of the server's processes that serve a role, as long as they live."""

    def __init__(self, stack):
        super().__init__(daemon=True)
        self.folder, self.times, self.stopped = stack.books.folder, {}, threading.Event()
        self.parent = stack.books.pid
        self.start()

    def run(self):
        """Looks every 50 ms."""
        while not self.stopped.wait(0.05):
            for pid in self.living():
                try:
                    with open(f"/proc/{pid}/cmdline", "rb") as file:
                        words = file.read().decode(errors="replace").split()
                    with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
                        fields = file.read().rpartition(")")[2].split()
                except OSError:
                    continue
                if len(words) > 2 and words[1].startswith("billing_"):
                    self.times[pid] = (words[1], (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))

    def living(self):
        """The server's children."""
        with open(f"/proc/{self.parent}/task/{self.parent}/children", encoding="ascii") as file:
            return file.read().split()

    def end(self):
        """Seconds by role."""
        self.stopped.set()
        self.join()
        found = {}
        for role, seconds in self.times.values():
            found[role] = found.get(role, 0) + seconds
        return found


def table(head, rows):
    """A table in Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]) + "\n"


class Names:
    """What a statement is called: the product's by their own names, those of functions and foreign keys by these."""

    def __init__(self, stack, texts):
        self.own = {essence(text): name for name, text in texts.items()}
        rows = stack.sql("select proname, replace(regexp_replace(prosrc, '--[^\n]*', ' ', 'g'), chr(10), ' ') "
                         "from pg_proc where pronamespace = 'billing'::regnamespace")
        self.functions = [(name, re.sub(r" into [a-z_]+ ", " ", essence(text))) for name, text in rows]

    def of(self, text):
        """The name, or the statement's first words."""
        short = essence(text)
        if short in self.own:
            return self.own[short]
        found = re.match(r'SELECT \? FROM ONLY "billing"."([a-z_]+)" x WHERE', short)
        if found:
            return f"foreign keys to {found[1]}"
        words = "`" + " ".join(text.split())[:70].replace("|", "/") + "`"
        for name, source in self.functions:
            if len(short) > 20 and short[-50:] in source:
                return f"{name}: {words}"
        return words


def statements(stack, bills, names, nested=None):
    """The statements that took longest, per bill and per batch; of the nested ones those below the top."""
    where = "" if nested is None else f"and toplevel = {'false' if nested else 'true'}"
    rows = stack.sql(f"""
        select replace(query, chr(10), ' '), calls, total_exec_time, rows, wal_bytes, shared_blks_hit, usename
          from pg_stat_statements s join pg_user u on u.usesysid = s.userid
         where usename like 'billing\\_%' {where} order by total_exec_time desc limit 45""")
    head = ("statement", "calls", "ms in all", "µs a bill", f"ms a batch of {BATCH}", "rows", "WAL bytes a bill",
            "pages")
    return table(head,
                 [(names.of(text), calls, f"{float(total):.0f}", f"{float(total) * 1000 / bills:.1f}",
                   f"{float(total) * BATCH / bills:.2f}", count, f"{int(wal) / bills:.0f}", pages)
                  for text, calls, total, count, wal, pages, _ in rows if float(total) > 0])


def functions(stack, bills):
    """The functions of the schema: with what they call, and by themselves."""
    rows = stack.sql("select funcname, calls, total_time, self_time from pg_stat_user_functions "
                     "where schemaname = 'billing' order by total_time desc limit 40")
    return table(("function", "calls", "ms in all", "of that its own", "µs a bill"),
                 [(name, calls, f"{float(total):.0f}", f"{float(own):.0f}", f"{float(total) * 1000 / bills:.1f}")
                  for name, calls, total, own in rows])


def updates(stack, bills, before):
    """Rows written, updates in place, log."""
    rows = stack.sql("select relname, n_tup_ins, n_tup_upd, n_tup_hot_upd, n_tup_del, "
                     "pg_total_relation_size(relid) from pg_stat_user_tables "
                     "where n_tup_ins + n_tup_upd + n_tup_del > 0 order by relname")
    text = table(("table", "inserted", "updated", "of those in place (HOT)", "deleted", "bytes grown a bill"),
                 [(*row[:5], f"{(int(row[5]) - before.get(row[0], 0)) / bills:.0f}") for row in rows])
    records, pages, size, syncs, sync_time = stack.sql(
        "select wal_records, wal_fpi, wal_bytes, wal_sync, wal_sync_time from pg_stat_wal")[0]
    timed, requested = stack.sql("select checkpoints_timed, checkpoints_req from pg_stat_bgwriter")[0]
    return text + (f"\nWrite-ahead log: {int(size) / bills:.0f} bytes a bill, {int(records) / bills:.1f} records, "
                   f"{int(pages) / bills:.2f} full pages; {syncs} syncs of {float(sync_time):.0f} ms in all. "
                   f"Checkpoints meanwhile: {timed} by time, {requested} by size.\n")


def sizes(stack):
    """The size of each table with its indexes."""
    return {name: int(size) for name, size in stack.sql(
        "select relname, pg_total_relation_size(relid) from pg_stat_user_tables")}


def explained(stack, start):
    """What auto_explain wrote to the log since: by statement, the calls and the time of its triggers."""
    with open(stack.books.log, encoding="utf-8", errors="replace") as file:
        file.seek(start)
        text = file.read()
    found = {}
    for part in re.split(r"LOG:  duration: ", text)[1:]:
        body = part[part.index("{"):] if "{" in part else ""
        try:
            plan, _ = json.JSONDecoder().raw_decode(re.sub(r"\n\t", "\n", body))
        except ValueError:
            continue
        one = found.setdefault(essence(plan["Query Text"]), {"text": plan["Query Text"], "triggers": {}})
        for trigger in plan.get("Triggers", []):
            place = (trigger["Relation"], trigger.get("Constraint Name") or trigger["Trigger Name"])
            calls, took = one["triggers"].get(place, (0, 0.0))
            one["triggers"][place] = (calls + trigger["Calls"], took + trigger.get("Time", 0))
    return found


def triggers(found, names, bills):
    """Triggers and constraints, by the statement that set them off; those that are deferred run at the commit."""
    rows = []
    for one in found.values():
        for (relation, name), (calls, took) in one["triggers"].items():
            rows.append((took, names.of(one["text"]), relation, name, calls))
    rows.sort(key=lambda row: -row[0])
    return table(("trigger or constraint", "on", "set off by", "calls", "ms in all", "µs a bill"),
                 [(name, relation, statement, calls, f"{took:.0f}", f"{took * 1000 / bills:.1f}")
                  for took, statement, relation, name, calls in rows[:40] if took > 0])


def perf(stack, subject, which):
    """The symbols that took most processor time: of the program, or of the server's process for it."""
    tool = shutil.which("perf")
    if not tool:
        return "perf is not installed.\n"
    one = stack.run_component(subject.book.account)
    one.start()
    time.sleep(1)
    pids = [str(one.pid)]
    if which == "server":
        rows = stack.sql("select pid from pg_stat_activity where usename = 'billing_jobs'")
        pids = [row[0] for row in rows]
    path = f"{stack.folder}/perf.{which}"
    recorder = subprocess.Popen([tool, "record", "-q", "-F", "499", "-o", path, "-p", ",".join(pids)],
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    one.process.wait()
    try:
        error = recorder.communicate(timeout=20)[1]
    except subprocess.TimeoutExpired:
        recorder.send_signal(signal.SIGINT)
        error = recorder.communicate()[1]
    done = subprocess.run(
        [tool, "report", "--stdio", "-i", path, "--no-children", "-g", "none", "--no-inline", "--percent-limit", "0.7",
         "-s", "dso,symbol"], capture_output=True, text=True, check=False)
    lines = [re.sub(r"( +-)+ *$", "", line)[:120] for line in done.stdout.split("\n")
             if "%" in line and not line.startswith("#")][:45]
    if not lines:
        return f"perf gave nothing: {error.strip()[-300:]}\n"
    return "```\n" + "\n".join(lines) + "\n```\n"


def plain(subject, names):
    """The first pass: what a bill takes, by top-level statement, table and log."""
    stack = subject.stack
    subject.prepare()
    size, before = sizes(stack), counts(stack, subject.book.account)
    backends = Backends(stack)
    seconds, spent, report = subject.run()
    servers = backends.end()
    after = counts(stack, subject.book.account)
    bills = report["invoices"]
    inside = float(stack.sql("select sum(total_exec_time) / 1000 from pg_stat_statements")[0][0])
    sessions = "".join(f", its {role} session {took:.2f} s ({took * 1e6 / bills:.0f} µs)"
                       for role, took in sorted(servers.items()))
    rows = ", ".join(f"{name} {after[name] - before[name]:+,}" for name in after)
    return f"""\
{seconds:.2f} s, {bills / seconds:,.0f} a second, {seconds * 1e6 / bills:.0f} µs each; the month before was billed.
Processor time: the program {spent:.2f} s ({spent * 1e6 / bills:.0f} µs a bill){sessions}. Rows: {rows}.

### Statements

{inside:.2f} s of {seconds:.2f} s. Not among them: the log's syncs (below), the rest of each commit, what the program
does meanwhile. Those of functions here are of deferred triggers, which run at the commit.

{statements(stack, bills, names)}
### Rows and log

{updates(stack, bills, size)}"""


def counted(subject, names):
    """The second pass: statements inside functions, and the functions."""
    stack = subject.stack
    set_all(stack, {"pg_stat_statements.track": "all", "track_functions": "all"})
    subject.prepare()
    seconds, _, report = subject.run()
    bills = report["invoices"]
    set_all(stack, {"pg_stat_statements.track": "none", "track_functions": "none"})
    return f"""\
### Inside the statements

Statements of triggers and functions, and the look-ups of foreign keys; {seconds:.2f} s while they were counted.

{statements(stack, bills, names, True)}
### Functions

Deferred ones too, which run at the commit.

{functions(stack, bills)}"""


def triggered(subject, names):
    """The third pass: triggers and constraints."""
    stack = subject.stack
    for name, value in EXPLAIN.items():
        stack.sql(f"load 'auto_explain'; alter role billing_jobs set {name} = '{value}'")
    set_all(stack, {"log_min_messages": "log"})
    subject.prepare()
    start = os.path.getsize(stack.books.log)
    report = subject.run()[2]
    found = explained(stack, start)
    stack.sql("alter role billing_jobs reset all")
    set_all(stack, {"log_min_messages": "warning"})
    return f"""\
### Triggers and constraints

By auto_explain, each node timed; those that run at the commit are not here.

{triggers(found, names, report["invoices"])}"""


def set_all(stack, settings):
    """Changes settings of the server."""
    for name, value in settings.items():
        stack.sql(f"alter system set {name} = '{value}'")
    stack.sql("select pg_reload_conf()")


def breakdown(row, rows):
    """The whole text for one row of the benchmark's table, "P7" or "P8"."""
    with BenchStack(postgres=POSTGRES) as stack:
        small = Subject(stack, row, 20)
        small.prepare()
        names = Names(stack, overheard(stack, small.run))
        subject = Subject(stack, row, rows)
        subject.prepare()
        subject.run()
        parts = [f"## {row}: {rows:,} subscriptions\n", plain(subject, names), counted(subject, names),
                 triggered(subject, names)]
        for which, words in (("program", "the program"), ("server", "the server's process for the program")):
            subject.prepare()
            parts.append(f"### Processor, {words}\n\n" + perf(stack, subject, which))
    return "\n".join(parts)


def main():
    """The rows named, as one text."""
    parser = argparse.ArgumentParser()
    parser.add_argument("which", nargs="*", default=["P7", "P8"])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--output", help="a file in place of the standard output")
    given = parser.parse_args()
    text = "# What a bill costs, part by part\n"
    for one in given.which:
        text += "\n" + breakdown(one, given.rows)
        if given.output:
            with open(given.output, "w", encoding="utf-8") as file:
                file.write(text)
    if not given.output:
        print(text)


if __name__ == "__main__":
    main()
