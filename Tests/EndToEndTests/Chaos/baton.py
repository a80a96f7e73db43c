"""Two doers under one baton: each of their rounds is held until a schedule lets it go."""

import asyncio
import threading
import time

from proxy import Director

# What only reads who asks, or is no matter of the customer: it goes by itself.
FREE = {"user.load", "login.block", "login.success"}
# A doer that has made so many rounds more than when alone waits for the other by asking again and again.
MORE = 20
# Seconds within which a round comes to something: longer than each limit of one, and than a request's 20 s.
STUCK = 30


class Baton(Director):
    """Holds each round of the doers A and B; `step` lets one go, and says what came of it."""

    def __init__(self, proxies, servers):
        self.loop, self.servers = proxies.loop, servers
        self.change = threading.Condition()
        self.owners = {}
        self.expected = None
        self.held = {}
        self.flying = {}
        self.done = {}
        self.made = {"A": 0, "B": 0}
        self.trace = []
        # Who neither came to a round nor to an end, and waited for nobody: as long as STUCK.
        self.stuck = []
        self.concerns = None

    # In the proxies' thread

    async def request(self, session, one):
        with self.change:
            if session.pid not in self.owners and self.expected and self.concerns(session.pid):
                self.owners[session.pid], self.expected = self.expected, None
            owner = self.owners.get(session.pid)
            if owner is None or one.number == 0 or set(one.statements) <= FREE:
                return
            go = asyncio.Event()
            self.held[owner] = (session, one, go)
            self.change.notify_all()
        await go.wait()

    def ended(self, session):
        with self.change:
            for owner, (other, _, _) in list(self.held.items()):
                if other is session:
                    del self.held[owner]
            self.change.notify_all()

    # In the harness's thread

    def expects(self, owner):
        """The next process that comes and is none's yet is this doer's: one at a time."""
        with self.change:
            self.change.wait_for(lambda: self.expected is None, 30)
            for pid in [pid for pid, one in self.owners.items() if one == owner]:
                del self.owners[pid]
            self.expected = owner

    def finish(self, owner, outcome):
        """The doer has its outcome."""
        with self.change:
            self.done[owner] = outcome
            if self.expected == owner:
                self.expected = None
            for pid in [pid for pid, one in self.owners.items() if one == owner]:
                del self.owners[pid]
            self.change.notify_all()

    def at_rest(self, owner):
        return owner in self.held or owner in self.done

    def await_start(self, owner, seconds=20):
        """Waits until the doer's first round is held, or it has ended."""
        with self.change:
            return self.change.wait_for(lambda: self.at_rest(owner), seconds)

    def step(self, owner):
        """Lets the doer's next round go: held (at the one after it), done, or blocked by the other."""
        with self.change:
            if owner in self.done:
                return "done"
            if owner in self.held:
                session, one, go = self.held.pop(owner)
                self.flying[owner] = session
                self.made[owner] += 1
                self.trace.append(f"{owner} {session.place}: {one.name}")
                self.loop.call_soon_threadsafe(go.set)
            end = time.monotonic() + STUCK
            while not self.change.wait_for(lambda: self.at_rest(owner), 0.03):
                session = self.flying.get(owner)
                if session and self.servers[session.place].sql(
                        f"select 1 where cardinality(pg_blocking_pids({session.backend})) > 0"):
                    return "blocked"
                if time.monotonic() > end:
                    self.stuck.append(f"{owner} after {self.trace[-1:]}")
                    return "stuck"
            return "done" if owner in self.done else "held"

    def play(self, schedule, alone):
        """Plays (doer, rounds or None for all of them) one after the other, then lets both end."""
        for owner, rounds in schedule:
            turns = 0
            while (rounds is None or turns < rounds) and self.made[owner] < alone[owner] + MORE:
                if self.step(owner) != "held":
                    break
                turns += 1
        end = time.monotonic() + 60
        while len(self.done) < 2:
            for owner in ("A", "B"):
                self.step(owner)
            if time.monotonic() > end:
                raise RuntimeError(f"the two do not end: {self.trace[-6:]}")
