"""The programs that ask: wrk, pgbench and the open loop; and a FastCGI client that asks a worker itself."""

import json
import os
import re
import socket
import struct
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
PGBENCH = "/usr/lib/postgresql/15/bin/pgbench"


def run(field, words, seconds, environment=None):
    """Runs a client to its end below the field's folder, where it ends with the field; its output."""
    done = subprocess.run(words, cwd=field.folder, env=environment or field.stack.environment, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=seconds + 60, check=False)
    if done.returncode:
        raise RuntimeError(f"{os.path.basename(words[0])}: {done.stdout[-1000:]}{done.stderr[-1000:]}")
    return done.stdout + done.stderr


def wrk(field, kind, seconds, connections=8, tls=False, close=False, tolerated=0.0):
    """Requests of a kind (requests.lua) as fast as they are answered; its figures, `rate` among them.

    More refusals than tolerated, as a part of all, are an error.
    """
    host = f"https://localhost:{field.stack.port}" if tls else f"http://127.0.0.1:{field.plain_port}"
    text = run(field, ["wrk", f"-c{connections}", "-t1", f"-d{max(1, round(seconds))}s", "--timeout", "30s",
                       "-s", f"{HERE}/requests.lua", host, "--", kind, str(field.first), str(field.count),
                       str(field.next_seed()), field.login, *(["close"] if close else [])], seconds)
    found = json.loads(re.search("^FIGURES (.*)$", text, re.MULTILINE).group(1))
    bad = found["refused"] + found["failed"]
    if found["requests"] == 0 or found["failed"] or bad > tolerated * found["requests"]:
        raise RuntimeError(f"wrk {kind}: {found}")
    found["rate"] = (found["requests"] - bad) / found["seconds"]
    return found


def pace(field, rate, seconds, connections=64):
    """Reads of customers at set times; the figures."""
    return json.loads(run(field, [
        field.program("pace"), str(field.plain_port), str(rate), str(seconds), str(connections), str(field.first),
        str(field.count), str(field.next_seed()), field.login], seconds))


def pgbench(field, script, seconds, clients=8, user="billing_api", threads=1):
    """A script, (text, {variable: value}), with prepared statements as the product's role; transactions a second."""
    text, constants = script
    path = f"{field.folder}/script.sql"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    environment = dict(field.stack.environment, PGOPTIONS=field.session_options())
    values = {"first": field.first, "count": field.count, "apart": field.apart, "n": 0, **constants}
    words = [PGBENCH, "-n", "-M", "prepared", f"-c{clients}", f"-j{threads}", f"-T{max(1, round(seconds))}", "-f", path,
             f"--random-seed={field.next_seed()}", *(f"-D{name}={value}" for name, value in values.items()),
             "-h", field.stack.books.folder, "-U", user, field.stack.books.database]
    said = run(field, words, seconds, environment)
    if "abort" in said or "ERROR" in said:
        raise RuntimeError(f"pgbench: {said[-3000:]}")
    return float(re.search(r"^tps = ([0-9.]+)", said, re.MULTILINE).group(1))


class Kept:
    """One kept FastCGI connection to a worker, as nginx holds it."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(path)

    def ask(self, uri="/healthz", **more):
        """One GET, with more parameters; the head and body that came."""
        names = {"REQUEST_METHOD": "GET", "REQUEST_URI": uri, "QUERY_STRING": "", "SERVER_PROTOCOL": "HTTP/1.1",
                 "REMOTE_ADDR": "127.0.0.1", "HTTPS": "on", "HTTP_HOST": "localhost", "HTTP_X_REQUEST_ID": "bench",
                 **more}
        pairs = b"".join(struct.pack("!BB", len(name), len(value)) + name.encode() + value.encode()
                         for name, value in names.items())
        self.socket.sendall(record(1, struct.pack("!HB5x", 1, 1)) + record(4, pairs) + record(4, b"")
                            + record(5, b""))
        text = b""
        while True:
            head = self.read(8)
            _, kind, _, length, padding = struct.unpack("!BBHHBx", head)
            body = self.read(length + padding)[:length]
            if kind == 6:
                text += body
            elif kind == 3:
                return text.decode()

    def read(self, count):
        """So many bytes."""
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise EOFError("the worker closed the connection")
            data += more
        return data

    def stands(self):
        """Whether the other end has not closed it."""
        self.socket.setblocking(False)
        try:
            return self.socket.recv(1, socket.MSG_PEEK) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            self.socket.settimeout(30)

    def close(self):
        """Ends it."""
        self.socket.close()


def record(kind, body):
    """A record of FastCGI."""
    return struct.pack("!BBHHBx", 1, kind, 1, len(body), 0) + body
