"""Batch and layer norm forward and back, ours and torch's in the same run, on one thread: read the ratios."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from utils.nn.normalization import batch_norm, layer_norm

CHANNELS = 64


@pytest.fixture(scope="module")
def arrays():
    """x, weight, bias and a gradient from above, for 256 examples."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    return tuple(rng.normal(size=shape) for shape in ((256, CHANNELS), CHANNELS, CHANNELS, (256, CHANNELS)))


OURS = {"batch norm": batch_norm, "layer norm": layer_norm}
THEIRS = {
    "batch norm": lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
    "layer norm": lambda x, w, b: F.layer_norm(x, (CHANNELS,), w, b),
}


@pytest.mark.parametrize("name", OURS)
def test_ours(benchmark, arrays, name):
    benchmark.group = name
    *inputs, dy = arrays
    benchmark(lambda: OURS[name](*inputs)[1](dy))


@pytest.mark.parametrize("name", THEIRS)
def test_torch(benchmark, arrays, name):
    benchmark.group = name
    *inputs, dy = (torch.from_numpy(array) for array in arrays)
    for tensor in inputs:
        tensor.requires_grad_()

    def step():
        return torch.autograd.grad(THEIRS[name](*inputs), inputs, dy)

    benchmark(step)
