"""Fitting loops: the same steps as torch, a history that is what it says."""

import time

import numpy as np
import pytest
import torch
import tqdm
from torch import nn

from utils import train
from utils.data import digits
from utils.nn.activations import tanh
from utils.nn.chain import Tap, chain
from utils.nn.linear import linear
from utils.nn.losses import cross_entropy


def small_network(seed=0):
    rng = np.random.default_rng(seed)
    taps = [Tap("hidden"), Tap("output")]
    layer = lambda i, o: {"weight": rng.normal(size=(o, i)) / np.sqrt(i), "bias": np.zeros(o)}
    params = (layer(64, 16), None, None, layer(16, 10), None)
    return chain(linear, tanh, taps[0], linear, taps[1]), params, taps


def small_data(n=100):
    data = digits.load()
    return data.train_x[:n], data.train_y[:n]


def test_losses_are_those_of_torch():
    network, params, _ = small_network()
    x, y = small_data(64)
    module = nn.Sequential(nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 10)).double()
    with torch.no_grad():
        for parameter, value in zip(module.parameters(), train.flat(params)):
            parameter.copy_(torch.from_numpy(value))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.3)
    theirs = []
    for _ in range(20):
        loss = nn.functional.cross_entropy(module(torch.from_numpy(x)), torch.from_numpy(y))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        theirs.append(loss.item())
    trained, history = train.fit(
        network, cross_entropy, params, x, y, update=train.sgd(0.3), epochs=20, batch_size=64
    )
    np.testing.assert_allclose(history.losses, theirs, rtol=1e-12)
    for ours, parameter in zip(train.flat(trained), module.parameters()):
        np.testing.assert_allclose(ours, parameter.detach().numpy(), rtol=1e-10, atol=1e-12)


def test_history():
    network, params, taps = small_network()
    x, y = small_data()
    before = [p.copy() for p in train.flat(params)]
    score = lambda params: train.accuracy(network, params, x, y)
    trained, history = train.fit(
        network,
        cross_entropy,
        params,
        x,
        y,
        update=train.sgd(0.3),
        epochs=4,
        batch_size=32,
        taps=taps,
        score=score,
    )
    for old, kept in zip(before, train.flat(params)):
        np.testing.assert_array_equal(old, kept)
    assert len(history.losses) == 4 * 4 and len(history.scores) == len(history.train_loss) == 5
    assert history.scores[-1] == score(trained) > history.scores[0]
    assert history.train_loss[-1] < history.train_loss[0] / 2
    assert [s.epoch for s in history.snapshots] == [0, 1, 2, 3, 4]


def test_a_snapshot_is_what_the_taps_saw():
    network, params, taps = small_network()
    x, y = small_data(32)
    snapshot = train.take_snapshot(network, cross_entropy, params, x, y, taps, epoch=7)
    hidden = np.tanh(x @ params[0]["weight"].T)
    assert snapshot.epoch == 7 and snapshot.activation_quantiles.shape == (2, 5)
    assert snapshot.activation_rms[0] == pytest.approx(np.sqrt((hidden**2).mean()))
    assert snapshot.activation_quantiles[0, 2] == pytest.approx(np.median(hidden))
    output, _ = network(params, x)
    _, back = cross_entropy(output, y)
    assert snapshot.gradient_quantiles[1, 4] == pytest.approx(np.quantile(np.abs(back(1.0)[0]), 0.95))
    d_hidden = back(1.0)[0] @ params[3]["weight"]
    assert snapshot.gradient_rms[0] == pytest.approx(np.sqrt((d_hidden**2).mean()))


def test_the_order_of_examples_depends_on_the_seed_alone():
    network, params, _ = small_network()
    x, y = small_data()
    run = lambda seed: (
        train.fit(
            network, cross_entropy, params, x, y, update=train.sgd(0.1), epochs=1, batch_size=16, seed=seed
        )[1].losses
    )
    assert run(0) == run(0) != run(1)


def test_bad_lengths():
    network, params, _ = small_network()
    with pytest.raises(ValueError, match="y has 3 entries; expected 4"):
        train.fit(
            network,
            cross_entropy,
            params,
            np.ones((4, 64)),
            np.zeros(3, int),
            update=None,
            epochs=1,
            batch_size=2,
        )


def test_the_progress_bar_is_a_line_of_text_that_goes_when_it_is_done(monkeypatch, capsys):
    """A bar made of widgets would be found dead in a notebook that is opened again."""
    monkeypatch.setenv("TQDM_DISABLE", "")
    network, params = chain(linear), ({"weight": np.zeros((2, 3)), "bias": np.zeros(2)},)
    update = lambda params, grads: time.sleep(0.6) or params
    x, y = np.zeros((4, 3)), np.zeros(4, int)
    train.fit(network, cross_entropy, params, x, y, update=update, epochs=3, batch_size=4, description="slow")
    shown = capsys.readouterr()
    assert "slow:" in shown.out and shown.out.endswith("\r") and not shown.out.split("\r")[-2].strip()
    assert shown.err == "" and train.tqdm is tqdm.std.tqdm
