"""What a chaos test found, and the table of all of them."""

import soundness


class Result:
    """One test: what was injected, what broke, how long it took to serve again, how to repeat it."""

    def __init__(self, test, name, seed):
        self.test, self.name, self.seed = test, name, seed
        self.injected, self.told = {}, {}
        self.verdict = soundness.Verdict()
        self.again = None

    def inject(self, what, number):
        """Counts what was done to the product."""
        self.injected[what] = self.injected.get(what, 0) + number

    def tell(self, what, value):
        """Notes a figure; numbers of the same name are summed."""
        old = self.told.get(what)
        self.told[what] = old + value if isinstance(old, (int, float)) and isinstance(value, (int, float)) else value

    def take(self, verdict):
        """Adds what `soundness.check` found."""
        for name in ("broken", "lost", "double"):
            getattr(self.verdict, name).extend(getattr(verdict, name))
        for what, number in verdict.counts.items():
            self.tell(what, number)

    def as_dict(self):
        """All of it, for programs."""
        verdict = self.verdict
        return {
            "test": self.test, "name": self.name, "seed": self.seed, "injected": self.injected, "figures": self.told,
            "broken": verdict.broken, "lost": verdict.lost, "double": verdict.double,
            "secondsToServeAgain": self.again, "repeat": f"make chaos ONLY={self.test} SEED={self.seed}",
        }


def table(results):
    """The results, as dicts, in Markdown."""
    lines = ["| test | seed | injected | broken | lost | double | serving again | figures | repeat |",
             "|---|---|---|---|---|---|---|---|---|"]
    for one in results:
        words = [", ".join(f"{number} {what}" for what, number in one["injected"].items()),
                 *(str(len(one[name])) for name in ("broken", "lost", "double")),
                 "" if one["secondsToServeAgain"] is None else f"{one['secondsToServeAgain']:.2f} s",
                 ", ".join(f"{what}: {value}" for what, value in one["figures"].items()), f"`{one['repeat']}`"]
        lines.append(f"| {one['test']} {one['name']} | {one['seed']} | {' | '.join(words)} |")
    return "\n".join(lines)


def is_sound(one):
    """Whether nothing broke, was lost or was done twice."""
    return not any(one[name] for name in ("broken", "lost", "double"))


def complaints(one, most=20):
    """What broke in a test, in sentences."""
    found = [f"{name}: {line}" for name in ("broken", "lost", "double") for line in one[name]]
    return [f"{one['test']} {line}" for line in found[:most]]
