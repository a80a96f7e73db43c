"""Rows of the REST interface: reads, writes, latency, TLS, workers and idle connections.

They share one field with the rows of process_rows.py, which ends it.
"""

import os
import statistics
import time

import clients
import field as fields
import replay
import request_breakdown
from field import AMOUNT, CONNECTIONS
from report import Row
from request_breakdown import DRAWING


def FACTS():
    """How the field was set up, for bench.py."""
    return list(fields.SEEN)


def rounds_of(quick, seconds, parts, least=1.0):
    """How many rounds there are, and how many seconds of each a part has."""
    count = 3 if quick else 5
    return count, max(least, seconds / count / parts)


def alternate(count, parts):
    """Runs all parts in each round, every second round backwards; the samples of each by its name."""
    found = {name: [] for name in parts}
    for turn in range(count):
        for name in (list(parts) if turn % 2 == 0 else reversed(list(parts))):
            found[name].append(parts[name]())
    return found


def warm(field):
    """Lets each worker verify the password, which it then remembers for a minute, and nginx connect."""
    clients.wrk(field, "load", 1)


def load_script(field, login=False):
    """The read as a script of pgbench."""
    return replay.pgbench(field.steps("load", login=login), DRAWING["load"])


def reads(quick, seconds):
    """P1, P2, P3: load one customer by id."""
    field = fields.field(quick)
    count, span = rounds_of(quick, seconds, 4 if quick else 5)

    def worker():
        field.begin_c()
        clients.wrk(field, "c", 1)
        field.rest()
        rate = clients.wrk(field, "c", span)["rate"]
        field.stop("c")
        return rate

    def php():
        field.begin_php()
        clients.wrk(field, "php", 1)
        field.rest()
        rate = clients.wrk(field, "php", span)["rate"]
        field.stop("php")
        return rate

    latencies = []

    def product():
        warm(field)
        figures = clients.wrk(field, "load", span)
        latencies.append(figures)
        return figures["rate"]

    parts = {"product": product, "pgbench": lambda: clients.pgbench(field, load_script(field), span),
             "worker": worker, "php": php}
    if not quick:
        parts["login"] = lambda: clients.pgbench(field, load_script(field, login=True), span)
    found = alternate(count, parts)
    what = f"load one customer by id, {CONNECTIONS} connections, through nginx"
    names = ", ".join(step.name for group in field.steps("load") for step in group)
    told = [f"{field.round_trips('load')} round trips a request with the login; {latency(latencies)}",
            f"statements of the baselines: {names}"]
    product = found["product"]
    if not quick:
        with_login = statistics.median(product) / statistics.median(found["login"])
        told.append(f"beside pgbench with the statements of the login, too, in the same round trip: {with_login:.2f}")
    return [
        Row("P1", what, "/s", True, product, found["pgbench"], f"pgbench, {CONNECTIONS} clients, one pipeline",
            (0.65, "≥ 0.65"), (0.80, "0.80"), told),
        Row("P2", what, "/s", True, product, found["worker"],
            f"C worker (libfcgi, libpq, one pipeline), {field.workers} processes", (1.0, "≥ 1.0"), (1.2, "1.2")),
        Row("P3", what, "/s", True, product, found["php"],
            f"php-fpm, {field.workers} processes, persistent connections", (2.3, "≥ 2.3 ×"), (3.0, "3 ×")),
    ]


def latency(figures):
    """Median of the rounds' p50 and p99, in words."""
    middle = [statistics.median(one[name] for one in figures) / 1000 for name in ("p50", "p99")]
    return f"p50 {middle[0]:.2f} ms, p99 {middle[1]:.2f} ms"


def single(quick, seconds):
    """P4: what one request costs beside an answer of nginx alone."""
    field = fields.field(quick)
    count, span = rounds_of(quick, seconds, 2)
    rates = []

    def product():
        warm(field)
        figures = clients.wrk(field, "load", span, connections=1)
        rates.append(figures["p99"])
        return figures["p50"]

    found = alternate(count, {
        "product": product, "nothing": lambda: clients.wrk(field, "nothing", span, connections=1)["p50"]})
    return Row("P4", "load one customer by id, one connection, p50", "µs", False, found["product"], found["nothing"],
               "nginx `return 200`, p50", (100, "≤ +100 µs"), (70, "+70 µs"),
               [f"p99 {statistics.median(rates):.0f} µs"], compare="difference")


def creates(quick, seconds):
    """P5: create a customer with a card."""
    field = fields.field(quick)
    count, span = rounds_of(quick, seconds, 2, 5 if quick else 20)
    script = replay.pgbench(field.steps("create"), DRAWING["create"])
    latencies = []

    def product():
        warm(field)
        figures = clients.wrk(field, "create", span)
        latencies.append(figures)
        return figures["rate"]

    with Watched(field) as watched:
        found = alternate(count, {"product": product, "pgbench": lambda: clients.pgbench(field, script, span)})
    return Row("P5", f"create a customer with a card, {CONNECTIONS} connections", "/s", True, found["product"],
               found["pgbench"], f"pgbench, {CONNECTIONS} clients, the same statements in one pipeline",
               (0.70, "≥ 0.70"), (0.85, "0.85"),
               [f"{field.round_trips('create')} round trips a request with the login; {latency(latencies)}",
                watched.words])


def payments(quick, seconds):
    """P6: process a card payment."""
    field = fields.field(quick)
    count, span = rounds_of(quick, seconds, 3, 5 if quick else 20)
    # Each client has customers of its own, in an order that comes to each once.
    drawing = DRAWING["pay"]
    two = replay.pgbench(field.steps("pay"), drawing)
    everything = replay.pgbench(field.steps("pay", roles=("billing_api", "billing_sandbox")), drawing)
    field.bench_role()
    latencies = []

    def product():
        warm(field)
        figures = clients.wrk(field, "pay", span, tolerated=0.01)
        latencies.append(figures)
        return figures["rate"]

    with Watched(field) as watched:
        found = alternate(count, {
            "product": product, "pgbench": lambda: clients.pgbench(field, two, span),
            "all": lambda: clients.pgbench(field, everything, span, user="billing_bench")})
    refused = sum(one["refused"] for one in latencies)
    whole = statistics.median(found["product"]) / statistics.median(found["all"])
    return Row("P6", f"~process a card payment of {AMOUNT}, sandbox in the same server, {CONNECTIONS} connections",
               "/s", True, found["product"], found["pgbench"],
               f"pgbench, {CONNECTIONS} clients, the statements of both transactions, a pipeline each",
               (0.55, "≥ 0.55"), (0.70, "0.70"),
               [f"{field.round_trips('pay')} round trips a request with the login and the processor; "
                f"{latency(latencies)}",
                f"beside pgbench with the processor's statements, too, in a pipeline of their own: {whole:.2f}",
                *([f"{refused} refused"] if refused else []), watched.words])


class Watched:
    """Tells whether there was a checkpoint in between, and how long before the last one was."""

    def __init__(self, field):
        self.field, self.words = field, ""

    def __enter__(self):
        self.before = self.field.checkpoints()
        self.age = float(self.field.stack.sql(
            "select extract(epoch from now() - checkpoint_time) from pg_control_checkpoint()")[0][0])
        self.began = time.monotonic()
        return self

    def __exit__(self, *_):
        made = self.field.checkpoints() - self.before
        self.words = (f"last checkpoint {self.age:.0f} s before, {made or 'none'} within "
                      f"{time.monotonic() - self.began:.0f} s")


def with_tls(quick, seconds):
    """What TLS costs on kept connections, and on fresh ones."""
    field = fields.field(quick)
    count, span = rounds_of(quick, seconds, 4)
    warm(field)
    found = alternate(count, {
        "plain": lambda: clients.wrk(field, "load", span)["rate"],
        "tls": lambda: clients.wrk(field, "load", span, tls=True)["rate"],
        "fresh": lambda: clients.wrk(field, "load", span, close=True)["rate"],
        "fresh tls": lambda: clients.wrk(field, "load", span, tls=True, close=True)["rate"],
    })
    fresh = statistics.median(found["fresh tls"]) / statistics.median(found["fresh"])
    return Row("TLS", f"P1 by TLS, {CONNECTIONS} kept connections", "/s", True, found["tls"], found["plain"],
               "the same without", None, None,
               [f"a connection for each request: {fresh:.2f} ({statistics.median(found['fresh tls']):.0f}/s)"])


def open_loop(quick, seconds):
    """Latency at half of the capacity, by requests at set times."""
    field = fields.field(quick)
    count, span = rounds_of(quick, seconds, 2)
    capacity = clients.wrk(field, "load", span)["rate"]
    rate = round(capacity / 2)
    figures = [clients.pace(field, rate, span) for _ in range(count)]
    if any(one["refused"] for one in figures):
        raise RuntimeError(f"reads were refused: {figures}")
    return Row("OPEN", "P1 in an open loop at half of the capacity, p50", "µs", False, [one["p50"] for one in figures],
               None, "", None, None,
               [f"{rate}/s of {capacity:.0f}/s; p99 {statistics.median(one['p99'] for one in figures):.0f} µs, most "
                f"{max(one['most'] for one in figures) / 1000:.1f} ms; the generator was late by at most "
                f"{max(one['late'] for one in figures) / 1000:.1f} ms"])


def scaling(quick, seconds):
    """P13, first half: reads by one worker and by two."""
    field = fields.field(quick)
    count, span = rounds_of(quick, seconds, 2)

    def measured(workers):
        field.use_workers(workers)
        warm(field)
        return clients.wrk(field, "load", span)["rate"]

    try:
        found = alternate(
            count, {"four": lambda: measured(4), "two": lambda: measured(2), "one": lambda: measured(1)})
    finally:
        field.use_workers(field.workers)
    row = Row("P13", f"1 → 2 workers: load one customer by id, {CONNECTIONS} connections", "/s", True, found["two"],
              found["one"], "one worker", (0.9, "≥ 0.9"), None)
    row.notes.append(f"{row.ratio / 2:.2f} of twice as much; clients, nginx and database share the same cores")
    more = Row("P13f", f"2 → 4 workers: load one customer by id, {CONNECTIONS} connections", "/s", True,
               found["four"], found["two"], "two workers", notes=f"on {os.cpu_count()} cores")
    return [row, more]


def idle_connections(quick, seconds):
    """P14: fresh clients beside 64 kept connections that are idle."""
    field = fields.field(quick)
    count, span = rounds_of(quick, seconds, 2)
    kept = []

    def measured(connections):
        while len(kept) > connections:
            kept.pop().close()
        while len(kept) < connections:
            kept.append(clients.Kept(f"{field.folder}/state/billing.sock"))
            kept[-1].ask()
        warm(field)
        figures = clients.wrk(field, "load", span, connections=32, close=True)
        standing.append(sum(one.stands() for one in kept) == connections)
        return figures["p99"] / 1000

    standing = []
    field.use_workers(4)
    try:
        found = alternate(count, {"idle": lambda: measured(64), "none": lambda: measured(0)})
    finally:
        for one in kept:
            one.close()
        field.use_workers(field.workers)
    return Row("P14", "load one customer by id, 4 workers, 32 clients that connect anew each time, p99, beside 64 kept "
               "connections that are idle", "ms", False, found["idle"], found["none"], "the same without the idle ones",
               (1.2, "≤ 1.2 ×"), (1.0, "1.0"),
               [] if all(standing) else ["some of the idle ones were closed meanwhile"])


ROWS = [
    ("P1 P2 P3", reads, 300, 24), ("P4", single, 100, 8), ("P5", creates, 240, 30), ("P6", payments, 330, 45),
    ("TLS", with_tls, 100, 0), ("OPEN", open_loop, 60, 8), ("P13", scaling, 100, 8), ("P14", idle_connections, 100, 8),
]


def where(kind):
    """A function that tells where the time of a kind of request goes."""
    return lambda quick: request_breakdown.breakdown(fields.field(quick), kind, quick)


BREAKDOWN = [("P1", where("load")), ("P5", where("create")), ("P6", where("pay"))]
