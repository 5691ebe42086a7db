"""Chapter 03: what its sentences about training rest on."""

import numpy as np

from tests.portability.claims import Claim, lowest_median_highest
from tests.portability.networks import ACTIVATIONS, DATA, travelling
from utils.chapters.initialization.explore.equal_units import different_units, train_all


def accuracies(activation, scheme, seeds=5, **options):
    return [travelling(activation, scheme, seed=seed, **options).accuracy for seed in range(seeds)]


def spread(*pairs):
    """Lowest, median and highest accuracy of five seeds for each pair of activation and scheme."""
    found = {}
    for activation, scheme in pairs:
        found |= lowest_median_highest(f"{activation}, {scheme}", accuracies(activation, scheme))
    return found


def window():
    found = {}
    for std in (0.1, 0.2, 0.4):
        found |= lowest_median_highest(f"{std}", accuracies("ReLU", f"normal {std}", seeds=2))
    runs = [travelling("ReLU", "normal 0.4", seed=seed) for seed in range(2)]
    return found | {"0.4, finite losses": sum(np.isfinite(run.history.train_loss[-1]) for run in runs)}


def relu_by_scheme():
    found = {}
    for scheme in ("LeCun", "Xavier", "He"):
        found |= lowest_median_highest(scheme, accuracies("ReLU", scheme))
    return found | {"He before LeCun, median": found["He, median"] - found["LeCun, median"]}


def gradients_per_layer():
    """Gradient of the first layer divided by that of the last, of five seeds."""
    found = {}
    for scheme in ("LeCun", "He", "nn.Linear"):
        ratios = np.array([travelling("ReLU", scheme, seed=seed).gradient_ratio for seed in range(5)])
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
        small, usual = (accuracies("ReLU", scheme, seeds=3, rate=rate) for rate in (0.03, 0.1))
        found |= lowest_median_highest(f"{scheme}, rate 0.03", small)
        found[f"{scheme}, median, lost by the smaller rate"] = float(np.median(usual) - np.median(small))
    return found


def shallow():
    found = {}
    for layers in (2, 3, 4):
        for scheme in ("normal 0.01", "nn.Linear", "He"):
            some = accuracies("ReLU", scheme, seeds=3, layers=layers)
            found |= lowest_median_highest(f"{layers} layers, {scheme}", some)
    return found


def against_prediction(params, activation):
    """Mean square of z in each layer, divided by what (3.4) predicts from the weights and inputs of that layer."""
    h, ratios = DATA.train_x, []
    for layer in (p for p in params if p):
        z = h @ layer["weight"].T
        ratios.append((z**2).mean() / (h.shape[1] * (layer["weight"] ** 2).mean() * (h**2).mean()))
        h, _ = activation(z + layer["bias"])
    return ratios


def assumptions_after_training():
    found = {}
    for activation, scheme in (("tanh", "Xavier"), ("ReLU", "He")):
        trained = [travelling(activation, scheme, seed=seed).params for seed in range(5)]
        ratios = np.mean([against_prediction(params, ACTIVATIONS[activation]) for params in trained], axis=0)
        found |= {
            f"{activation}, smallest of the layers": ratios.min(),
            f"{activation}, last layer": ratios[-1],
        }
    return found


def too_large_a_rate():
    return {
        "ReLU, He, rate 0.5, highest": max(accuracies("ReLU", "He", seeds=2, rate=0.5)),
        "tanh, Xavier, rate 1, highest": max(accuracies("tanh", "Xavier", seeds=2, rate=1.0)),
    }


def symmetry():
    runs = train_all()
    usual = runs["both layers", 1e-6]
    steps = {f"step for noise {noise:g}": runs["both layers", noise].parted for noise in (1e-4, 1e-6, 1e-8)}
    return steps | {
        "different units after 2400 steps": different_units(usual.incoming[-1]),
        "loss after 2400 steps": usual.loss[-1],
        "largest difference without noise": runs["both layers", 0.0].apart.max(),
    }


def further_starts():
    wild = [("ReLU", f"normal {std}") for std in (0.15, 0.2, 0.25, 0.3)] + [("ReLU", "He, fan-out")]
    found = spread(
        *wild, *(("tanh", scheme) for scheme in ("nn.Linear", "LeCun", "He", "He, fan-out", "normal 0.4"))
    )
    lost = [
        (activation, scheme) for activation in ("ReLU", "tanh") for scheme in ("normal 0.01", "uniform 0.07")
    ]
    return found | {
        f"{activation}, {scheme}": travelling(activation, scheme).accuracy for activation, scheme in lost
    }


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
        symmetry,
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
