"""Rows of the processes: what a worker keeps in memory, and how soon the server answers."""

import statistics
import time

import clients
import field as fields
from report import Row


def close():
    """Ends the field that all of them share."""
    fields.close()


def memory_of(pid):
    """A process's memory in MB: all of it that is resident, its share of it, what is its own, what is of files."""
    found = {}
    for name in ("status", "smaps_rollup"):
        with open(f"/proc/{pid}/{name}", encoding="ascii") as file:
            for line in file:
                words = line.split()
                if words and words[0].rstrip(":") in ("VmRSS", "RssAnon", "RssFile", "Pss"):
                    found[words[0].rstrip(":")] = int(words[1]) / 1024
    return found


def mapped(pid, most=5):
    """The files that most of a process's memory is mapped from, in words."""
    sums, name = {}, ""
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if "-" in words[0] and not words[0].endswith(":"):
                name = words[-1].rsplit("/", 1)[-1] if len(words) > 5 else "no file"
            elif words[0] == "Rss:":
                sums[name] = sums.get(name, 0) + int(words[1]) / 1024
    largest = sorted(sums.items(), key=lambda one: -one[1])[:most]
    return ", ".join(f"{name} {size:.1f}" for name, size in largest)


def memory(quick, seconds):
    """P11: a worker's memory after so many mixed requests, and how much more it is after as many again."""
    field = fields.field(quick)
    wanted = 3_000 if quick else 100_000
    field.use_workers(1)
    try:
        pid = field.stack.worker_pools()["main"][0]
        fresh, done, looks = memory_of(pid), 0, []
        for goal in (wanted, 2 * wanted):
            end = time.monotonic() + seconds / 2
            while done < goal and time.monotonic() < end:
                done += clients.wrk(field, "mixed", 2 if quick else 10, tolerated=1)["requests"]
            looks.append((done, memory_of(pid)))
        largest = mapped(pid)
        if field.stack.worker_pools()["main"] != [pid]:
            raise RuntimeError("the worker was replaced meanwhile")
    finally:
        field.use_workers(field.workers)
    (first, after), (last, later) = looks
    grown = 1024 * (later["VmRSS"] - after["VmRSS"])
    told = [f"Pss {after['Pss']:.1f} MB; its own (anonymous) {after['RssAnon']:.1f} MB; of the program and its "
            f"libraries, shared by all workers, {after['RssFile']:.1f} MB; {fresh['VmRSS']:.1f} MB before the first "
            f"request", f"largest: {largest}"]
    if not quick and done < 2 * wanted:
        told.append(f"the time was over before {2 * wanted:,}")
    return [
        Row("P11", f"resident memory (VmRSS) of a worker after {first:,} mixed requests", "MB", False, [after["VmRSS"]],
            reach=(20, "≤ 20 MB"), aim=(12, "≤ 12 MB"), notes=told),
        # A page more or less is no growth; what grows with each request is more than that.
        Row("P11 growth", f"its growth over the next {last - first:,}", "KB", False, [grown],
            reach=(256, "0 (≤ 256 KB)"), aim=(0, "0"),
            notes=[f"anonymous {1024 * (later['RssAnon'] - after['RssAnon']):+.0f} KB"]),
    ]


def start(quick, seconds):
    """P12: from the start of `billing serve` to its first answer."""
    del seconds
    field = fields.field(quick)
    path = f"{field.folder}/state/billing.sock"
    samples, reads = [], []
    for _ in range(3 if quick else 9):
        field.stack.serve.end()
        began = time.monotonic()
        field.stack.serve.start()
        samples.append(first_answer(path, began, "/healthz"))
        reads.append(first_answer(path, began, f"/api/v01/customers/{field.first}",
                                  HTTP_AUTHORIZATION=f"Basic {field.login}"))
    return Row("P12", "`billing serve` to its first answer, database up", "s", False, samples, reach=(0.5, "≤ 0.5 s"),
               aim=(0.1, "0.1 s"),
               notes=[f"{field.workers} workers; a customer loaded, password verified: "
                      f"{statistics.median(reads):.3f} s"])


def first_answer(path, began, uri, **more):
    """Seconds from then on until a request is answered well."""
    while True:
        try:
            one = clients.Kept(path)
            text = one.ask(uri, **more)
            one.close()
            if text.startswith("Status: 200") or "\nStatus: 200" in text or "Status:" not in text:
                return time.monotonic() - began
        except (OSError, EOFError):
            pass
        if time.monotonic() - began > 30:
            raise TimeoutError(f"no good answer to {uri} within 30 s")
        time.sleep(0.001)


ROWS = [("P11", memory, 600, 10), ("P12", start, 20, 5)]
