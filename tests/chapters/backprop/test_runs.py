"""The trained runs of chapter 01: what they train on, that PyTorch does the same, and what the chapter says of them."""

import numpy as np
import pytest

from utils import train
from utils.chapters.backprop import runs
from utils.data import digits
from utils.nn.activations import tanh
from utils.nn.losses import cross_entropy
from utils.nn.mlp import mlp, mlp_params

SIZES = (64, 32, 16, 10)


def test_the_training_part_fills_whole_batches():
    data, whole = runs.examples(), digits.load()
    assert len(data.train_x) == len(data.train_y) == 1344 == len(whole.train_x) - 3
    assert len(data.train_x) % runs.BATCH == 0 and len(data.test_x) == len(whole.test_x)
    np.testing.assert_array_equal(data.train_x, whole.train_x[:1344])


@pytest.mark.parametrize("rate", [0.1, 0.02])
def test_numpy_and_pytorch_have_the_same_losses(rate):
    data, (network, _) = runs.examples(), mlp(SIZES, tanh)
    start = mlp_params(SIZES, np.random.default_rng(0))
    _, history = train.fit(
        network, cross_entropy, start, data.train_x, data.train_y,
        update=train.sgd(rate), epochs=3, batch_size=runs.BATCH,
    )  # fmt: skip
    theirs = runs.torch_losses(start, data, steps=100, rate=rate)
    assert theirs.shape == (100,) and theirs[0] > theirs[-1]
    np.testing.assert_allclose(history.losses[:100], theirs, rtol=0, atol=1e-10)
    other = runs.torch_losses(start, data, steps=20, rate=2 * rate)
    assert np.abs(other - theirs[:20]).max() > 1e-4  # another rate shows


@pytest.fixture(scope="module")
def histories():
    return {n: runs.travelling(n) for n in (2, 3, 5, 10)}


def test_the_travelling_network_as_the_chapter_tells_it(histories):
    """Section 1.7: shallow ones learn, five layers wait and learn in part, ten guess."""
    last = {n: history.scores[-1] for n, history in histories.items()}
    assert min(last[2], last[3]) > 0.95 and 0.5 < last[5] < 0.8 and last[10] < 0.12
    assert abs(last[2] - last[3]) < 0.01  # too close to tell apart
    waited = next(epoch for epoch, score in enumerate(histories[5].scores) if score > 0.15 and epoch > 5)
    assert 9 <= waited <= 16


def test_ten_layers_stay_a_hair_above_guessing_and_lose_the_gradient(histories):
    loss, snapshot = histories[10].train_loss, histories[10].snapshots[-1]
    assert np.log(10) < loss[-1] < np.log(10) + 0.01
    assert 1e-6 < snapshot.gradient_rms[0] / snapshot.gradient_rms[-1] < 4e-6
    rms = snapshot.activation_rms
    assert rms[8] < 0.2 < 0.4 < rms[:8].min()  # layer 9 drifts towards 0, those before do not


def test_a_run_depends_on_its_seed_alone():
    first, again, other = (runs.travelling(2, epochs=1, seed=seed) for seed in (0, 0, 1))
    assert first.losses == again.losses != other.losses


def test_a_run_in_slices_is_the_run_in_one_go(histories):
    """The same losses to the last digits, whatever the slices; the accuracy too."""
    run = runs.Run(2)
    for batches in (runs.EPOCH, 30, 12, 1, 41):
        run.go_on(batches, runs.RATE)
    at = dict(run.losses)
    for epoch in (0, 1, 2, 3):
        assert at[epoch * runs.EPOCH] == pytest.approx(histories[2].train_loss[epoch], rel=1e-12)
    assert run.accuracy == histories[2].scores[3]


def test_a_history_keeps_the_parameters_it_ended_with(histories):
    run = runs.Run(3)
    run.params = histories[3].params
    run.look()
    assert run.losses[-1][1] == pytest.approx(histories[3].train_loss[-1], rel=1e-12)


@pytest.mark.parametrize("rate", [0.1, 1.0, 5.0])
def test_no_learning_rate_wakes_ten_layers(rate):
    run = runs.Run(10)
    for _ in range(40):
        run.go_on(runs.EPOCH, rate)
    assert run.accuracy < 0.15 and run.losses[-1][1] > 2.29


def test_a_larger_rate_shortens_the_plateau_of_five_layers():
    waited = []
    for rate in (runs.RATE, 1.0, 2.0):
        run = runs.Run(5)
        while run.losses[-1][1] > 2.0:
            run.go_on(runs.EPOCH, rate)
        waited.append(run.done // runs.EPOCH)
    assert waited[0] > waited[1] > waited[2]
