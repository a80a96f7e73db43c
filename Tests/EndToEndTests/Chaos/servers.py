"""A private PostgreSQL 15 server of the stack: durable, on a Unix socket only."""

import os
import pwd
import signal
import subprocess

from processes import Component, alive, as_user, children_of, clean_environment, wait_until

PROGRAMS = "/usr/lib/postgresql/15/bin"
SETTINGS = """\
listen_addresses = ''
unix_socket_directories = '{folder}'
max_connections = {connections}
{library}
fsync = on
synchronous_commit = on
full_page_writes = on
shared_buffers = 64MB
dynamic_shared_memory_type = mmap
max_wal_size = {wal}
min_wal_size = 32MB
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_line_prefix = '%m [%p] %u@%d %a '
log_error_verbosity = terse
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
"""


class Server:
    """One server: its folder holds the socket, the log and (on a volume of its own, if wanted) the data."""

    def __init__(self, folder, user, database, connections=100, wal="1GB", library=True):
        self.folder, self.user, self.database = folder, user, database
        self.data = f"{folder}/volume/data"
        self.connections, self.wal, self.library = connections, wal, library
        self.log = f"{folder}/log"
        self.environment = clean_environment()
        self.component = Component(
            [f"{PROGRAMS}/postgres", "-D", self.data], folder, self.log, user, self.environment)

    @property
    def url(self):
        """The connection string for the program, without a user."""
        return f"host={self.folder} dbname={self.database}"

    @property
    def pid(self):
        """The postmaster."""
        return self.component.pid

    def run(self, *words):
        """Runs a program of PostgreSQL as the server's user to its end."""
        return subprocess.run(
            [*as_user(self.user), f"{PROGRAMS}/{words[0]}", *words[1:]], env=self.environment, cwd=self.folder,
            capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)

    def make(self, template=None):
        """Makes the data, or copies those of a server that was stopped in order, and the settings."""
        if template:
            subprocess.run([*as_user(self.user), "cp", "-a", "--reflink=auto", template, self.data], check=True,
                           capture_output=True)
        else:
            self.initialize()
        library = "shared_preload_libraries = 'pg_stat_statements'" if self.library else ""
        with open(f"{self.data}/postgresql.conf", "w", encoding="utf-8") as file:
            file.write(SETTINGS.format(
                folder=self.folder, connections=self.connections, library=library, wal=self.wal))

    def initialize(self):
        """Makes the data, empty."""
        self.run("initdb", "--pgdata", self.data, "--username", "postgres", "--auth", "trust", "--encoding", "UTF8",
                 "--locale", "C.UTF-8", "--data-checksums", "--no-sync", "--wal-segsize", "16")

    def mount(self, megabytes):
        """Puts the data on a volume of that size, before they are made; False where mounting is not permitted."""
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700,uid={pwd.getpwnam(self.user).pw_uid}", "chaos",
             f"{self.folder}/volume"], capture_output=True, check=False)
        return done.returncode == 0

    def start(self, seconds=60):
        """Starts it, and waits until it accepts connections if a time is given for that."""
        self.component.start()
        if seconds:
            self.await_acceptance(seconds)

    def accepts(self):
        """Whether it accepts connections, in pg_isready's words."""
        done = subprocess.run([f"{PROGRAMS}/pg_isready", "-q", "-h", self.folder], env=self.environment, check=False)
        return done.returncode == 0

    def await_acceptance(self, seconds=60):
        """Waits until it accepts connections; it must not have ended meanwhile."""
        def ready():
            assert self.component.runs(), f"the server ended: see {self.log}"
            return self.accepts()
        wait_until(ready, seconds, f"{self.folder} accepts connections", 0.01)

    def stop(self):
        """Ends it in order."""
        self.component.end(signal.SIGINT, 60)

    def kill(self):
        """Kills the postmaster and all its children, and waits until every one is gone."""
        pids = [self.pid, *children_of(self.pid)]
        for pid in pids:
            self.signal_one(pid, signal.SIGKILL)
        self.component.process.wait()
        wait_until(lambda: not any(alive(pid) for pid in pids), 20, "the server's processes end", 0.005)

    def stop_immediately(self):
        """`pg_ctl stop -m immediate`."""
        self.run("pg_ctl", "stop", "-m", "immediate", "-w", "-D", self.data)
        self.component.process.wait()

    def processes(self):
        """The postmaster and its children."""
        return [self.pid, *children_of(self.pid)]

    def signal_all(self, number):
        """Sends a signal to the postmaster and all its children: SIGSTOP, SIGCONT."""
        for pid in self.processes():
            self.signal_one(pid, number)

    @staticmethod
    def signal_one(pid, number):
        """Sends a signal to one process, which may be gone."""
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass

    def sql(self, text, database=None):
        """Runs SQL as the superuser; rows as lists of texts (null is the empty text)."""
        done = subprocess.run(
            ["psql", "-X", "-q", "-At", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "postgres",
             "-d", database or self.database, "-f", "-"],
            input=text, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"psql: {done.stderr.strip()}")
        return [line.split("\x1f") for line in done.stdout.split("\n") if line]
