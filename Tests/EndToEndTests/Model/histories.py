"""Random histories of one merchant account: a policy, some customers, and steps, all plain values."""

import random

ZONES = ["UTC", "UTC", "America/New_York", "Pacific/Auckland", "Asia/Kolkata"]
CARDS = ["4111111111111111", "5499740000000057", "6011000991001201", "371449635392376", "4217651111111119"]
FATED = ["4000000000000002", "4000000000009995", "4000000000000069", "4000000000000259"]
BANK = "4099999992"
# Ranges of the sandbox processor that say something else than yes.
TELLING = [7200, 7700, 8200, 8700, 9200, 9700, 10200, 10700, 11200, 11700, 12200, 12700, 13700, 14200, 15500, 16500]


def amount(rng):
    drawn = rng.random()
    if drawn < 0.3:
        return rng.choice(TELLING) + rng.randrange(100)
    if drawn < 0.4:
        return rng.choice([17000, 25000, 499, 1])
    return rng.randrange(500, 6900)


def policy(rng):
    fee = lambda: rng.choice([0, 0, 100, 250])
    return {
        "balancingAlgorithm": rng.choice(["AB", "IF"]),
        "invoiceLeadDays": rng.choice([0, 0, 0, 5, 14]),
        "closeSalesDays": rng.choice([0, 0, 0, 2, 5]),
        "retryDays": rng.choice([[3, 5, 7], [3, 5, 7], [1], [2, 2], []]),
        "onRetriesExhausted": rng.choice(["none", "none", "pause", "cancel"]),
        "lateFeeAmount": rng.choice([0, 0, 500]), "lateFeeGraceDays": rng.choice([10, 3, 0]),
        "softDeclineFee": fee(), "hardDeclineFee": fee(), "retryFee": fee(), "chargebackFee": fee(),
        "enrollmentFee": fee(), "cancellationFee": fee(), "freezeFlatFee": fee(),
        "freezeRecurringFee": rng.choice([0, 0, 300, 900]), "writeOffDays": rng.choice([0, 0, 0, 45, 90]),
        "claimReturnDays": rng.choice([3, 3, 1, 5]), "settlementTime": rng.choice(["17:00", "09:30"]),
    }


def option(rng):
    drawn = rng.random()
    if drawn < 0.25:
        return {"card": BANK, "bank": True}
    if drawn < 0.4:
        return {"card": rng.choice(FATED)}
    return {"card": rng.choice(CARDS)}


def subscription(rng):
    amount_drawn = amount(rng)
    return {
        "cycle": rng.choice("WWMMMQ"), "interval": rng.choice([1, 1, 1, 2]), "amount": amount_drawn,
        "tax": rng.choice([0, 0, amount_drawn // 10]), "after": rng.choice([0, 0, 1, 3, 10, 27]),
        "length": rng.choice([None, None, 1, 3, 5]),
    }


def customer(rng):
    options = [option(rng) for _ in range(rng.choice([0, 1, 1, 1]))]
    return {"kind": "customer", "options": options,
            "subscriptions": [subscription(rng) for _ in range(rng.choice([1, 1, 2, 3]))]}


def means(rng):
    return rng.choice(["K", "H", "E"])


def create(rng):
    kind = rng.choice(["RI", "RC", "RF", "RL", "RA", "AP", "AP", "AR", "AA", "APL", "APW"])
    step = {"kind": "create", "type": kind[:2], "amount": rng.randrange(100, 7000)}
    if kind == "APL" or kind == "APW":
        step["means"] = kind[2]
    elif kind in ("AP", "AR"):
        step["means"] = means(rng)
    if kind == "AR" and rng.random() < 0.5:
        step["source"] = rng.randrange(1000)
    if kind[0] == "R" and rng.random() < 0.3:
        step["tax"] = step["amount"] // 5
    if rng.random() < 0.15:
        step["due"] = rng.choice([-20, -3, 2, 9])
    if kind in ("AP", "RC", "RI", "RF") and rng.random() < 0.3:
        step["subscription"] = rng.randrange(10)
    if kind == "AP" and rng.random() < 0.4:
        step["listed"] = [rng.randrange(1000) for _ in range(rng.choice([1, 2]))]
    return step


def process(rng):
    step = {"kind": "process", "amount": amount(rng), "option": rng.choice([None, None, rng.randrange(10)])}
    if rng.random() < 0.3:
        step["listed"] = [rng.randrange(1000) for _ in range(rng.choice([1, 2]))]
    if rng.random() < 0.2:
        step["subscription"] = rng.randrange(10)
    if rng.random() < 0.2:
        step["raw"] = rng.choice(CARDS)
        step["csc"] = rng.random() < 0.5
    return step


def early(rng):
    """A subscription that begins later, a payment for it, and perhaps an end or a stop before its first bill."""
    later = dict(subscription(rng), kind="subscription", option=None, after=rng.choice([2, 3, 10, 27, 45]))
    paid = rng.choice([later["amount"], later["amount"] // 2 + 1, later["amount"] * 3, rng.randrange(100, 7000)])
    payment = {"kind": "process", "option": None, "amount": paid, "subscription": -1}
    if rng.random() < 0.7:
        payment = {"kind": "create", "type": "AP", "means": means(rng), "amount": paid, "subscription": -1}
    steps = [later, payment]
    if rng.random() < 0.3:
        steps.append(clock(rng))
    stop = rng.choice(["cancel", "cancel", "pause", "freeze", None, None, None])
    if stop == "freeze":
        steps.append({"kind": stop, "subscription": -1, "cycles": 0, "length": rng.choice([1, 2]), "off": 0})
    elif stop:
        steps.append({"kind": stop, "subscription": -1, "after": rng.choice([0, 0, 1, 2, 9])})
    return steps


def clock(rng):
    drawn = rng.random()
    if drawn < 0.15:
        return {"kind": "clock", "days": 0, "hours": rng.choice([1, 6, 10])}
    if drawn < 0.3:
        return {"kind": "clock", "days": rng.choice([1, 3]), "at": "18:00:00"}
    return {"kind": "clock", "days": rng.choice([1, 2, 3, 4, 7, 10, 17, 31])}


def one_step(rng):
    drawn = rng.random()
    if drawn < 0.36:
        return clock(rng)
    pick = rng.choices(
        ["process", "refund", "create", "reverse", "cancel", "freeze", "pause", "resume", "active",
         "move", "switch", "option", "delete", "subscription", "preview"],
        [4, 3, 7, 7, 2, 4, 3, 4, 1, 2, 2, 4, 1, 1, 2])[0]
    step = {"kind": pick}
    if pick == "process":
        step = process(rng)
    elif pick == "create":
        step = create(rng)
    elif pick == "refund":
        step.update(source=rng.randrange(1000), part=rng.choice([1.0, 0.5, 0.3, 1.2]))
    elif pick == "reverse":
        # Mostly something recent.
        step.update(source=rng.choice([-1, -1, -2, -2, -3, -4, -5, rng.randrange(1000)]))
    elif pick in ("cancel", "pause"):
        step.update(subscription=rng.randrange(10), after=rng.choice([0, 0, 1, 5, 20, 40, -3]))
    elif pick == "freeze":
        step.update(subscription=rng.randrange(10), cycles=rng.choice([0, 0, 1, 2]), length=rng.choice([1, 2, 3]),
                    off=rng.choice([0, 0, 0, 0, 0, 1]))
    elif pick in ("resume", "preview"):
        step.update(subscription=rng.randrange(10))
    elif pick == "move":
        step.update(subscription=rng.randrange(10), option=rng.randrange(10))
    elif pick == "switch":
        step.update(option=rng.randrange(10))
        step.update(rng.choice([{"active": True}, {"active": False}, {"default": True}]))
    elif pick == "option":
        step.update(option(rng), default=rng.choice([None, None, True]))
    elif pick == "delete":
        step.update(option=rng.randrange(10))
    elif pick == "subscription":
        step.update(subscription(rng), option=rng.choice([None, rng.randrange(10)]))
    return step


def absence(rng):
    """A freeze or pause that an inactive customer's bills fall into, and its end: resumed, active again, cancelled, in any order."""
    which = {"subscription": rng.randrange(10)}
    stop = dict(which, kind="freeze", cycles=rng.choice([0, 0, 1]), length=rng.choice([1, 2, 3]), off=0)
    if rng.random() < 0.3:
        stop = dict(which, kind="pause", after=rng.choice([0, 5, 20]))
    begin = [stop, {"kind": "active", "active": False}]
    if rng.random() < 0.5:
        begin.insert(rng.choice([0, 1]), {"kind": "clock", "days": rng.choice([3, 10])})
    rng.shuffle(begin)
    end = [dict(which, kind="resume"), {"kind": "active", "active": True, "at_once": rng.random() < 0.5}]
    if rng.random() < 0.3:
        end.append(dict(which, kind="cancel", after=rng.choice([0, -3, 5])))
    elif rng.random() < 0.3:
        end.append(dict(which, kind="pause", after=0))
    rng.shuffle(end)
    middle = [{"kind": "clock", "days": rng.choice([7, 17, 31, 45])}]
    after = [dict(which, kind="preview"), {"kind": "active", "active": True}, dict(which, kind="preview"),
             {"kind": "clock", "days": rng.choice([3, 31])}]
    if rng.random() < 0.4:
        end.insert(rng.randrange(1, len(end)), {"kind": "clock", "days": rng.choice([1, 7, 31])})
    whose = rng.randrange(10)
    return [dict(step, of=whose) for step in begin + middle + end + after]


def money_step(rng):
    """Payments, refunds and what undoes them, in any order: of what is left, all or a part, by the processor or in cash."""
    drawn = rng.random()
    if drawn < 0.18:
        return {"kind": "clock", "days": rng.choice([0, 1, 1, 3]), "hours": 6, "at": "18:00:00"}
    recent = rng.choice([-1, -1, -2, -3, rng.randrange(1000)])
    if drawn < 0.32:
        paid = {"kind": "process", "amount": rng.choice([500, 1000, 7200, 16500])}
        return dict(paid, option=rng.choice([None, None, rng.randrange(10)]))
    if drawn < 0.38:
        return {"kind": "create", "type": "AP", "means": means(rng), "amount": rng.choice([500, 1000])}
    if drawn < 0.45:
        return dict(create(rng), listed=[])
    part = rng.choice([1.0, 1.0, 0.4, 1.1])
    if drawn < 0.58:
        return {"kind": "refund", "source": recent, "part": part, "left": True}
    if drawn < 0.72:
        return {"kind": "create", "type": "AR", "means": means(rng), "amount": 300, "source": recent, "part": part}
    kinds = rng.choice([["AR"], ["AR"], ["AG"], ["AP", "AC"], ["RC", "RI", "AA"], None])
    return {"kind": "reverse", "source": recent, "kinds": kinds}


def history(seed, length=None):
    """The history of a seed; one in four is about money going back and forth."""
    rng = random.Random(seed)
    step_of = money_step if random.Random(f"money {seed}").random() < 0.25 else one_step
    people = rng.choice([1, 2, 2, 3])
    steps = [customer(rng) for _ in range(people)]
    drawn, count = [], length or rng.randrange(30, 61)
    while len(drawn) < count:
        chance = 1 if step_of is money_step else rng.random()
        if chance < 0.05:
            drawn += absence(rng)
        elif chance < 0.11:
            # Those of one payment in advance concern one customer, too.
            person = rng.randrange(people)
            drawn += [dict(step, of=person) for step in early(rng)]
        else:
            drawn.append(step_of(rng))
    for step in drawn:
        # Those of one absence concern one customer.
        person = step.pop("of", None)
        step["customer"] = rng.randrange(people) if person is None else person % people
        if step["kind"] == "active" and "active" not in step:
            step["active"] = rng.random() < 0.6
        steps.append(step)
    for number, step in enumerate(steps):
        step["format"] = f"{seed}.{number}"
    return {"seed": seed, "policy": policy(rng), "zone": rng.choice(ZONES), "steps": steps}
