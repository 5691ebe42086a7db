"""One training step of the digits network, ours and torch's in the same run, on one thread: read the ratio."""

import numpy as np
import pytest
import torch
from torch import nn

from utils import train
from utils.nn.losses import cross_entropy
from utils.nn.mlp import mlp, mlp_params

SIZES = (64, 32, 16, 10)


@pytest.fixture(scope="module")
def batch():
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    return rng.normal(size=(32, 64)), rng.integers(10, size=32)


@pytest.mark.benchmark(group="training step")
def test_ours(benchmark, batch):
    network, _ = mlp(SIZES)
    params, update = mlp_params(SIZES, np.random.default_rng(0)), train.sgd(0.1)
    benchmark(lambda: update(params, train.gradient(network, cross_entropy, params, *batch)[1]))


@pytest.mark.benchmark(group="training step")
def test_torch(benchmark, batch):
    x, y = map(torch.from_numpy, batch)
    layers = [layer for i, o in zip(SIZES, SIZES[1:]) for layer in (nn.Linear(i, o), nn.Tanh())]
    module = nn.Sequential(*layers[:-1]).double()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)

    def step():
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(x), y).backward()
        optimizer.step()

    benchmark(step)
