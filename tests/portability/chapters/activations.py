"""Chapter 02: what its sentences about training rest on."""

from functools import cache, partial

import numpy as np

from tests.portability.claims import Claim
from tests.portability.summaries import gradient_ratios, lowest_median_highest, reached
from utils.chapters.activations import runs
from utils.nn.activations import leaky_relu, prelu, rrelu

ten_layers = cache(runs.ten_layers)


def histories(name, seeds=5, **options):
    return [ten_layers(name, seed, **options) for seed in range(seeds)]


def eight_functions():
    """Accuracies of five seeds, and the gradient of the first layer divided by that of the last before training."""
    found = {}
    for name in runs.EIGHT:
        found |= lowest_median_highest(name, reached(histories(name)))
        before = [gradient_ratios(history)[0] for history in histories(name)]
        found[f"{name}, gradient first/last"] = np.median(before)
    return found


def twenty_epochs():
    return {f"{name}, median": np.median(reached(histories(name, epochs=20))) for name in ("SiLU", "ReLU")}


def larger_rates():
    found = {}
    for rate in (0.3, 0.5):
        for name in ("ReLU", "ELU", "SELU", "tanh"):
            some = histories(name, seeds=2, rate=rate)
            finite = sum(bool(np.isfinite(history.train_loss[-1])) for history in some)
            found |= lowest_median_highest(f"{name}, rate {rate}", reached(some))
            found |= {f"{name}, rate {rate}, finite losses": finite}
    return found


def dying():
    found = {}
    for preset, rate, bias in (("half asleep", 0.3, -1.0), ("born dead", 0.3, -2.0), ("too fast", 1.0, 0.0)):
        for name in runs.THREE:
            dead, scores = runs.dying(name, rate, bias)
            found[f"{preset}, {name}"] = scores[-1]
            if name == "ReLU" and preset == "half asleep":
                found |= {"half asleep, dead at first": dead[0, 2], "half asleep, dead after 3": dead[3, 2]}
    return found


def learned_slopes():
    """Losses of PReLU with one slope, and with one for each unit, against the fixed slope it starts from."""
    fixed = [runs.small_data(partial(leaky_relu, negative_slope=0.25), seed) for seed in range(3)]
    found = {}
    for name, number in (("one slope", 1), ("a slope for each unit", 64)):
        start = {"weight": np.full(number, 0.25)}
        learned = [runs.small_data(prelu, seed, slopes=start) for seed in range(3)]
        quotients, differences = np.divide(learned, fixed)[:, 0], np.subtract(learned, fixed)[:, 1]
        found |= {
            f"{name}, training loss, smallest quotient": quotients.min(),
            f"{name}, training loss, largest quotient": quotients.max(),
            f"{name}, held-out loss, smallest rise": differences.min(),
            f"{name}, held-out loss, largest rise": differences.max(),
        }
    return found


def random_slopes():
    """Mean rise of both losses by random slopes, against their mean slope, four seeds."""
    mean_slope, change = partial(leaky_relu, negative_slope=11 / 48), []
    for seed in range(4):
        drawn = partial(rrelu, rng=np.random.default_rng(100 + seed), training=True)
        random = runs.small_data(drawn, seed, tested_with=rrelu)
        change.append(np.subtract(random, runs.small_data(mean_slope, seed)))
    train_change, test_change = np.mean(change, axis=0)
    return {"training loss, rise": train_change, "held-out loss, rise": test_change}


GUESSES = (0.08, 0.15)
CLAIMS = [
    Claim(
        "eight functions",
        "2.7; quiz 02.f",
        "Where a fifth of the gradient arrives the median is at 94 % or more; where less than 1 % arrives ten epochs are not enough; "
        "leaky ReLU has four good seeds and a late one.",
        eight_functions,
        within={
            "sigmoid, highest": GUESSES,
            "SiLU, highest": (0.2, 0.5),
            "ReLU, lowest": (0.75, 0.85),
            "ReLU, highest": (0.86, 0.92),
            "tanh, lowest": (0.86, 0.95),
            "tanh, median": (0.93, 0.98),
            "ELU, lowest": (0.93, 0.98),
            "SELU, median": (0.92, 0.985),
            "leaky ReLU, lowest": (0.3, 0.65),
            "leaky ReLU, median": (0.87, 0.94),
            "sigmoid, gradient first/last": (4e-6, 7e-6),
            "SiLU, gradient first/last": (0.002, 0.004),
            "ReLU, gradient first/last": (0.035, 0.05),
            "tanh, gradient first/last": (0.22, 0.3),
            "ELU, gradient first/last": (0.2, 0.27),
            "SELU, gradient first/last": (0.8, 1.05),
        },
        order=(
            "sigmoid, median < SiLU, median < ReLU, median < leaky ReLU, median < tanh, median < ELU, median",
            "ReLU, median < softsign, median < tanh, median",
        ),
    ),
    Claim(
        "twenty epochs",
        "2.7",
        "In twenty epochs SiLU's median is at 70 % or more, ReLU's above 85 %.",
        twenty_epochs,
        within={"SiLU, median": (0.65, 0.92), "ReLU, median": (0.84, 0.98)},
    ),
    Claim(
        "larger rates",
        "2.7",
        "At 0.3 SELU overflows, at 0.5 ELU is lost too and ReLU hardly learns; only tanh learns at all three rates.",
        larger_rates,
        within={
            "SELU, rate 0.3, finite losses": (0, 0),
            "SELU, rate 0.5, finite losses": (0, 0),
            "ELU, rate 0.3, highest": (0.75, 1),
            "ELU, rate 0.5, highest": GUESSES,
            "ReLU, rate 0.5, highest": (0.1, 0.6),
            "tanh, rate 0.3, lowest": (0.75, 1),
            "tanh, rate 0.5, lowest": (0.6, 1),
        },
        order=(
            "ReLU, rate 0.3, lowest < tanh, rate 0.3, lowest",
            "ReLU, rate 0.5, highest < tanh, rate 0.5, lowest",
        ),
    ),
    Claim(
        "units that die",
        "2.2; quiz 02.b",
        "Of the third layer's ReLUs 72 % are dead at first and about 41 % after three epochs; born dead only ELU learns; too fast nobody does.",
        dying,
        within={
            "half asleep, dead at first": (0.7, 0.74),
            "half asleep, dead after 3": (0.3, 0.55),
            "born dead, ReLU": GUESSES,
            "born dead, leaky ReLU": (0.1, 0.3),
            "born dead, ELU": (0.85, 0.97),
            "too fast, ReLU": GUESSES,
            "too fast, leaky ReLU": GUESSES,
            "too fast, ELU": GUESSES,
        },
        quick=True,
    ),
    Claim(
        "slopes that are learned",
        "2.2, aside",
        "On a hundred digits one learned slope lowers the training loss and raises the held-out one; a slope for each unit changes nothing.",
        learned_slopes,
        within={
            "one slope, training loss, largest quotient": (0.4, 0.8),
            "one slope, held-out loss, smallest rise": (0.01, 0.2),
            "a slope for each unit, training loss, smallest quotient": (0.95, 1.05),
            "a slope for each unit, training loss, largest quotient": (0.95, 1.05),
            "a slope for each unit, held-out loss, smallest rise": (-0.01, 0.01),
            "a slope for each unit, held-out loss, largest rise": (-0.01, 0.01),
        },
        quick=True,
    ),
    Claim(
        "slopes that are random",
        "2.2, aside",
        "On a hundred digits random slopes change neither loss.",
        random_slopes,
        within={"training loss, rise": (-1e-3, 1e-3), "held-out loss, rise": (-0.01, 0.01)},
        quick=True,
    ),
]
