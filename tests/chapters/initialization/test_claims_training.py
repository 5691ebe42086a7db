"""Claims of chapter 03 about trained networks: which units stay equal, and what a start buys."""

from functools import partial

import numpy as np
import pytest

from utils.chapters.initialization import runs
from utils.data import digits
from utils.nn import initialization as init
from utils.nn.activations import relu, tanh
from utils.nn.linear import linear
from utils.nn.mlp import mlp, mlp_params_by
from utils.nn.normalization import batch_norm
from utils.results import measured, reached

DATA = digits.load()


def different(params):
    return len(np.unique(params[0]["weight"].round(6), axis=0))


RNG = np.random.default_rng(1)
ROW, HALF = RNG.normal(size=(1, 3)), init.constant((1, 5), value=0.5)
STARTS = {
    "a": ((init.constant((5, 3), value=0.5), HALF), 1),
    "b": ((init.constant((5, 3), value=0.5), RNG.normal(size=(1, 5))), 5),
    "c": ((np.zeros((5, 3)), np.zeros((1, 5))), 1),
    "d": ((init.constant((5, 3), value=0.5), HALF, RNG.normal(size=5)), 5),
    "e": ((np.repeat(ROW, 5, axis=0), HALF), 1),
    "f": ((init.constant((5, 3), value=0.5), np.zeros((1, 5))), 1),
}


@pytest.mark.parametrize("start", STARTS)
def test_which_units_stay_twins(start):
    """INI-03, E03.6, exercise 03.8: incoming weights, bias and outgoing weights must all be equal."""
    (incoming, outgoing, *bias), units = STARTS[start]
    params, _ = runs.learn_the_product(incoming, outgoing, bias=bias[0] if bias else None)
    assert different(params) == units


def test_constant_rows_stay_equal_and_columns_part():
    """INI-03."""
    params, _ = runs.learn_the_product(init.constant((5, 3), value=0.3), init.constant((1, 5), value=0.3))
    assert different(params) == 1 and params[0]["weight"][0].std() > 1e-3


def test_from_zero_only_the_last_bias_learns():
    """E03.6."""
    params, first = runs.learn_the_product(np.zeros((5, 3)), np.zeros((1, 5)))
    assert all((g == 0).all() for g in (*first[0].values(), first[3]["weight"])) and first[3]["bias"] != 0
    assert (params[0]["weight"] == 0).all() and (params[3]["weight"] == 0).all() and params[3]["bias"] != 0


def test_less_noise_takes_longer_by_the_same_number_of_steps():
    """Eq. (3.18): the steps until twins part grow with the logarithm of the noise."""
    parted = [runs.train_all()["both layers", noise].parted for noise in (1e-4, 1e-6, 1e-8)]
    assert parted[1] / parted[0] < 3 and parted[2] - parted[1] == pytest.approx(
        parted[1] - parted[0], rel=0.2
    )


def test_rounding_alone_parts_twins():
    """Section 3.5: one order of summation keeps them equal to the last bit, another parts them exponentially."""
    found = runs.apart_by_rounding(steps=12_000)
    assert all(apart[0] == 0 for apart, _ in found.values())
    apart = {step: both[1] for step, (both, _) in found.items()}
    assert 0 < apart[1] < 1e-15 and apart[2000] < 1e-7 and 1e-7 < apart[4000] < 1e-4
    assert 3e-3 < apart[8000] < 0.3 and apart[12_000] > 0.5
    same, parted = found[12_000][1]
    assert same > 0.31 and parted < 0.3


def test_matrix_products_part_twins_early_or_never():
    """Section 3.5: it depends on the processor for five units; eight fill whole blocks."""
    step = runs.parted_by_matrix_products(5)
    assert step is None or 0 < step < 100
    assert runs.parted_by_matrix_products(8) is None


def test_batch_norm_does_not_part_twins():
    """Section 3.6: equal units have equal means and standard deviations, and equal gradients."""
    x, upstream = DATA.train_x[:50], np.random.default_rng(0).normal(size=(50, 1)).repeat(4, axis=1)
    z, back_linear = linear(x, np.random.default_rng(1).normal(size=(1, 64)).repeat(4, axis=0))
    y, back_norm = batch_norm(z)
    _, dweight, _ = back_linear(back_norm(upstream)[0])
    np.testing.assert_allclose(y, y[:, :1].repeat(4, axis=1), atol=1e-12)
    np.testing.assert_allclose(dweight, dweight[:1].repeat(4, axis=0), atol=1e-12)
    assert np.abs(dweight).max() > 1e-3


def accuracy(scheme, activation, **options):
    """Held-out accuracy of one travelling network."""
    return runs.travelling_network(scheme, activation, **options)[1].scores[-1]


@pytest.mark.parametrize(
    "experiment, name",
    [
        ("more starts", "ReLU, normal 0.4"),
        ("more starts", "tanh, uniform 0.07"),
        ("eight starts", "ReLU, nn.Linear"),
        ("eight starts", "sigmoid, Xavier"),
    ],
)
def test_ten_layers_that_only_guess(experiment, name):
    assert reached("initialization", experiment)[name][-1] < 0.2


def test_half_of_what_works_does_not_work():
    """The question: a standard deviation of 0.1; one seed."""
    assert accuracy(partial(init.normal, std=0.1), relu) < 0.2


def test_ten_layers_that_learn():
    """INI-01: tanh with Xavier; ReLU with He, better than with Xavier at a small learning rate."""
    assert reached("initialization", "eight starts")["tanh, Xavier"][0] > 0.5
    slow = reached("initialization", "a smaller rate")
    assert np.median(slow["He"]) > 0.8 and np.median(slow["He"]) > np.median(slow["Xavier"])


def test_with_batch_norm_the_scale_of_the_start_matters_less():
    """Section 3.6: ReLU, three epochs; He first, then a tenth of it, then ten times; without it both ends guess."""
    found = reached("initialization", "before batch norm")
    assert found["1, with"][0] > 0.8 > found["0.1, with"][0] > found["10, with"][-1] > 0.3
    assert max(found["0.1, without"][-1], found["10, without"][-1]) < 0.2


def test_two_layers_hardly_care():
    found = reached("initialization", "few layers")
    assert min(scores[0] for name, scores in found.items() if name.startswith("2 layers")) > 0.7


def test_a_good_start_does_not_survive_a_large_learning_rate():
    """One seed each."""
    assert accuracy(init.kaiming_normal, relu, rate=0.5) < 0.4
    assert accuracy(init.xavier_normal, tanh, rate=1.0) < 0.2


@pytest.mark.parametrize("name, last", [("tanh, Xavier", 3.5), ("ReLU, He", 1.2)])
def test_after_training_the_mean_square_is_above_the_prediction(name, last):
    """Section 3.6: five seeds, ten epochs, in every layer."""
    kept = [result[name]["against prediction"] for result in measured("initialization", "eight starts")]
    ratios = np.mean(kept, axis=0)
    assert len(kept) == 5 and ratios.shape == (10,) and ratios.min() > 1.05 and ratios[-1] > last


def test_training_makes_weights_depend_on_their_inputs():
    """Section 3.6: the mean square of z against (3.4), before and after an epoch, in the last layer."""
    network, taps = mlp(runs.sizes_of(10), tanh)
    start = mlp_params_by(runs.sizes_of(10), np.random.default_rng(0), init.xavier_normal)
    after, _ = runs.travelling_network(init.xavier_normal, tanh, epochs=1)
    ratios = []
    for params in (start, after):
        network(params, DATA.train_x)
        z, x, weight = taps[-1].value - params[-2]["bias"], taps[-2].value, params[-2]["weight"]
        ratios.append((z**2).mean() / (32 * (weight**2).mean() * (x**2).mean()))
        assert runs.against_prediction(params, tanh)[-1] == pytest.approx(ratios[-1])
    assert 0.5 < ratios[0] < 2 < ratios[1]
