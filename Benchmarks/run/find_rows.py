"""P10: searches among many customers through the REST interface: each filter, and two together.

The customers are those of `Benchmarks/search/customers.sql`: 200,000, with `BIG=1` ten million (more than half an hour
to load). Of each search the first page is asked for again and again, and the page that `next` leads to a thousand pages
later, if there are so many: the last one else. Without TLS, one connection, pages of 100 rows.
"""

import base64
import http.client
import os
import re
import subprocess
import time

from books import HERE, BenchStack
from processes import clean_environment
from report import Row

BIG = os.environ.get("BIG", "") not in ("", "0")
ACCOUNT = 9001
PAGES = 1000
FILTERS = """
firstName=Mary lastName=smi lastName=Smithson organizationName=North email=*@example.com email=*@uni.edu email=*777@*
phone=*7919 phone=%2B1%20207* street=77%20Main street=*77%20station* city=King city=*ville state=KS state=CA zipCode=0*
countryCode=JP status=A status=I balanceFrom=1 createDateFrom=2024-01-03&createDateTo=2024-01-04 organizationName=*gym*
organizationName=*none* organizationName=*gym*&city=King organizationName=*gym*&state=KS lastName=Smi&city=King
lastName=*mann*&street=*77%20elm* firstName=Mary&state=CA state=KS&countryCode=JP
""".split() + [""]


class Searcher:
    """A kept connection of a service user."""

    def __init__(self, stack, merchant):
        pair = f"{merchant.user}:{merchant.password}".encode()
        self.headers = {"Authorization": "Basic " + base64.b64encode(pair).decode(), "Accept": "application/json"}
        self.connection = http.client.HTTPConnection("127.0.0.1", stack.plain_port, timeout=60)

    def get(self, path):
        """Seconds, the status, the path of the next page or None."""
        began = time.monotonic()
        self.connection.request("GET", path, headers=self.headers)
        answer = self.connection.getresponse()
        answer.read()
        seconds = time.monotonic() - began
        found = re.search(r'<(?:https?://[^/]*)?([^>]*)>;\s*rel="next"', answer.headers.get("Link", ""))
        return seconds, answer.status, found and found[1]

    def times(self, path, number):
        """Milliseconds of so many requests, those of failures as a minute each."""
        found = []
        for _ in range(number):
            seconds, status, _ = self.get(path)
            found.append(seconds * 1000 if status == 200 else 60_000.0)
            if seconds > 2:
                break
        return found


def load(stack, rows):
    """The merchant account and its customers."""
    stack.last_account = ACCOUNT - 1
    merchant = stack.merchant(clock=None)
    subprocess.run(
        ["psql", "-X", "-q", "-h", stack.books.folder, "-U", "billing_owner", "-d", "billing", "-v", f"rows={rows}",
         "-v", f"account={ACCOUNT}", "-f", f"{HERE}/../search/customers.sql"],
        env=clean_environment(), check=True, capture_output=True, stdin=subprocess.DEVNULL)
    stack.settle()
    return merchant


def deep(searcher, path, pages, seconds):
    """The page so many pages later, or the last one there is or there was time for: its path and its number.

    The way there is made in pages of 1000 rows.
    """
    began, number, onward = time.monotonic(), 1, f"{path}&limit=1000"
    while number + 10 <= pages and time.monotonic() - began < seconds:
        _, status, onward = searcher.get(onward)
        if status != 200 or not onward:
            break
        path, number = re.sub("limit=1000", "limit=100", onward), number + 10
    return path, number


def high(times):
    """The 99th percentile."""
    return sorted(times)[min(len(times) - 1, int(len(times) * 0.99))]


def searches(quick, seconds):
    """A row of all filters' first pages, one of their deep pages, and the slowest named."""
    rows = 20_000 if quick else 10_000_000 if BIG else 200_000
    number, pages = (20, 101) if quick else (100, PAGES + 1)
    patience = max(seconds, 10) / len(FILTERS) / 2
    first, later, reached = {}, {}, {}
    with BenchStack() as stack:
        stack.serve_requests()
        searcher = Searcher(stack, load(stack, rows))
        for one in FILTERS:
            path = f"/api/v01/customers?accountId={ACCOUNT}" + (f"&{one}" if one else "")
            # The first ones find the pages in memory for the others, and the statement prepared in each worker.
            searcher.times(path, 5)
            first[one] = searcher.times(path, number)
            there, reached[one] = deep(searcher, path, pages, patience)
            if reached[one] > 1:
                searcher.times(there, 5)
                later[one] = searcher.times(there, number)
        searcher.connection.close()
    return [row(f"find, first page, {rows:,} customers, p99 of the slowest filter", first, {}),
            row(f"find, page {pages - 1:,} by next, p99 of the slowest filter", later, reached)]


def row(what, times, reached):
    """The slowest filter is what counts; the others above the reach are named."""
    slow = sorted(((high(found), one) for one, found in times.items()), reverse=True)
    worst, name = slow[0]
    over = [f"{one or 'none'} {figure:.0f} ms" for figure, one in slow if figure > 20]
    within = sum(figure <= 5 for figure, _ in slow)
    notes = [f"{len(slow)} searches, slowest: {name or 'no filter'}; {within} of them within 5 ms",
             "requests that failed count as 60 s"]
    if over:
        notes.append("above 20 ms: " + ", ".join(over))
    if reached:
        notes.append(f"pages reached: {min(reached.values())} to {max(reached.values())}, as far as a search has rows")
    return Row("P10", what, "ms", False, [worst], None, "", (20, "≤ 20 ms"), (5, "5 ms"), notes=notes)


ROWS = [("P10", searches, 300, 20)]


def main():
    """Tries the row."""
    for one in searches(os.environ.get("QUICK", "") not in ("", "0"), 20):
        print(one.cells())


if __name__ == "__main__":
    main()
