"""One convolution there and back, ours and torch's, one thread, float32. Run: pytest tests/benchmarks/bench_cnn.py -n 0

The bar: ours within 2.8 times torch.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from utils.nn.cnn import conv2d

RNG = np.random.default_rng(0)
X, WEIGHT, BIAS, DY = (
    RNG.normal(size=shape).astype(np.float32)
    for shape in ((32, 16, 32, 32), (32, 16, 3, 3), (32,), (32, 32, 32, 32))
)


def ours():
    return conv2d(X, WEIGHT, BIAS, padding=1)[1](DY)


def theirs():
    x, weight, bias = (torch.tensor(a, requires_grad=True) for a in (X, WEIGHT, BIAS))
    return torch.autograd.grad(F.conv2d(x, weight, bias, padding=1), (x, weight, bias), torch.tensor(DY))


@pytest.mark.parametrize("run", [ours, theirs])
def test_there_and_back(benchmark, run):
    torch.set_num_threads(1)
    assert len(benchmark.pedantic(run, rounds=20, warmup_rounds=2)) == 3
