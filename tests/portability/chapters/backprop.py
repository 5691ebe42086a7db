"""Chapter 01: what its sentences about training, and about rounding, rest on."""

from functools import cache

import numpy as np

from tests.portability.claims import Claim
from tests.portability.summaries import gradient_ratios, lowest_median_highest
from utils import train
from utils.chapters.backprop import runs
from utils.chapters.backprop.explore.finite_differences import ALL_ERRORS, FUNCTIONS, best_step
from utils.nn.activations import tanh
from utils.nn.losses import cross_entropy
from utils.nn.mlp import mlp, mlp_params

travelling = cache(runs.travelling)


def depths():
    found = {f"{layers} layers, seed 0": travelling(layers).scores[-1] for layers in (2, 3, 5, 10)}
    others = [travelling(5, seed=seed).scores[-1] for seed in (1, 2)]
    return found | lowest_median_highest("5 layers, other seeds", others)


def plateau():
    losses = np.array(travelling(5).train_loss)
    return {"5 layers, first epoch with a loss below 2.25": int(np.argmax(losses < 2.25))}


def ten_layers():
    history = travelling(10)
    last = history.snapshots[-1]
    return {
        "gradient, first layer / last": gradient_ratios(history)[-1],
        "loss after 25 epochs": history.train_loss[-1],
        "smallest loss of an epoch": min(history.train_loss),
        "activations of layer 9, root mean square": last.activation_rms[8],
        "activations of layer 8, root mean square": last.activation_rms[7],
    }


def beside_torch(steps=100):
    """Largest difference of the loss in the first steps, NumPy against PyTorch."""
    data, sizes = runs.examples(), (64, 32, 16, 10)
    start = mlp_params(sizes, np.random.default_rng(0))
    _, history = train.fit(
        mlp(sizes, tanh)[0], cross_entropy, start, data.train_x, data.train_y,
        update=train.sgd(0.1), epochs=3, batch_size=runs.BATCH,
    )  # fmt: skip
    theirs = runs.torch_losses(start, data, steps=steps, rate=0.1)
    return {"largest difference in 100 steps": np.abs(theirs - history.losses[:steps]).max()}


def finite_differences():
    """Where the curves of section 1.5 turn, and how deep they come, over the functions of the picture."""
    found = {}
    for formula in ("forward", "central", "complex"):
        errors = np.array([ALL_ERRORS[name][formula] for name in FUNCTIONS])
        found[f"{formula}, largest of the smallest errors"] = errors.min(1).max()
        found[f"{formula}, error at 1e-20"] = errors[:, -1].max()
        if formula != "complex":
            best = [best_step(name, formula) for name in FUNCTIONS]
            found |= {f"{formula}, shortest best step": min(best), f"{formula}, longest best step": max(best)}
    return found


def pretraining():
    found = {}
    for name, given in (("without", False), ("with", True)):
        after = lambda layers, seed, given=given: runs.after_pretraining(layers, seed=seed, pretrain=given)[
            -1
        ]
        found |= lowest_median_highest(f"5 layers, {name}", [after(5, seed) for seed in range(3)])
        found[f"7 layers, {name}"] = after(7, 0)
    return found


CLAIMS = [
    Claim(
        "depths",
        "1.7; quiz 01.f; question of 02",
        "The shallow networks learn, five layers are at two thirds after 25 epochs, ten layers guess.",
        depths,
        within={
            "2 layers, seed 0": (0.94, 0.99),
            "3 layers, seed 0": (0.94, 0.99),
            "5 layers, seed 0": (0.55, 0.8),
            "5 layers, other seeds, lowest": (0.4, 0.8),
            "5 layers, other seeds, highest": (0.5, 0.85),
            "10 layers, seed 0": (0.08, 0.12),
        },
        order=(
            "10 layers, seed 0 < 5 layers, seed 0 < 2 layers, seed 0",
            "5 layers, seed 0 < 3 layers, seed 0",
        ),
    ),
    Claim(
        "plateau",
        "1.7; quiz 01.f",
        "Five layers sit on a plateau for about a dozen epochs before anything happens.",
        plateau,
        within={"5 layers, first epoch with a loss below 2.25": (10, 15)},
        quick=True,
    ),
    Claim(
        "ten layers",
        "1.7; question of 02",
        "Two millionths of the last gradient reach the first layer; the loss stays a little above 2.303; layer 9 drifts to 0.",
        ten_layers,
        within={
            "gradient, first layer / last": (1.2e-6, 2.8e-6),
            "loss after 25 epochs": (2.3026, 2.31),
            "smallest loss of an epoch": (2.3026, 2.305),
            "activations of layer 9, root mean square": (0, 0.2),
        },
        order=("activations of layer 9, root mean square < activations of layer 8, root mean square",),
    ),
    Claim(
        "beside PyTorch",
        "1.7, check",
        "From the same start NumPy's and PyTorch's losses differ by less than 1e-10 in a hundred steps.",
        beside_torch,
        within={"largest difference in 100 steps": (0, 1e-11)},
        quick=True,
    ),
    Claim(
        "finite differences",
        "1.5",
        "The central difference turns near 1e-5, the forward one near 1e-8, the complex step never.",
        finite_differences,
        within={
            "forward, shortest best step": (1e-9, 1e-7),
            "forward, longest best step": (1e-8, 1e-6),
            "central, shortest best step": (3e-7, 1e-5),
            "central, longest best step": (3e-6, 1e-4),
            "complex, error at 1e-20": (0, 1e-15),
            "forward, error at 1e-20": (1, 1),
            "central, error at 1e-20": (1, 1),
        },
        order=(
            "complex, largest of the smallest errors < central, largest of the smallest errors "
            "< forward, largest of the smallest errors",
        ),
        quick=True,
    ),
    Claim(
        "pre-training",
        "appendix",
        "After 20 epochs 90 to 96 % with layer-wise pre-training, 30 to 48 % without; seven layers guess with and without.",
        pretraining,
        within={
            "5 layers, with, lowest": (0.85, 1),
            "5 layers, with, highest": (0.92, 1),
            "5 layers, without, lowest": (0.15, 0.5),
            "5 layers, without, highest": (0.2, 0.6),
            "7 layers, with": (0, 0.15),
            "7 layers, without": (0, 0.15),
        },
    ),
]
