"""The short forms of S2, S5 and S14 with one stack for all of them: starting one for each would cost too much."""

import crash_points
import cutting
import interleavings
import taken_over
from lab import Lab, Result, conclude


def in_short(seed, seconds, short=True):
    """Some trials of each kind."""
    del short
    seconds = max(seconds, 25)
    with Lab(workers=4, kept=False) as lab:
        points = crash_points.Points(lab, seed, 4)
        points.run(10, seconds / 5)
        subjects = cutting.Cutting(lab, "cuts", seed)
        cutting.cut_all(subjects, seed, seconds / 6, 6)
        found = [points, subjects]
        for test, name, trials, most in (
                ("S2", "lost commit answer", taken_over.lost_answers(subjects, taken_over.is_commit), 2),
                ("S2", "lost processor answer", taken_over.lost_answers(subjects, taken_over.is_to_processor), 2),
                ("S5", "drips and echoes", cutting.drip_trials(subjects, (64,)), 2)):
            found.append(subjects.named(test, name))
            found[-1].run_drawn(trials, most, seconds / 12)
        found.append(subjects.named("S2", "stopped worker woken"))
        taken_over.stop_workers(found[-1], seconds / 8, True, 1)
        passes = crash_points.PassPoints(lab, seed)
        passes.run(1, seconds / 6)
        together = Result("S14", "interleavings", seed)
        interleavings.play_pairs(lab, together, seed, seconds / 5, True)
        return [one.result.as_dict() for one in [*found, passes]] + [conclude(lab, together)]


# Of the short run only: the full one has each by itself.
TESTS = [("S2", in_short, 0, 25)]
