"""A proxy that speaks the PostgreSQL v3 message framing and disturbs sessions at round trips.

A round is what a client sends up to its Sync, named by the prepared statements that it runs; its answer is what the
server sends up to ReadyForQuery. Both are held whole, so that a director (directors.py) decides before a round goes to
the server, when its answer has come and when that was delivered. Listens on a Unix socket, `FOLDER/.s.PGSQL.5432`.
"""

import asyncio
import os
import socket
import struct
import threading

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102
PORT = 5432


class Round:
    """One round trip of a session: what was asked, and what was answered so far."""

    def __init__(self, number, messages):
        self.number = number
        self.request = b"".join(messages)
        self.answer = b""
        self.statements = [name for name in map(statement_of, messages) if name]
        self.name = shortened(self.statements) or "empty"
        self.lengths = [len(one) for one in messages]

    def has(self, *statements):
        """Whether one of these statements is run in it."""
        return any(one in statements for one in self.statements)


def statement_of(message):
    """The statement that a Bind or Query message runs; None for other messages."""
    kind, body = message[:1], message[5:]
    if kind == b"B":
        name = body.split(b"\0", 2)[1].decode()
        return name.split("#", 1)[0]
    if kind == b"Q":
        return "text: " + " ".join(body.rstrip(b"\0").decode(errors="replace").split()[:3])
    return None


def shortened(names):
    """Names in their order, the same one after itself counted."""
    runs = []
    for name in names:
        if runs and runs[-1][0] == name:
            runs[-1][1] += 1
        else:
            runs.append([name, 1])
    return " + ".join(name if count == 1 else f"{name} x{count}" for name, count in runs)


class Session:
    """One connection of a client: who it is, and both its ends."""

    def __init__(self, proxy, reader, writer):
        self.proxy, self.reader, self.writer = proxy, reader, writer
        raw = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        self.pid = struct.unpack("3i", raw)[0]
        self.server = None
        self.backend = 0
        self.options = {}
        self.rounds = 0
        self.waiting = []

    @property
    def place(self):
        return self.proxy.name

    async def run(self):
        """Both directions, until one of them ends; then both are closed."""
        tasks = []
        try:
            start = await self.startup()
            if start is None:
                return
            self.server_reader, self.server = await asyncio.open_unix_connection(self.proxy.target, limit=1 << 26)
            if struct.unpack("!i", start[4:8])[0] == CANCEL_REQUEST:
                self.server.write(start)
                await self.server.drain()
                return
            first = Round(0, [])
            first.request, first.name = start, "connect"
            tasks = [asyncio.create_task(self.upwards(first)), asyncio.create_task(self.downwards())]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        except (OSError, EOFError):
            pass
        finally:
            self.close()
            for task in tasks:
                task.cancel()
            # Why it ended is no concern of ours, unless the fault is in here.
            for error in await asyncio.gather(*tasks, return_exceptions=True):
                if error is not None and not isinstance(error, (OSError, EOFError, Ended, asyncio.CancelledError)):
                    self.proxy.faults.append(repr(error))
            self.proxy.sessions.discard(self)
            self.proxy.director.ended(self)

    def close(self):
        for one in (self.writer, self.server):
            if one is not None:
                one.close()

    async def startup(self):
        """The start packet; encryption is refused before it."""
        while True:
            head = await self.reader.readexactly(8)
            length, code = struct.unpack("!ii", head)
            rest = await self.reader.readexactly(length - 8)
            if code not in (SSL_REQUEST, GSS_REQUEST):
                words = rest.split(b"\0")
                self.options = {words[i].decode(): words[i + 1].decode() for i in range(0, len(words) - 2, 2)}
                return head + rest
            self.writer.write(b"N")
            await self.writer.drain()

    async def upwards(self, first):
        """Rounds from the client to the server."""
        await self.pass_on(first)
        messages = []
        while True:
            head = await self.reader.readexactly(5)
            body = await self.reader.readexactly(struct.unpack("!i", head[1:])[0] - 4)
            if head[:1] == b"X":
                self.server.write(head + body)
                await self.server.drain()
                return
            messages.append(head + body)
            if head[:1] in b"SQ":
                self.rounds += 1
                await self.pass_on(Round(self.rounds, messages))
                messages = []
            elif head[:1] == b"p":
                self.server.write(messages.pop())

    async def pass_on(self, one):
        """Asks the director, and sends a round to the server as that says."""
        await self.proxy.director.request(self, one)
        self.waiting.append(one)
        self.server.write(one.request)
        await self.server.drain()
        await self.proxy.director.sent(self, one)

    async def downwards(self):
        """Answers from the server to the client, each held until it is whole."""
        while True:
            try:
                head = await self.server_reader.readexactly(5)
                body = await self.server_reader.readexactly(struct.unpack("!i", head[1:])[0] - 4)
            except asyncio.IncompleteReadError:
                if self.waiting:
                    self.writer.write(self.waiting[0].answer)
                    await self.writer.drain()
                raise
            if head[:1] == b"K":
                self.backend = struct.unpack("!i", body[:4])[0]
            if not self.waiting:
                self.writer.write(head + body)
                await self.writer.drain()
                continue
            one = self.waiting[0]
            one.answer += head + body
            if head[:1] == b"Z":
                await self.proxy.director.answer(self, one)
                self.waiting.pop(0)
                self.writer.write(one.answer)
                await self.writer.drain()
                await self.proxy.director.delivered(self, one)


class Ended(Exception):
    """Thrown by a director: both ends of the session are to be closed."""


class Director:
    """Lets everything pass; others decide more. All of it runs in the proxy's own thread."""

    async def request(self, session, one):
        """Before a round goes to the server."""

    async def sent(self, session, one):
        """It has gone; the answer may be on its way."""

    async def answer(self, session, one):
        """The answer has come whole, the client has nothing of it yet."""

    async def delivered(self, session, one):
        """The client has the answer."""

    def ended(self, session):
        """The session is no more."""


class Proxy:
    """A proxy before one server; `director` may be replaced at any time."""

    def __init__(self, name, folder, target):
        self.name, self.folder, self.target = name, folder, target
        self.path = f"{folder}/.s.PGSQL.{PORT}"
        self.director = Director()
        self.sessions = set()
        self.faults = []

    async def open(self):
        os.makedirs(self.folder, exist_ok=True)
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.listener = await asyncio.start_unix_server(self.accept, self.path, limit=1 << 26)
        # Who may come here is decided by the folder.
        os.chmod(self.path, 0o777)

    async def accept(self, reader, writer):
        session = Session(self, reader, writer)
        self.sessions.add(session)
        await session.run()


class Proxies:
    """Several proxies in a thread of their own: `{"books": (folder, socket of the server), …}`."""

    def __init__(self, places):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.each = {name: Proxy(name, folder, target) for name, (folder, target) in places.items()}
        for one in self.each.values():
            asyncio.run_coroutine_threadsafe(one.open(), self.loop).result(10)

    def direct(self, director):
        """All sessions follow this director from now on; none: everything passes."""
        director = director or Director()
        for one in self.each.values():
            one.director = director
        return director

    def faults(self):
        return [fault for one in self.each.values() for fault in one.faults]

    def close(self):
        async def end():
            for one in self.each.values():
                one.listener.close()
                for session in list(one.sessions):
                    session.close()
            while any(one.sessions for one in self.each.values()):
                await asyncio.sleep(0.01)

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
