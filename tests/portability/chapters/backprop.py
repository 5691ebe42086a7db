"""Chapter 01: what its sentences about training, and about rounding, rest on."""

import numpy as np
import torch

from tests.portability.claims import Claim, lowest_median_highest
from tests.portability.networks import DATA, FULL_BATCHES, travelling
from utils import train
from utils.chapters.backprop.explore.finite_differences import ALL_ERRORS, FUNCTIONS, best_step
from utils.nn.activations import sigmoid, tanh
from utils.nn.chain import chain
from utils.nn.linear import linear
from utils.nn.losses import cross_entropy, mse_loss
from utils.nn.mlp import mlp, mlp_params

X, Y = DATA.train_x[:FULL_BATCHES], DATA.train_y[:FULL_BATCHES]


def sigmoids(layers, seed=0):
    """The travelling network of section 1.7."""
    return travelling("sigmoid", "LeCun", layers=layers, rate=0.5, epochs=25, seed=seed, order=0)


def depths():
    found = {f"{layers} layers, seed 0": sigmoids(layers).accuracy for layers in (2, 3, 5, 10)}
    others = [sigmoids(5, seed).accuracy for seed in (1, 2)]
    return found | lowest_median_highest("5 layers, other seeds", others)


def plateau():
    losses = np.array(sigmoids(5).history.train_loss)
    return {"5 layers, first epoch with a loss below 2.25": int(np.argmax(losses < 2.25))}


def ten_layers():
    run = sigmoids(10)
    return {
        "gradient, first layer / last": run.gradient_ratio[-1],
        "loss after 25 epochs": run.history.train_loss[-1],
        "smallest loss of an epoch": min(run.history.train_loss),
        "activations of layer 9, root mean square": run.history.snapshots[-1].activation_rms[8],
        "activations of layer 8, root mean square": run.history.snapshots[-1].activation_rms[7],
    }


def beside_torch(steps=100):
    """Largest difference of the loss in the first steps, NumPy against PyTorch."""
    network, _ = mlp((64, 32, 16, 10), tanh)
    start = mlp_params((64, 32, 16, 10), np.random.default_rng(0))
    _, history = train.fit(
        network, cross_entropy, start, X, Y, update=train.sgd(0.1), epochs=3, batch_size=32
    )
    theirs = torch.nn.Sequential(
        torch.nn.Linear(64, 32), torch.nn.Tanh(), torch.nn.Linear(32, 16), torch.nn.Tanh(), torch.nn.Linear(16, 10)
    ).double()  # fmt: skip
    with torch.no_grad():
        for parameter, ours in zip(theirs.parameters(), train.flat(start)):
            parameter.copy_(torch.from_numpy(ours))
    optimizer, rng, losses = torch.optim.SGD(theirs.parameters(), lr=0.1), np.random.default_rng(0), []
    while len(losses) < steps:
        for rows in rng.permutation(len(X)).reshape(-1, 32):
            loss = torch.nn.functional.cross_entropy(
                theirs(torch.from_numpy(X[rows])), torch.from_numpy(Y[rows])
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    difference = np.abs(np.subtract(losses[:steps], history.losses[:steps])).max()
    return {"largest difference in 100 steps": difference}


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


def pretrained(sizes, x, seed, epochs=10, rate=2.0):
    """Parameters of mlp(sizes) whose hidden layers were trained one by one to give back their input."""
    rng, params, h = np.random.default_rng(seed), list(mlp_params(sizes, np.random.default_rng(seed))), x
    encoder, autoencoder = chain(linear, sigmoid), chain(linear, sigmoid, linear)
    for k in range(len(sizes) - 2):
        fan_in, fan_out = sizes[k : k + 2]
        back = {"weight": rng.normal(scale=fan_out**-0.5, size=(fan_in, fan_out)), "bias": np.zeros(fan_in)}
        found, _ = train.fit(
            autoencoder, mse_loss, (params[3 * k], None, back), h, h,
            update=train.sgd(rate), epochs=epochs, batch_size=32, seed=k,
        )  # fmt: skip
        params[3 * k] = found[0]
        h, _ = encoder(found[:2], h)
    return tuple(params)


def after_20_epochs(layers, seed, with_pretraining):
    sizes = (64, *[32] * (layers - 1), 10)
    network, _ = mlp(sizes, sigmoid)
    start = pretrained(sizes, X, seed) if with_pretraining else mlp_params(sizes, np.random.default_rng(seed))
    trained, _ = train.fit(
        network, cross_entropy, start, X, Y, update=train.sgd(0.5), epochs=20, batch_size=32, seed=seed
    )
    return train.accuracy(network, trained, DATA.test_x, DATA.test_y)


def pretraining():
    found = {}
    for name, given in (("without", False), ("with", True)):
        found |= lowest_median_highest(
            f"5 layers, {name}", [after_20_epochs(5, seed, given) for seed in range(3)]
        )
        found[f"7 layers, {name}"] = after_20_epochs(7, 0, given)
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
