"""Processes of one run folder: started as an unprivileged user, found by their working folder, ended with the harness.

A guard, a process of its own, holds the reading end of a pipe whose writing end only the harness has. When that is
closed, however the harness ended, the guard ends every process that works below the folder and removes the folder.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time


def wait_until(condition, seconds, words, interval=0.02):
    """Asks until the condition gives something true, and gives that; TimeoutError after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s: {words}")
        time.sleep(interval)


def unprivileged_user():
    """Whose processes they are: ours, or, of root, `billing`."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    for name in ("billing", "postgres"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise SystemExit("there is neither a user billing nor postgres: start a stack once (make start)")


def as_user(user):
    """The words before a command that make it that user's."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid", user, "--regid", str(pwd.getpwnam(user).pw_gid), "--init-groups", "--"]


def settings_of(preload):
    """The words before a command that give it more of an environment, and not what makes it another user's."""
    return ["env", *(f"{name}={value}" for name, value in preload.items())] if preload else []


def clean_environment(**more):
    """The caller's environment without what could lead to another stack or server; a planted fault stays on."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("PG", "BILLING_")) or name == "BILLING_TEST_FAULT"}
    return dict(kept, LC_ALL="C.UTF-8", **more)


def working_in(folder):
    """All processes whose working folder is this one or below it."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                place = os.readlink(f"/proc/{name}/cwd")
            except OSError:
                continue
            if (place + "/").startswith(folder + "/") or place.startswith(folder + " "):
                found.append(int(name))
    return found


def parent_and_state(pid):
    """A process's parent and state letter; None when there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), fields[0]


def children_of(parent):
    """The living children of a process."""
    try:
        with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as file:
            pids = [int(word) for word in file.read().split()]
    except OSError:
        return []
    return [pid for pid in pids if alive(pid)]


def program_of(pid):
    """The file name of a process's program; empty when the process is gone."""
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return ""


def alive(pid):
    """Whether a process is there and is not a zombie."""
    found = parent_and_state(pid)
    return found is not None and found[1] not in "ZX"


def send(pid, number):
    """Sends a signal; False when the process is gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def end_all(folder):
    """Ends what works below a folder: database servers in their own way first, for their shared memory's sake."""
    for pid in working_in(folder):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"/postgres") and b"-D" in words:
            send(pid, signal.SIGCONT)
            send(pid, signal.SIGQUIT)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        left = working_in(folder)
        if not left:
            return
        servers = [pid for pid in left if program_of(pid) == "postgres"]
        for pid in left:
            # A server has three seconds to end by itself.
            if pid not in servers or end - time.monotonic() < 17:
                send(pid, signal.SIGKILL)
        time.sleep(0.02)


class Guard:
    """The process that ends and removes everything of a folder when the harness is gone or says so."""

    def __init__(self, folder):
        reader, self.line = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), folder], stdin=reader, start_new_session=True,
            stdout=subprocess.DEVNULL, cwd="/")
        os.close(reader)

    def end(self):
        """Ends and removes everything."""
        if self.line is not None:
            os.close(self.line)
            self.line = None
            self.process.wait()


class Component:
    """A program that is started, and started again, in a folder of the stack, with its output appended to a file."""

    def __init__(self, words, folder, log, user, environment, preload=None):
        self.words, self.folder, self.log = words, folder, log
        self.preload = settings_of(preload)
        self.user, self.environment = user, environment
        self.process = None
        self.starts = 0

    @property
    def pid(self):
        """The number of the process, dead or alive; None before the first start."""
        return self.process.pid if self.process else None

    def start(self):
        """Starts it; what was before must have ended."""
        assert not self.runs(), "it runs already"
        script = 'umask 027; ulimit -c 0; cd "$1" && exec >>"$2" 2>&1; shift 2; exec "$@"'
        self.process = subprocess.Popen(
            [*as_user(self.user), *self.preload, "sh", "-c", script, "component", self.folder, self.log, *self.words],
            stdin=subprocess.DEVNULL, start_new_session=True, env=self.environment)
        self.starts += 1

    def runs(self):
        """Whether it lives; takes note of its end."""
        return self.process is not None and self.process.poll() is None

    def tell(self, number):
        """Sends a signal to its main process."""
        return self.runs() and send(self.process.pid, number)

    def kill(self):
        """Kills its main process and waits for its end."""
        self.tell(signal.SIGKILL)
        if self.process:
            self.process.wait()

    def end(self, number=signal.SIGTERM, seconds=20):
        """Asks it to end and waits for it."""
        self.tell(number)
        if self.process:
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()


if __name__ == "__main__":
    sys.stdin.buffer.read()
    try:
        end_all(sys.argv[1])
    except OSError as error:
        print(f"the guard of {sys.argv[1]}: {error}", file=sys.stderr)
    for path in (f"{sys.argv[1]}/books/volume", f"{sys.argv[1]}/processor/volume"):
        if os.path.ismount(path):
            subprocess.run(["umount", "-l", path], check=False)
    shutil.rmtree(sys.argv[1], ignore_errors=True)
