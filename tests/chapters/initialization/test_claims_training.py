"""Claims of chapter 03 about trained networks: which units stay equal, and what a start buys."""

from functools import partial

import numpy as np
import pytest
import torch

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


def in_parts(params):
    """Mean squares of the gradient of every z, first layer first, by autograd."""
    h, zs = torch.from_numpy(DATA.train_x), []
    for layer in (p for p in params if p):
        h = torch.nn.functional.linear(h, *(torch.from_numpy(layer[name]) for name in ("weight", "bias")))
        zs.append(h.requires_grad_())
        h = torch.relu(h)
    loss = torch.nn.functional.cross_entropy(zs[-1], torch.from_numpy(DATA.train_y))
    return np.array([(g**2).mean().item() for g in torch.autograd.grad(loss, zs)])


def test_the_factors_of_the_way_back_are_the_whole_way():
    """Section 3.6: their product in a layer is what autograd finds between two z."""
    params, _ = runs.travelling_network(init.lecun_normal, relu, epochs=1)
    factors, sizes = runs.way_back(params, relu), in_parts(params)
    assert factors.shape == (3, 8)
    np.testing.assert_allclose(factors.prod(0), sizes[:8] / sizes[1:9], rtol=1e-9)
    np.testing.assert_allclose(factors[0], [32 * (p["weight"] ** 2).mean() for p in params if p][1:9])


def test_what_levels_the_gradients_is_the_fit_of_the_weights():
    """Section 3.6, quiz 03.h: not their size.  Before training the fit is 1, and half passes a ReLU."""
    starts = [
        mlp_params_by(runs.sizes_of(10), np.random.default_rng(seed), init.lecun_normal) for seed in range(5)
    ]
    before = np.mean([runs.way_back(start, relu) for start in starts], axis=0).mean(1)
    np.testing.assert_allclose(before, [1, 1, 0.5], rtol=0.05)
    kept = [result["ReLU, LeCun"]["way back"] for result in measured("initialization", "eight starts")]
    weights, fit, passed = np.sqrt(np.prod(kept, axis=2)).T
    assert weights.max() < 2 and fit.min() > 9 and passed.max() < 0.2
    assert (weights * passed < 0.4).all() and (weights * fit * passed > 1).all()


@pytest.mark.parametrize("name", ["tanh, Xavier", "ReLU, He"])
def test_shuffled_weights_keep_the_prediction(name):
    """Section 3.6, the control: the same sizes without what they know of the inputs."""
    found = [result[name] for result in measured("initialization", "eight starts")]
    shuffled, after = (
        np.mean([one[key] for one in found], axis=0) for key in ("rows shuffled", "against prediction")
    )
    assert shuffled.min() > 0.75 and shuffled.max() < 1.2 and (after > shuffled).all()


def test_shuffling_keeps_the_numbers_of_every_row():
    start = mlp_params_by((64, 32, 10), np.random.default_rng(0), init.lecun_normal)
    for old, new in zip((p for p in start if p), (p for p in runs.rows_shuffled(start) if p)):
        np.testing.assert_array_equal(np.sort(old["weight"], axis=1), np.sort(new["weight"], axis=1))
        assert (old["weight"] != new["weight"]).mean() > 0.8 and new["bias"] is old["bias"]


def test_where_one_unit_is_enough_a_difference_stays_small():
    """Section 3.5: beside a curve that one unit cannot follow."""
    enough = runs.noise_around(0.5, 1e-6, 2 * np.tanh(runs.INPUTS))
    assert enough[2400][0] < 1e-5 and enough[2400][1] < 1e-3
    assert runs.noise_around(0.5, 1e-6)[2400][0] > 1


def test_a_small_random_start_begins_on_a_plateau():
    """Section 3.5: weights around 0."""
    found = runs.noise_around(0.0, 1e-3)
    assert found[400][0] > 0.1 and found[800][1] > 0.85 * found[0][1] and found[1600][1] < 0.1
