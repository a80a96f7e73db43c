"""Where the time of a request goes: wall time by layers, processor time by processes and by parts of the program."""

import collections
import os
import re
import shutil
import statistics
import subprocess
import threading
import time

import clients
import replay
from field import CONNECTIONS
from processes import children_of

# Parts of the worker, each with what a function's name has in it; the first function of a stack, from the innermost
# one outwards, that belongs to a part decides.
PARTS = [
    ("client of the database (Postgres, libpq)", r"\$s8Postgres|^PQ"),
    ("FastCGI (Pool, libfcgi)", r"^FCGX_|\$s4Pool8Exchange|\$s4Pool11RecordGuard|\$s4Pool10WorkerLoop|\$s4Pool"),
    ("decoding (readers, descriptions)", r"\$s11Interchange.*(Read|Decod|Pars|Form)"),
    ("encoding (descriptions, writers)", r"\$s11Interchange|\$s11BillingFCGI6Answer|\$s11BillingFCGI9EntityTag"),
    ("vault and password (Vault, libsodium)", r"\$s5Vault|^crypto_|^argon2|^sodium_"),
    ("stores: rows and parameters (Persistence)", r"\$s11Persistence"),
    ("actions and rules (Domain)", r"\$s6Domain"),
    ("processor (Processing)", r"\$s10Processing"),
    ("routing and endpoints (BillingFCGI)", r"\$s11BillingFCGI"),
]
LOGIN = "login, all of it"
# What the innermost function is, whatever called it.
KINDS = [
    ("kernel", r"\[kernel"), ("libpq", r"libpq\.so"), ("libfcgi", r"libfcgi\.so"),
    ("memory and counting",
     r" (malloc|free|cfree|calloc|realloc|_int_\w+|tcache\w*|unlink_chunk\S*|swift_\w+|_swift\w*) "),
    ("other libraries", r"\.so"), ("our code and Swift's", r""),
]
DRAWING = {
    "load": ["\\set customer random(:first, :first + :count - 1)"],
    "create": ["\\set code random(1, 1000000000000000)"],
    "pay": ["\\set n :n + 1", f"\\set customer :first + permute((:n * {CONNECTIONS} + :client_id) % :count, :count)"],
}
WORDS = {"load": "P1, load one customer by id", "create": "P5, create a customer with a card",
         "pay": "P6, ~process a card payment"}


def breakdown(field, kind, quick):
    """All that is known of one kind of request, in Markdown."""
    span = 2 if quick else 8
    clients.wrk(field, kind, 1, tolerated=0.05)
    rate, processes, parts, kinds, functions = under_load(field, kind, span)
    lines = [f"## Where the time of {WORDS[kind]} goes", ""]
    lines += wall(field, kind, span)
    lines += ["", f"Processor time of one request, µs, {CONNECTIONS} connections, {rate:.0f} requests a second:", "",
              "| processes | µs | of it in the kernel |", "|---|---|---|"]
    lines += [f"| {name} | {all_of:.0f} | {kernel:.0f} |" for name, (all_of, kernel) in processes.items()]
    if parts:
        names = [name for name, _ in KINDS]
        lines += ["", "The workers' part of that, µs, by what it is done for and where it is spent (perf, samples of "
                  "the processor's clock):", "", "| for | all | " + " | ".join(names) + " |",
                  "|---|" + "---|" * (len(names) + 1)]
        for name in sorted(parts, key=lambda name: -sum(parts[name].values())):
            cells = [f"{parts[name].get(one, 0):.0f}" for one in names]
            lines.append(f"| {name} | {sum(parts[name].values()):.0f} | " + " | ".join(cells) + " |")
        sums = [f"{kinds.get(one, 0):.0f}" for one in names]
        lines += [f"| **all** | {sum(kinds.values()):.0f} | " + " | ".join(sums) + " |", "",
                  "The innermost functions that take most, µs:", ""]
        lines += [f"- {value:.1f} `{name}`" for name, value in functions]
    lines += ["", *statements(field, kind, span), "", *system_calls(field, kind)]
    return "\n".join(lines)


def wall(field, kind, span):
    """Wall time of one request after the other, by layers, in rounds that alternate."""
    roles = ("billing_api", "billing_sandbox")
    field.bench_role()
    fewest = replay.pgbench(field.steps(kind, roles=roles), DRAWING[kind])
    rounds = replay.pgbench(field.steps(kind, roles=roles, login=True, rounds=True), DRAWING[kind])

    def asked(what, database=None):
        """Seconds of one request by one connection; of the C worker with or without its database."""
        if database is not None:
            field.begin_c(database=database)
        rate = clients.wrk(field, what, span / 3, connections=1, tolerated=0.05)["rate"]
        field.stop("c")
        return 1e6 / rate

    def run(script):
        return 1e6 / clients.pgbench(field, script, span / 3, clients=1, user="billing_bench")

    parts = {
        "nginx alone (`return 200`)": lambda: asked("nothing"),
        "… and FastCGI to a C worker that does nothing": lambda: asked("c", False),
        "… and the statements in one pipeline (C worker)": lambda: asked("c", True),
        "the product": lambda: asked(kind),
        "the statements without login, by pgbench, in the fewest round trips": lambda: run(fewest),
        f"the statements with login, by pgbench, in the product's {field.round_trips(kind)} round trips":
            lambda: run(rounds),
    }
    names = list(parts)
    if kind != "load":
        parts.pop(names[2])
    found = {name: [] for name in parts}
    for _ in range(3):
        for name, part in parts.items():
            found[name].append(part())
    middle = {name: statistics.median(values) for name, values in found.items()}
    middle["the program: the product less nginx and FastCGI, less the database in its round trips"] = (
        middle[names[3]] - middle[names[1]] - middle[names[5]])
    return ["Wall time of one request, one at a time, mean, µs:", "", "| layer | µs |", "|---|---|",
            *(f"| {name} | {value:.0f} |" for name, value in middle.items()), "",
            "Round trips of the product:", "",
            *(f"{number}. {role}: {', '.join(one.name for one in asked)}"
              for number, (role, asked) in enumerate(field.recorded[kind][-1].rounds, 1))]


def groups_of(field):
    """The processes by what they are: {name: [pid]}."""
    found = {"nginx": children_of(field.stack.nginx.pid), "workers": field.stack.worker_pools()["main"]}
    for pid in children_of(field.stack.books.pid):
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
                title = file.read()
        except OSError:
            continue
        role = re.match(r"postgres: (billing_\w+)", title)
        found.setdefault(f"PostgreSQL, sessions of {role.group(1)}" if role else "PostgreSQL, other", []).append(pid)
    return found


def spent(pid):
    """Processor time of a process so far, in seconds: all of it, and in the kernel."""
    try:
        with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
            whole = int(file.read().split()[0]) / 1e9
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0.0, 0.0
    user, system = int(fields[11]), int(fields[12])
    return whole, whole * system / max(1, user + system)


def under_load(field, kind, span):
    """Requests a second; µs of each group of processes; and what perf saw of the workers."""
    figures = {}

    def load():
        figures.update(clients.wrk(field, kind, span + 2, CONNECTIONS, tolerated=0.05))

    thread = threading.Thread(target=load)
    thread.start()
    time.sleep(1)
    groups = groups_of(field)
    before = {pid: spent(pid) for pids in groups.values() for pid in pids}
    began = time.monotonic()
    record = f"{field.folder}/perf.data"
    time.sleep(span / 2)
    took = time.monotonic() - began
    after = {pid: spent(pid) for pid in before}
    # Only now: taking samples costs the workers some percent.
    if shutil.which("perf"):
        subprocess.run(
            ["perf", "record", "-q", "-e", "cpu-clock", "-F", "1997", "--call-graph", "fp", "-o", record, "-p",
             ",".join(map(str, groups["workers"])), "--", "sleep", str(span / 2)], check=False, capture_output=True,
            cwd=field.folder)
    thread.join()
    rate = figures["rate"]
    each = 1e6 / (rate * took)
    processes = {}
    for name, pids in groups.items():
        sums = [each * sum(after[pid][part] - before[pid][part] for pid in pids) for part in (0, 1)]
        processes[name] = sums
    parts, kinds, functions = samples(record, processes["workers"][0])
    return rate, processes, parts, kinds, functions


def samples(record, whole):
    """The stacks that perf took, as µs of `whole`: by part and kind, by kind, by innermost function."""
    if not os.path.exists(record):
        return {}, {}, []
    text = subprocess.run(["perf", "script", "-i", record, "--no-demangle", "-F", "ip,sym,dso"], capture_output=True,
                          text=True, errors="replace", check=False).stdout
    os.unlink(record)
    stacks = [stack.strip().split("\n") for stack in text.split("\n\n") if stack.strip()]
    if not stacks:
        return {}, {}, []
    each = whole / len(stacks)
    parts = collections.defaultdict(collections.Counter)
    kinds, functions = collections.Counter(), collections.Counter()
    for stack in stacks:
        kind = next(name for name, words in KINDS if re.search(words, stack[0] + " "))
        parts[part_of(stack)][kind] += each
        kinds[kind] += each
        functions[stack[0].strip().split(" ", 1)[-1].rsplit("/", 1)[-1].rstrip(")")
                  if "[unknown]" in stack[0] else stack[0].split()[1]] += each
    names = [name for name, _ in functions.most_common(15)]
    shown = demangled(names)
    return parts, kinds, [(shown[name][:110], functions[name]) for name in names]


def part_of(stack):
    """What a stack is for."""
    if any("$s11BillingFCGI5Login" in line for line in stack):
        return LOGIN
    for line in stack:
        name = line.split()[1] if len(line.split()) > 1 else ""
        for part, words in PARTS:
            if re.search(words, name):
                return part
    return "not attributable"


def demangled(names):
    """Names of Swift as people read them."""
    try:
        done = subprocess.run(["swift", "demangle", "--compact", "--simplified"], input="\n".join(names),
                              capture_output=True, text=True, check=True)
        return dict(zip(names, done.stdout.split("\n")))
    except (OSError, subprocess.CalledProcessError):
        return {name: name for name in names}


def statements(field, kind, span):
    """What each statement takes in the database, triggers and what functions run among them."""
    field.stack.sql("create extension if not exists pg_stat_statements")
    field.stack.sql("alter system set pg_stat_statements.track = 'all';\nselect pg_reload_conf();")
    time.sleep(0.2)
    # What a session sends for the first time shall not count.
    clients.wrk(field, kind, 1, tolerated=0.05)
    field.stack.sql("select pg_stat_statements_reset()")
    made = clients.wrk(field, kind, span, tolerated=0.05)["requests"]
    rows = field.stack.sql(
        "select calls, total_exec_time * 1000, toplevel, regexp_replace(query, '\\s+', ' ', 'g') "
        "from pg_stat_statements where userid <> 'postgres'::regrole order by total_exec_time desc")
    field.stack.sql("alter system reset pg_stat_statements.track;\nselect pg_reload_conf();")
    known = {plain(one.sql): one.name for each in field.recorded[kind] for _, asked in each.rounds for one in asked}
    lines = ["The database's own time for one request, µs (pg_stat_statements; what is in brackets is run by triggers "
             "and functions, within what called it):", "", "| statement | calls | µs |", "|---|---|---|"]
    for calls, total, top, text in rows[:30]:
        name = known.get(plain(text), text[:100])
        name = name if top == "t" else f"({name})"
        if float(total) / made >= 0.5:
            lines.append(f"| {name.replace('|', ' ')} | {int(calls) / made:.2f} | {float(total) / made:.1f} |")
    outer = sum(float(total) for _, total, top, _ in rows if top == "t") / made
    return [*lines, f"| all but those in brackets | | {outer:.0f} |"]


def plain(sql):
    """A statement's text without what is spelled otherwise each time."""
    return re.sub(r"\s+", "", re.sub(r"\$\d+|'(?:[^']|'')*'|\b\d+\b", "?", sql)).lower()


def system_calls(field, kind):
    """The system calls of a worker for one request."""
    if not shutil.which("strace"):
        return ["strace is not installed: no system calls."]
    pid = field.stack.worker_pools()["main"][0]
    path = f"{field.folder}/calls"
    field.use_workers(1)
    try:
        clients.wrk(field, kind, 1, connections=1, tolerated=0.05)
        pid = field.stack.worker_pools()["main"][0]
        tracing = subprocess.Popen(["strace", "-q", "-c", "-o", path, "-p", str(pid)], cwd=field.folder)
        try:
            time.sleep(0.3)
            made = clients.wrk(field, kind, 2, connections=1, tolerated=0.05)["requests"]
        finally:
            tracing.terminate()
            tracing.wait()
    finally:
        field.use_workers(field.workers)
    counts = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            found = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", line)
            if found and found.group(2) != "total" and int(found.group(1)) / made >= 0.05:
                counts.append((int(found.group(1)) / made, found.group(2)))
    return ["System calls of the worker for one request: "
            + ", ".join(f"{count:.1f} {name}" for count, name in sorted(counts, reverse=True)) + "."]
