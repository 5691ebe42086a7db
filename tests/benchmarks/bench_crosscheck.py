"""How long a proof takes: an LSTM of 64 -> 128 over 10 steps should be proved in under 2 seconds."""

import numpy as np
import torch
from torch import nn

from tests.crosscheck.lstm import lstm
from utils.crosscheck import crosscheck


def test_lstm(benchmark):
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    x, state = rng.normal(size=(10, 4, 64)), (rng.normal(size=(1, 4, 128)), rng.normal(size=(1, 4, 128)))
    report = benchmark.pedantic(lambda: crosscheck(lstm, nn.LSTM(64, 128), x, state), rounds=3)
    assert report.ok
