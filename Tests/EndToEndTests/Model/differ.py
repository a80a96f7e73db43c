"""Plays histories in the model and through the REST interface, and shows the first difference, shortened.

    differ.py --run-dir FOLDER --port N --binary FILE [--seed N] [--histories N] [--minutes N] [--length N]

MODEL_SEED and MODEL_HISTORIES say the same as --seed and --histories. A file from --keep is played by --replay.
"""

import argparse
import copy
import json
import os
import re
import subprocess
import sys
import time

import histories
import play


def billing(arguments, options):
    """Runs the `billing` command of the stack under test."""
    environment = dict(os.environ, BILLING_RUN_DIR=options.run_dir)
    done = subprocess.run([options.binary, *arguments], env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"billing {arguments[0]} {arguments[1]}: {done.stdout}{done.stderr}")
    return done.stdout


class Accounts:
    """Merchant accounts for histories: each gets its own number and service user."""

    def __init__(self, options):
        self.options, self.last = options, options.account

    def make(self, history):
        self.last += 1
        number = str(self.last)
        values = {name: ",".join(map(str, value)) if isinstance(value, list) else value
                  for name, value in history["policy"].items()}
        sets = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
        billing(["account", "create", "--id", number, "--name", "Model", "--time-zone", history["zone"], *sets,
                 "--json"], self.options)
        user = f"api-model-{number}"
        made = json.loads(billing(["user", "create", user, "--account", number, "--json"], self.options))
        authority = os.path.join(self.options.run_dir, "ca.pem")
        return play.client.Client(self.options.port, authority, user, made["password"]), number


def outcome(history, accounts, settle):
    """The first difference of a history, or None; and how many steps were played."""
    player = play.Player(*accounts.make(history), history, settle)
    return player.run(), player


def shortened(history, difference, accounts, settle, seconds):
    """Drops steps as long as a difference of the same kind remains."""
    end = time.monotonic() + seconds
    best, kind = history, difference.kind
    best = dict(best, steps=best["steps"][:difference.step + 1])
    size = max(1, len(best["steps"]) // 2)
    while size >= 1:
        place = 0
        while place < len(best["steps"]):
            if time.monotonic() > end:
                return best, difference
            trial = copy.deepcopy(best)
            del trial["steps"][place:place + size]
            found = outcome(trial, accounts, settle)[0]
            if found and found.kind == kind:
                best, difference = dict(trial, steps=trial["steps"][:found.step + 1]), found
            else:
                place += size
        size //= 2
    return best, difference


def plain(history):
    """A history without the policy fields that are the default."""
    base = play.account.POLICY
    shown = {name: value for name, value in history["policy"].items() if value != base[name]}
    lines = [f"policy {json.dumps(shown)} zone {history['zone']}"]
    for step in history["steps"]:
        rest = {name: value for name, value in step.items() if name not in ("kind", "format") and value is not None}
        lines.append(f"  {step['kind']} {json.dumps(rest)}")
    # No card number stands in a test's output, not even one that is a test card.
    return re.sub(r'"\d{6,12}(\d{4})"', r'"…\1"', "\n".join(lines))


def read_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--run-dir", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("MODEL_SEED", "1")))
    parser.add_argument("--histories", type=int, default=int(os.environ.get("MODEL_HISTORIES", "1000000")))
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--length", type=int)
    parser.add_argument("--account", type=int, default=int(time.time() * 50) % 2_000_000_000)
    parser.add_argument("--settle", action="store_true", help="a pass after each step: a jobs process is awake")
    parser.add_argument("--shorten", type=float, default=60, help="seconds spent on a shorter history")
    parser.add_argument("--replay", help="a history from --keep")
    parser.add_argument("--keep", help="write the shortened history to this file")
    parser.add_argument("--all", action="store_true", help="go on after a difference")
    return parser.parse_args()


def main():
    options = read_options()
    accounts = Accounts(options)
    begun, steps, requests, differences = time.monotonic(), 0, 0, 0
    count = 1 if options.replay else options.histories
    played = 0
    for number in range(count):
        if time.monotonic() - begun > options.minutes * 60:
            break
        seed = options.seed + number
        if options.replay:
            with open(options.replay, encoding="utf-8") as file:
                history = json.load(file)
        else:
            history = histories.history(seed, options.length)
        difference, player = outcome(history, accounts, options.settle)
        played += 1
        steps += player.played
        requests += player.client.requests
        if difference is None:
            continue
        differences += 1
        print(f"seed {seed}: {difference}", flush=True)
        if options.shorten > 0 and not options.replay:
            history, difference = shortened(history, difference, accounts, options.settle, options.shorten)
            print(f"shortened: {difference}")
        print(plain(history), flush=True)
        if options.keep:
            with open(options.keep, "w", encoding="utf-8") as file:
                json.dump(history, file)
        if not options.all:
            break
    print(f"seeds {options.seed}-{options.seed + played - 1}: {played} histories, {steps} steps, "
          f"{requests} requests, {differences} differences, {time.monotonic() - begun:.0f} s")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
