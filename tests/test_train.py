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
from utils.nn.optimizers import Rule, adam, sgd


def small_network(seed=0):
    rng = np.random.default_rng(seed)
    taps = [Tap("hidden"), Tap("output")]
    layer = lambda i, o: {"weight": rng.normal(size=(o, i)) / np.sqrt(i), "bias": np.zeros(o)}
    params = (layer(64, 16), None, None, layer(16, 10), None)
    return chain(linear, tanh, taps[0], linear, taps[1]), params, taps


def small_data(n=100):
    data = digits.load()
    return data.train_x[:n], data.train_y[:n]


def torch_network(params):
    """The same network in torch, with the same numbers."""
    module = nn.Sequential(nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 10)).double()
    with torch.no_grad():
        for parameter, value in zip(module.parameters(), train.flat(params)):
            parameter.copy_(torch.from_numpy(value))
    return module


def torch_losses(module, x, y, optimizer, steps):
    """The losses of torch's steps, each on all examples; the module is trained."""
    optimizer, losses = optimizer(module.parameters()), []
    for _ in range(steps):
        loss = nn.functional.cross_entropy(module(torch.from_numpy(x)), torch.from_numpy(y))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_losses_are_those_of_torch():
    network, params, _ = small_network()
    x, y = small_data(64)
    module = torch_network(params)
    theirs = torch_losses(module, x, y, lambda p: torch.optim.SGD(p, lr=0.3), 20)
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


def test_any_rule_will_do_and_old_names_stay():
    """fit with Adam takes torch's steps; train.sgd is the rule sgd, and can still be called."""
    network, params, _ = small_network()
    x, y = small_data(64)
    run = lambda update: train.fit(
        network, cross_entropy, params, x, y, update=update, epochs=5, batch_size=64
    )  # fmt: skip
    theirs = torch_losses(torch_network(params), x, y, lambda p: torch.optim.Adam(p, lr=0.01), 5)
    np.testing.assert_allclose(run(adam(lr=0.01))[1].losses, theirs, rtol=1e-9)
    old, new = run(train.sgd(0.3)), run(sgd(lr=0.3))
    assert old[1].losses == new[1].losses
    _, grads = train.gradient(network, cross_entropy, params, x, y)
    stepped, _ = sgd(lr=0.3).step(params, grads, None)
    for ours, expected in zip(train.flat(train.sgd(0.3)(params, grads)), train.flat(stepped)):
        np.testing.assert_array_equal(ours, expected)


FIT = {"update": sgd(lr=0.1), "epochs": 1, "batch_size": 2}
X, Y = np.ones((4, 64)), np.zeros(4, int)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"y": np.zeros(3, int)}, "y has 3 entries; expected 4"),
        ({"x": np.zeros((0, 64))}, r"x has shape \(0, 64\); expected a row for each"),
        ({"batch_size": 0}, "batch_size is 0; expected an integer of at least 1"),
        ({"batch_size": -1}, "batch_size is -1; expected an integer of at least 1"),
        ({"epochs": -1}, "epochs is -1; expected an integer of at least 0"),
        ({"update": lambda params, grads: params}, "update is a function; expected a Rule"),
        ({"update": None}, "update is None; expected a Rule"),
        ({"taps": (Tap("elsewhere"),)}, r"taps\[0\], 'elsewhere', saw nothing pass; expected a Tap inside"),
        ({"taps": (np.tanh,)}, "taps is a tuple; expected a tuple of Taps"),
        ({"params": None}, "params is None; expected a tuple of 5, one entry a layer"),
        ({"loss": lambda output, y: (output - y[:, None], tanh)}, r"loss gave an array of float64, shape \(4, 10\)"),
        ({"loss": lambda output, y: output.sum()}, "<lambda> returned .*; expected a value and its pullback"),
        ({"loss": lambda output, y: (output.sum(), np.ones_like)}, "pullback of <lambda> returned .*; expected two"),
        ({"network": lambda params, x: x}, "<lambda> returned an array .*; expected a value and its pullback"),
    ],
)  # fmt: skip
def test_fit_says_what_does_not_fit(change, words):
    network, params, _ = small_network()
    arguments = {"network": network, "loss": cross_entropy, "params": params, "x": X, "y": Y, **FIT} | change
    with pytest.raises(ValueError, match=words):
        train.fit(**arguments)


def test_a_tap_of_another_network_is_noticed_though_it_has_seen_something():
    network, params, taps = small_network()
    _, _, others = small_network()
    others[0](X)
    with pytest.raises(ValueError, match=r"taps\[1\], 'hidden', saw nothing pass"):
        train.take_snapshot(network, cross_entropy, params, X, Y, (taps[0], others[0]), 0)


def test_a_tap_class_of_the_reader_will_do():
    class Tap:
        name = value = gradient = None

        def __call__(self, x):
            self.value = x

            def pullback(dy):
                self.gradient = dy
                return dy

            return x, pullback

    tap, (_, params, _) = Tap(), small_network()
    network = chain(linear, tanh, tap, linear, tanh)
    _, history = train.fit(network, cross_entropy, params, X, Y, **FIT, taps=[tap])
    assert len(history.snapshots) == 2


def test_accuracy_does_not_broadcast():
    network, params, _ = small_network()
    for y in (Y[:, None], Y[:3], Y[0]):
        with pytest.raises(ValueError, match=r"y has shape .*; expected \(4,\), a class for each example"):
            train.accuracy(network, params, X, np.asarray(y))
    assert train.accuracy(network, params, X, Y) in (0.0, 1.0)


def test_the_progress_bar_is_a_line_of_text_that_goes_when_it_is_done(monkeypatch, capsys):
    """A bar made of widgets would be found dead in a notebook that is opened again."""
    monkeypatch.setenv("TQDM_DISABLE", "")
    network, params = chain(linear), ({"weight": np.zeros((2, 3)), "bias": np.zeros(2)},)
    update = Rule(lambda params: None, lambda params, grads, state: time.sleep(0.6) or (params, state))
    x, y = np.zeros((4, 3)), np.zeros(4, int)
    train.fit(network, cross_entropy, params, x, y, update=update, epochs=3, batch_size=4, description="slow")
    shown = capsys.readouterr()
    assert "slow:" in shown.out and shown.out.endswith("\r") and not shown.out.split("\r")[-2].strip()
    assert shown.err == "" and train.tqdm is tqdm.std.tqdm
