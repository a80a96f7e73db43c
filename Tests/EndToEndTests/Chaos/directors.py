"""What the proxy does to sessions: count their rounds, kill or stop their process, cut, stall, drip, answer twice.

A director is given to all proxies of a stack, so that rounds to the books and to the processor are counted together.
"""

import asyncio
import os
import signal
import threading

from proxy import Director, Ended

# Before a round goes to the server; gone, but its answer not awaited; carried out, the answer not delivered; delivered.
PHASES = ("before", "during", "after", "delivered")
# Rounds that only a new worker adds, which has not seen the password yet.
FIRST_LOGIN = (["login.success"], ["user.load", "login.block"])


# Processes that were killed: what of theirs still comes in is no concern of a later trial.
KILLED = set()


def kill(pid, number=signal.SIGKILL):
    """Sends a signal to a process that may be gone."""
    if number == signal.SIGKILL:
        KILLED.add(pid)
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


class Counting(Director):
    """Notes the rounds of the processes that `concerns(pid)` names; connecting counts only where wanted."""

    def __init__(self, concerns, connects=False):
        self.concerns, self.connects = concerns, connects
        self.steps = []
        self.places = {}

    def place_of(self, session, one):
        """The number of a round among those that count, from 0; None of one that does not."""
        if one.number == 0 and not self.connects or one.statements in FIRST_LOGIN or not self.concerns(session.pid):
            return None
        if id(one) not in self.places:
            if session.pid in KILLED:
                return None
            # The round is kept with it: its id is not given to another while this director lives.
            self.places[id(one)] = (len(self.steps), one)
            self.steps.append((session.place, one.name, one))
        return self.places[id(one)][0]

    async def request(self, session, one):
        self.place_of(session, one)

    def names(self):
        """The steps as people read them."""
        return [f"{place} {number}: {name}" for number, (place, name, _) in enumerate(self.steps)]


class At(Counting):
    """Does something at one phase of the round with a given number, once; `fired` is set then."""

    def __init__(self, concerns, number, phase, connects=False):
        super().__init__(concerns, connects)
        self.number, self.phase = number, phase
        self.fired = threading.Event()
        self.pid = None

    async def act(self, session, one):
        """What is to be done."""
        raise NotImplementedError

    async def meet(self, session, one, phase):
        if self.fired.is_set() or self.place_of(session, one) != self.number or phase != self.phase:
            return
        self.pid = session.pid
        self.fired.set()
        await self.act(session, one)

    async def request(self, session, one):
        self.place_of(session, one)
        await self.meet(session, one, "before")

    async def sent(self, session, one):
        await self.meet(session, one, "during")

    async def answer(self, session, one):
        await self.meet(session, one, "after")

    async def delivered(self, session, one):
        await self.meet(session, one, "delivered")


class KillAt(At):
    """Kills the client's process there; what was not sent or delivered by then never is."""

    async def act(self, session, one):
        kill(session.pid)
        if self.phase in ("before", "after"):
            raise Ended


class StopAt(At):
    """Stops the client's process there (SIGSTOP); somebody else wakes it."""

    async def act(self, session, one):
        kill(session.pid, signal.SIGSTOP)


class StopBeforeProcessor(StopAt):
    """Stops the client's process when it is about to send to the processor for the first time."""

    def __init__(self, concerns):
        super().__init__(concerns, 0, "before")

    def place_of(self, session, one):
        return super().place_of(session, one) if session.place == "processor" and one.number else None


class LoseAnswer(At):
    """Closes the connection in place of an answer: the client lives, and does not know."""

    async def act(self, session, one):
        raise Ended


class CutMany(Counting):
    """Closes the connection after so many bytes of an answer or request, several times in one doing.

    `pool` holds the lengths still to be tried for each (place, name of the round, "answer" or "request"), each with
    whether it is at an edge; what is cut is taken out, from the end. With `edges`, only what is at one.
    """

    def __init__(self, concerns, pool, chance, most=8, likelihood=0.25, edges=False):
        super().__init__(concerns)
        self.pool, self.chance, self.most, self.likelihood, self.edges = pool, chance, most, likelihood, edges
        self.cuts = []

    def drawn(self, session, one, kind, data):
        """A length for this round, taken out of the pool; None when it is let pass."""
        if self.place_of(session, one) is None or len(self.cuts) >= self.most:
            return None
        lengths = self.pool.get((session.place, one.name, kind))
        if not lengths or self.chance.random() > self.likelihood:
            return None
        # What was prepared before is shorter than what is prepared now: the last one that fits is taken.
        place = next((place for place in range(len(lengths) - 1, -1, -1) if lengths[place][1] < len(data)), None)
        if place is None or self.edges and not lengths[place][0]:
            return None
        _, length = lengths.pop(place)
        self.cuts.append(f"{kind} of {session.place}: {one.name} after {length} bytes")
        return length

    async def request(self, session, one):
        length = self.drawn(session, one, "request", one.request)
        if length is not None:
            session.server.write(one.request[:length])
            await session.server.drain()
            raise Ended

    async def answer(self, session, one):
        length = self.drawn(session, one, "answer", one.answer)
        if length is not None:
            session.writer.write(one.answer[:length])
            await session.writer.drain()
            raise Ended


class Stall(At):
    """Holds a round or its answer for so many seconds."""

    def __init__(self, concerns, number, phase, seconds):
        super().__init__(concerns, number, phase)
        self.seconds = seconds

    async def act(self, session, one):
        await asyncio.sleep(self.seconds)


class Drip(Counting):
    """Hands answers, and rounds where wanted, on in pieces of so many bytes, each sent by itself."""

    def __init__(self, concerns, piece, requests=True):
        super().__init__(concerns)
        self.piece, self.requests = piece, requests

    async def dripped(self, writer, data):
        """All but the last piece, each by itself; gives back the rest."""
        while len(data) > self.piece:
            writer.write(data[:self.piece])
            await writer.drain()
            await asyncio.sleep(0)
            data = data[self.piece:]
        return data

    async def request(self, session, one):
        if self.place_of(session, one) is not None and self.requests:
            one.request = await self.dripped(session.server, one.request)

    async def answer(self, session, one):
        if self.place_of(session, one) is not None:
            one.answer = await self.dripped(session.writer, one.answer)


class AnswerTwice(At):
    """Delivers an answer of the processor two times: the one with this number among those."""

    def __init__(self, concerns, number):
        super().__init__(concerns, number, "after")

    def place_of(self, session, one):
        return super().place_of(session, one) if session.place == "processor" else None

    async def act(self, session, one):
        one.answer += one.answer
