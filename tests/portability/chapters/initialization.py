"""Chapter 03: what its sentences about training rest on."""

from functools import cache, partial

import numpy as np

from tests.portability.claims import Claim
from tests.portability.summaries import gradient_ratios, lowest_median_highest, reached
from utils.chapters.initialization import runs
from utils.chapters.initialization.explore.equal_units import different_units
from utils.nn import initialization as init
from utils.nn.activations import relu, sigmoid, tanh

ACTIVATIONS = {"ReLU": relu, "tanh": tanh, "sigmoid": sigmoid}
SCHEMES = {
    "LeCun": init.lecun_normal,
    "Xavier": init.xavier_normal,
    "He": init.kaiming_normal,
    "He, fan-out": partial(init.kaiming_normal, mode="fan_out"),
    "orthogonal": init.orthogonal,
    "orthogonal, sqrt 2": partial(init.orthogonal, gain=2**0.5),
    "nn.Linear": partial(init.kaiming_uniform, negative_slope=5**0.5),
    "uniform 0.07": partial(init.uniform, a=-0.07, b=0.07),
    "4 LeCun": lambda shape, rng: 4 * init.lecun_normal(shape, rng),
    "8 LeCun": lambda shape, rng: 8 * init.lecun_normal(shape, rng),
} | {f"normal {std}": partial(init.normal, std=std) for std in (0.01, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)}


@cache
def trained(activation, scheme, **options):
    """Parameters and History of the travelling network, from names."""
    return runs.travelling_network(SCHEMES[scheme], ACTIVATIONS[activation], **options)


def histories(activation, scheme, seeds=5, **options):
    return [trained(activation, scheme, seed=seed, **options)[1] for seed in range(seeds)]


def spread(*pairs):
    """Lowest, median and highest accuracy of five seeds for each pair of activation and scheme."""
    found = {}
    for activation, scheme in pairs:
        found |= lowest_median_highest(f"{activation}, {scheme}", reached(histories(activation, scheme)))
    return found


def window():
    found = {}
    for std in (0.1, 0.2, 0.4):
        found |= lowest_median_highest(f"{std}", reached(histories("ReLU", f"normal {std}", seeds=2)))
    losses = [history.train_loss[-1] for history in histories("ReLU", "normal 0.4", seeds=2)]
    return found | {"0.4, finite losses": np.isfinite(losses).sum()}


def relu_by_scheme():
    found = {}
    for scheme in ("LeCun", "Xavier", "He"):
        found |= lowest_median_highest(scheme, reached(histories("ReLU", scheme)))
    return found | {
        "He, second lowest": sorted(reached(histories("ReLU", "He")))[1],
        "He before LeCun, median": found["He, median"] - found["LeCun, median"],
    }


def gradients_per_layer():
    """Gradient of the first layer divided by that of the last, of five seeds."""
    found = {}
    for scheme in ("LeCun", "He", "nn.Linear"):
        ratios = np.array([gradient_ratios(history) for history in histories("ReLU", scheme)])
        found |= lowest_median_highest(f"{scheme} at epoch 0", ratios[:, 0])
        if scheme != "nn.Linear":
            found |= lowest_median_highest(f"{scheme} at epoch 10", ratios[:, -1])
    return found


def other_starts():
    pairs = [
        ("ReLU", "nn.Linear"), ("ReLU", "orthogonal, sqrt 2"), ("tanh", "Xavier"), ("tanh", "orthogonal"),
        ("sigmoid", "Xavier"), ("sigmoid", "4 LeCun"), ("sigmoid", "8 LeCun"),
    ]  # fmt: skip
    return spread(*pairs)


def smaller_rate():
    found = {}
    for scheme in ("LeCun", "Xavier", "He"):
        small, usual = (reached(histories("ReLU", scheme, 3, **rate)) for rate in ({"rate": 0.03}, {}))
        found |= lowest_median_highest(f"{scheme}, rate 0.03", small)
        found[f"{scheme}, median, lost by the smaller rate"] = np.median(usual) - np.median(small)
    return found


def shallow():
    found = {}
    for layers in (2, 3, 4):
        for scheme in ("normal 0.01", "nn.Linear", "He"):
            some = reached(histories("ReLU", scheme, 3, layers=layers))
            found |= lowest_median_highest(f"{layers} layers, {scheme}", some)
    return found


def with_batch_norm():
    """He's weights times a factor, three epochs, two seeds."""
    found = {}
    for factor in (0.1, 1, 10):
        scheme = lambda shape, rng, factor=factor: factor * init.kaiming_normal(shape, rng)
        plain = [runs.travelling_network(scheme, seed=seed, epochs=3)[1] for seed in range(2)]
        with_it = [runs.with_batch_norm(factor * 2**0.5, seed=seed)[1] for seed in range(2)]
        found |= lowest_median_highest(f"times {factor}, plain", reached(plain))
        found |= lowest_median_highest(f"times {factor}, batch norm", reached(with_it))
    return found


def assumptions_after_training():
    found = {}
    for activation, scheme in (("tanh", "Xavier"), ("ReLU", "He")):
        some = [trained(activation, scheme, seed=seed)[0] for seed in range(5)]
        ratios = np.mean(
            [runs.against_prediction(params, ACTIVATIONS[activation]) for params in some], axis=0
        )
        found |= {
            f"{activation}, smallest of the layers": ratios.min(),
            f"{activation}, last layer": ratios[-1],
        }
    return found


def what_training_adds():
    """LeCun's way back through eight layers in its three factors, and the ratios of (3.4) with shuffled rows."""
    back = [runs.way_back(trained("ReLU", "LeCun", seed=seed)[0], relu) for seed in range(5)]
    found = {}
    for what, sizes in zip(("weights", "fit", "ReLU"), np.sqrt(np.prod(back, axis=2)).T):
        found |= {f"way back, {what}, lowest": sizes.min(), f"way back, {what}, highest": sizes.max()}
    for activation, scheme in (("tanh", "Xavier"), ("ReLU", "He")):
        blind = [runs.rows_shuffled(trained(activation, scheme, seed=seed)[0], seed) for seed in range(5)]
        ratios = np.mean([runs.against_prediction(one, ACTIVATIONS[activation]) for one in blind], axis=0)
        found |= {
            f"{activation}, shuffled, smallest": ratios.min(),
            f"{activation}, shuffled, largest": ratios.max(),
        }
    return found


def too_large_a_rate():
    return {
        "ReLU, He, rate 0.5, highest": max(reached(histories("ReLU", "He", 2, rate=0.5))),
        "tanh, Xavier, rate 1, highest": max(reached(histories("tanh", "Xavier", 2, rate=1.0))),
    }


def noise_on_twins():
    all_trained = runs.train_all()
    usual = all_trained["both layers", 1e-6]
    steps = {f"step for noise {e:g}": all_trained["both layers", e].parted for e in (1e-4, 1e-6, 1e-8)}
    return steps | {
        "different units after 2400 steps": different_units(usual.incoming[-1]),
        "loss after 2400 steps": usual.loss[-1],
        "largest difference without noise": all_trained["both layers", 0.0].apart.max(),
    }


def rounding_and_twins():
    """Units that add up in one order, and a unit that adds up backwards; and what matrix products do."""
    found = runs.apart_by_rounding()
    same, another = np.array([[apart for apart in found[step][0]] for step in sorted(found)]).T
    steps = dict(zip(sorted(found), another))
    kept, parted = found[12_000][1]
    early = [runs.parted_by_matrix_products(units, steps=200) for units in (8, 16)]
    return {
        "one order, largest difference": same.max(),
        "another order, after 4000 steps": steps[4000],
        "another order, after 8000 steps": steps[8000],
        "another order, after 12000 steps": steps[12_000],
        "loss after 12000 steps, one order": kept,
        "loss after 12000 steps, another order": parted,
        "8 or 16 units parted by matrix products": sum(step is not None for step in early),
    }


def further_starts():
    wild = [("ReLU", f"normal {std}") for std in (0.15, 0.2, 0.25, 0.3)] + [("ReLU", "He, fan-out")]
    tame = [("tanh", scheme) for scheme in ("nn.Linear", "LeCun", "He", "He, fan-out", "normal 0.4")]
    lost = [
        (activation, scheme) for activation in ("ReLU", "tanh") for scheme in ("normal 0.01", "uniform 0.07")
    ]
    guessing = {
        f"{activation}, {scheme}": reached(histories(activation, scheme, 1))[0] for activation, scheme in lost
    }
    return spread(*wild, *tame) | guessing


GUESSES = (0.08, 0.15)

CLAIMS = [
    Claim(
        "window",
        "The question; 3.4",
        "A standard deviation of 0.2 works; half of it guesses, twice as much overflows.",
        window,
        within={
            "0.1, highest": GUESSES,
            "0.2, lowest": (0.85, 1),
            "0.4, highest": GUESSES,
            "0.4, finite losses": (0, 0),
        },
    ),
    Claim(
        "ReLU by scheme",
        "3.6; quiz 03.g",
        "LeCun's networks reach 80 to 89 %; He's are ahead, their median lies between 91 and 94 %.",
        relu_by_scheme,
        within={
            "LeCun, lowest": (0.75, 0.85),
            "LeCun, highest": (0.86, 0.92),
            "Xavier, median": (0.86, 0.92),
            "He, median": (0.9, 0.95),
            "He, second lowest": (0.86, 0.95),
            "He before LeCun, median": (0.04, 0.12),
        },
        order=("LeCun, median < Xavier, median < He, median",),
    ),
    Claim(
        "gradients per layer",
        "3.6",
        "At epoch 0 the gradients of He are level, those of LeCun fall, those of nn.Linear steeply; after ten epochs LeCun's are level or rise.",
        gradients_per_layer,
        within={
            "He at epoch 0, lowest": (0.3, 1),
            "He at epoch 0, highest": (1, 2),
            "LeCun at epoch 0, lowest": (0.015, 0.05),
            "LeCun at epoch 0, highest": (0.03, 0.08),
            "LeCun at epoch 10, lowest": (0.6, 2),
            "nn.Linear at epoch 0, highest": (0, 6e-4),
        },
    ),
    Claim(
        "other starts and functions",
        "3.6; aside",
        "nn.Linear guesses with ReLU; tanh is content with Xavier; the sigmoid guesses, and larger weights help only to 60 %.",
        other_starts,
        within={
            "ReLU, nn.Linear, highest": (0.08, 0.2),
            "ReLU, orthogonal, sqrt 2, median": (0.91, 0.97),
            "tanh, Xavier, lowest": (0.8, 1),
            "tanh, orthogonal, lowest": (0.87, 1),
            "sigmoid, Xavier, highest": GUESSES,
            "sigmoid, 4 LeCun, highest": (0.2, 0.45),
            "sigmoid, 8 LeCun, lowest": (0.4, 0.6),
            "sigmoid, 8 LeCun, highest": (0.5, 0.65),
        },
    ),
    Claim(
        "a smaller rate",
        "3.6",
        "A smaller rate makes a bad start worse: LeCun and Xavier lose far more than He.",
        smaller_rate,
        within={
            "LeCun, median, lost by the smaller rate": (0.35, 0.6),
            "Xavier, median, lost by the smaller rate": (0.25, 0.5),
            "He, median, lost by the smaller rate": (-0.05, 0.08),
            "He, rate 0.03, lowest": (0.85, 0.95),
        },
        order=("LeCun, rate 0.03, median < Xavier, rate 0.03, median < He, rate 0.03, median",),
    ),
    Claim(
        "shallow networks",
        "3.6",
        "Two layers learn from any start; with three, 0.01 already fails, while nn.Linear still learns.",
        shallow,
        within={
            "2 layers, normal 0.01, lowest": (0.92, 1),
            "2 layers, nn.Linear, lowest": (0.92, 1),
            "2 layers, He, lowest": (0.92, 1),
            "3 layers, normal 0.01, highest": (0.1, 0.35),
            "3 layers, nn.Linear, lowest": (0.91, 1),
            "3 layers, He, lowest": (0.92, 1),
            "4 layers, normal 0.01, highest": GUESSES,
            "4 layers, nn.Linear, lowest": (0.88, 1),
        },
    ),
    Claim(
        "assumptions after training",
        "3.6",
        "After training the mean square of z is above the prediction in every layer.",
        assumptions_after_training,
        within={
            "tanh, smallest of the layers": (1.15, 1.5),
            "tanh, last layer": (3.5, 6),
            "ReLU, smallest of the layers": (1.05, 1.4),
            "ReLU, last layer": (1.2, 1.8),
        },
    ),
    Claim(
        "what training adds",
        "3.6; quiz 03.h",
        "What levels LeCun's gradients is how weights fit them, ten times and more over eight layers; the weights' size gives less than 2; shuffled rows are near 1.",
        what_training_adds,
        within={
            "way back, weights, lowest": (1.4, 2),
            "way back, weights, highest": (1.4, 2),
            "way back, fit, lowest": (9, 20),
            "way back, ReLU, highest": (0.1, 0.25),
            "tanh, shuffled, smallest": (0.75, 1.1),
            "tanh, shuffled, largest": (0.9, 1.25),
            "ReLU, shuffled, smallest": (0.65, 1.1),
            "ReLU, shuffled, largest": (0.9, 1.35),
        },
        order=("way back, weights, highest < way back, fit, lowest",),
    ),
    Claim(
        "too large a rate",
        "Summary",
        "A learning rate five times as large ends it for ReLU, ten times as large for tanh.",
        too_large_a_rate,
        within={"ReLU, He, rate 0.5, highest": GUESSES, "tanh, Xavier, rate 1, highest": GUESSES},
    ),
    Claim(
        "twins",
        "3.5; quiz 03.f",
        "A hundred times less noise costs about five hundred steps; without noise the difference stays exactly 0.",
        noise_on_twins,
        within={
            "step for noise 0.0001": (640, 640),
            "step for noise 1e-06": (1120, 1120),
            "step for noise 1e-08": (1640, 1640),
            "different units after 2400 steps": (4, 4),
            "loss after 2400 steps": (0.0425, 0.0435),
            "largest difference without noise": (0, 0),
        },
        quick=True,
    ),
    Claim(
        "twins and rounding",
        "3.5",
        "In one order of summation twins stay equal to the last bit; in another they part exponentially, late.",
        rounding_and_twins,
        within={
            "one order, largest difference": (0, 0),
            "another order, after 4000 steps": (1e-7, 1e-4),
            "another order, after 8000 steps": (3e-3, 0.3),
            "another order, after 12000 steps": (0.5, 4),
            "loss after 12000 steps, one order": (0.31, 0.33),
            "loss after 12000 steps, another order": (0.05, 0.305),
            "8 or 16 units parted by matrix products": (0, 0),
        },
        quick=True,
    ),
    Claim(
        "a start before batch norm",
        "3.6",
        "With batch norm He's weights, a tenth of them and ten times as much all learn; without it the ends guess.",
        with_batch_norm,
        within={
            "times 0.1, plain, highest": GUESSES,
            "times 10, plain, highest": GUESSES,
            "times 0.1, batch norm, lowest": (0.5, 0.8),
            "times 1, batch norm, lowest": (0.83, 0.95),
            "times 10, batch norm, lowest": (0.3, 0.6),
        },
        order=(
            "times 10, batch norm, highest < times 0.1, batch norm, lowest < times 1, batch norm, lowest",
        ),
    ),
    Claim(
        "more runs",
        "Appendix",
        "Ten layers of ReLU or tanh from further starts: lowest, median, highest of five seeds.",
        further_starts,
        within={
            "ReLU, normal 0.01": GUESSES,
            "ReLU, uniform 0.07": GUESSES,
            "ReLU, normal 0.15, lowest": (0.35, 0.5),
            "ReLU, normal 0.15, highest": (0.65, 0.8),
            "ReLU, normal 0.2, median": (0.88, 0.95),
            "ReLU, normal 0.25, median": (0.85, 0.96),
            "ReLU, normal 0.3, median": GUESSES,
            "ReLU, normal 0.3, highest": (0.7, 0.95),
            "ReLU, He, fan-out, median": (0.87, 0.95),
            "tanh, normal 0.01": GUESSES,
            "tanh, uniform 0.07": GUESSES,
            "tanh, nn.Linear, lowest": (0.15, 0.35),
            "tanh, nn.Linear, highest": (0.35, 0.55),
            "tanh, LeCun, lowest": (0.85, 0.95),
            "tanh, He, median": (0.93, 0.98),
            "tanh, He, fan-out, median": (0.93, 0.98),
            "tanh, normal 0.4, median": (0.84, 0.94),
        },
    ),
]
