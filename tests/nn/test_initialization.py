"""Initialization schemes against torch.nn.init: fans, spread, limits, distribution, rotations, complaints."""

from functools import partial
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.nn import properties
from utils.nn import initialization as init
from utils.nn.linear import linear
from utils.nn.mlp import mlp, mlp_params_by

SHAPES = [(300, 500), (500, 300), (64, 32, 3, 3), (200, 40, 5)]
FAMILY = {"normal": stats.norm, "uniform": stats.uniform(-(3**0.5), 2 * 3**0.5)}  # of variance 1


class Scheme(NamedTuple):
    """A scheme with its options, torch's, the distribution, the variance from the fans, and wrong versions.

    mutants: (old, new) pieces of the source that change the variance by a third or more.
    """

    ours: object
    theirs: object
    family: str
    variance: object
    mutants: tuple = ()


def scheme(name, theirs, family, variance, *mutants, options=None, torchs=None):
    """options: of ours; torchs: of torch's, where it calls them otherwise."""
    ours, options = getattr(init, name), options or {}
    theirs = partial(getattr(torch.nn.init, theirs), **(options if torchs is None else torchs))
    return Scheme(partial(ours, **options) if options else ours, theirs, family, variance, mutants)


RELU, LEAKY = {"nonlinearity": "relu"}, {"mode": "fan_out", "a": 0.3}
BACK = {"mode": "fan_out", "negative_slope": 0.3}
SCHEMES = {
    "lecun_normal": scheme(
        "lecun_normal", "kaiming_normal_", "normal", lambda i, o: 1 / i,
        ("1 / math.sqrt(fan_in)", "1 / fan_in"), torchs={"nonlinearity": "linear"},
    ),
    "xavier_normal": scheme(
        "xavier_normal", "xavier_normal_", "normal", lambda i, o: 2 / (i + o),
        ("gain * math.sqrt(2 / sum(fans(shape)))", "2 / sum(fans(shape))"), ("2 / sum", "1 / sum"),
    ),
    "xavier_normal, gain": scheme(
        "xavier_normal", "xavier_normal_", "normal", lambda i, o: 18 / (i + o), options={"gain": 3.0}
    ),
    "xavier_uniform": scheme(
        "xavier_uniform", "xavier_uniform_", "uniform", lambda i, o: 2 / (i + o), ("6 / sum", "3 / sum"), ("6 / sum", "2 / sum")
    ),
    "xavier_uniform, gain": scheme(
        "xavier_uniform", "xavier_uniform_", "uniform", lambda i, o: 0.5 / (i + o), options={"gain": 0.5}
    ),
    "kaiming_normal": scheme("kaiming_normal", "kaiming_normal_", "normal", lambda i, o: 2 / i, torchs=RELU),
    "kaiming_normal, back, leaky": scheme(
        "kaiming_normal", "kaiming_normal_", "normal", lambda i, o: 2 / (1.09 * o),
        ("shape, mode, negative_slope)", "shape)"), options=BACK, torchs=LEAKY,
    ),
    "kaiming_uniform": scheme("kaiming_uniform", "kaiming_uniform_", "uniform", lambda i, o: 2 / i, torchs=RELU),
    "kaiming_uniform, back, leaky": scheme(
        "kaiming_uniform", "kaiming_uniform_", "uniform", lambda i, o: 2 / (1.09 * o),
        ("math.sqrt(3) * ", ""), ("-limit, limit", "0, limit"), options=BACK, torchs=LEAKY,
    ),
    "the default of nn.Linear": scheme(
        "kaiming_uniform", "kaiming_uniform_", "uniform", lambda i, o: 1 / (3 * i),
        options={"negative_slope": 5**0.5}, torchs={"a": 5**0.5},
    ),
    "normal": scheme("normal", "normal_", "normal", lambda i, o: 0.04, options={"std": 0.2}),
    "uniform": scheme("uniform", "uniform_", "uniform", lambda i, o: 0.07**2 / 3, options={"a": -0.07, "b": 0.07}),
}  # fmt: skip
EVERY_CASE = [(name, shape) for name in SCHEMES for shape in SHAPES]
EVERY_MUTANT = [(name, change) for name, row in SCHEMES.items() for change in row.mutants]


def error_of_variance(family, count):
    """Standard error of a sample variance, divided by the variance: sqrt((kurtosis - 1) / count)."""
    return np.sqrt((FAMILY[family].stats(moments="k") + 2) / count)


@given(shape=st.lists(st.integers(1, 7), min_size=2, max_size=5))
def test_fans_count_as_torch(shape):
    assert init.fans(tuple(shape)) == torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))


@pytest.mark.parametrize("name, shape", EVERY_CASE)
def test_variance_is_the_formula_and_that_of_torch(name, shape):
    ours, theirs, family, variance, _ = SCHEMES[name]
    sample = ours(shape, np.random.default_rng(0))
    torch.manual_seed(0)
    reference = theirs(torch.empty(shape, dtype=torch.float64)).numpy()
    expected, reach = variance(*init.fans(shape)), 4 * error_of_variance(family, sample.size)
    assert sample.shape == shape and sample.dtype == np.float64
    assert sample.var() == pytest.approx(expected, rel=reach)
    assert reference.var() == pytest.approx(expected, rel=reach)
    assert abs(sample.mean()) < 4 * np.sqrt(expected / sample.size)


@pytest.mark.parametrize("name", SCHEMES)
def test_distribution(name):
    ours, _, family, variance, _ = SCHEMES[name]
    shape = (120, 50, 3)
    sample = ours(shape, np.random.default_rng(1)).ravel() / np.sqrt(variance(*init.fans(shape)))
    assert stats.kstest(sample, FAMILY[family].cdf).pvalue > 1e-3
    other = FAMILY["uniform" if family == "normal" else "normal"]
    assert stats.kstest(sample, other.cdf).pvalue < 1e-6
    if family == "uniform":
        assert 0.999 * 3**0.5 < np.abs(sample).max() <= 3**0.5


@pytest.mark.parametrize("name", [name for name in SCHEMES if SCHEMES[name].family == "normal"])
def test_the_tails_of_a_normal_scheme_are_not_cut_off(name):
    """Of 150000 numbers about 70 are expected beyond three and a half standard deviations."""
    ours, _, _, variance, _ = SCHEMES[name]
    sample = ours((300, 500), np.random.default_rng(2))
    assert np.abs(sample).max() > 3.5 * np.sqrt(variance(500, 300))


def test_normal_and_uniform_numbers_lie_where_they_were_asked_to():
    rng = np.random.default_rng(3)
    shifted, between = init.normal((10000,), rng, mean=5), init.uniform((10000,), rng, 2, 3)
    assert shifted.mean() == pytest.approx(5, abs=0.05) and shifted.std() == pytest.approx(1, abs=0.05)
    assert 2 <= between.min() < 2.01 and 2.99 < between.max() < 3
    standard, unit = init.normal((10000,), rng), init.uniform((10000,), rng)
    assert abs(standard.mean()) < 0.05 and standard.std() == pytest.approx(1, abs=0.05)
    assert 0 <= unit.min() < 0.01 and 0.99 < unit.max() < 1


def test_no_spread_at_all_is_allowed():
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(init.normal((2, 3), rng, mean=4.0, std=0), np.full((2, 3), 4.0))
    np.testing.assert_array_equal(init.uniform((2, 3), rng, a=0.5, b=0.5), np.full((2, 3), 0.5))


@pytest.mark.parametrize(
    "scheme, options",
    [
        (init.xavier_normal, {"gain": 1.0}),
        (init.xavier_uniform, {"gain": 1.0}),
        (init.orthogonal, {"gain": 1.0}),
        (init.kaiming_normal, {"mode": "fan_in", "negative_slope": 0.0}),
        (init.kaiming_uniform, {"mode": "fan_in", "negative_slope": 0.0}),
    ],
)
def test_what_is_meant_when_nothing_is_said(scheme, options):
    silent, explicit = (scheme((20, 30), np.random.default_rng(0), **given) for given in ({}, options))
    np.testing.assert_array_equal(silent, explicit)


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (3, 2, 1, 5)])
def test_odd_shapes_and_seeds(name, shape):
    ours = SCHEMES[name].ours
    first, again, other = (ours(shape, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert first.shape == shape and np.isfinite(first).all()
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()


def test_one_generator_gives_different_layers():
    rng = np.random.default_rng(0)
    assert (init.xavier_normal((3, 4), rng) != init.xavier_normal((3, 4), rng)).all()


@pytest.mark.parametrize("name, change", EVERY_MUTANT)
def test_mutants_have_another_variance(name, change):
    """The forms that a slip of the pen gives would not pass test_variance_is_the_formula_and_that_of_torch."""
    ours = SCHEMES[name].ours
    function, options = getattr(ours, "func", ours), getattr(ours, "keywords", {})
    (mutant,) = properties.mutants(function, change)
    right, wrong = (f((300, 500), np.random.default_rng(0), **options).var() for f in (function, mutant))
    assert abs(wrong / right - 1) > 0.3


@pytest.mark.parametrize(
    "old, new", [("* math.prod(kernel), outputs", ", outputs"), ("outputs, inputs", "inputs, outputs")]
)
def test_mutants_of_fans_count_otherwise(old, new):
    (mutant,) = properties.mutants(init.fans, (old, new))
    assert mutant((8, 5, 3, 3)) != init.fans((8, 5, 3, 3)) == (45, 72)


@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
@pytest.mark.parametrize("slope", [0.0, 0.01, 0.25, 1.0, 5**0.5])
def test_kaiming_std_is_the_gain_of_torch(mode, slope):
    gain = torch.nn.init.calculate_gain("leaky_relu", slope)
    fan = init.fans((20, 30))[mode == "fan_out"]
    assert init.kaiming_std((20, 30), mode, slope) == pytest.approx(gain / np.sqrt(fan))


def test_kaiming_std_is_that_of_relu_going_forward_unless_told():
    assert init.kaiming_std((20, 30)) == np.sqrt(2 / 30)


@pytest.mark.parametrize("shape", [(20, 50), (50, 20), (30, 30), (6, 4, 3, 3), (40, 2, 3), (1, 5), (5, 1)])
@pytest.mark.parametrize("gain", [1.0, 2**0.5])
def test_orthogonal_keeps_every_length(shape, gain):
    weight = init.orthogonal(shape, np.random.default_rng(0), gain)
    torch.manual_seed(0)
    reference = torch.nn.init.orthogonal_(torch.empty(shape, dtype=torch.float64), gain).numpy()
    for w in (weight, reference):
        assert w.shape == shape
        np.testing.assert_allclose(np.linalg.svd(w.reshape(shape[0], -1), compute_uv=False), gain, rtol=1e-10)


def test_orthogonal_prefers_no_direction():
    """Without the signs of r the first number of q would always have the same sign.

    A direction without preference in three dimensions has coordinates spread evenly from -1 to 1
    (Archimedes: the area of a slice of a sphere depends on its height alone).
    """
    rng = np.random.default_rng(0)
    found = np.array([init.orthogonal((3, 3), rng) for _ in range(4000)])
    assert np.abs(found.mean(0)).max() < 5 / np.sqrt(3 * len(found))
    assert abs((np.linalg.det(found) > 0).mean() - 0.5) < 0.04
    assert stats.kstest(found[:, 0, 0], stats.uniform(-1, 2).cdf).pvalue > 1e-3
    (mutant,) = properties.mutants(init.orthogonal, ("q * np.where(np.diag(r) < 0, -1, 1)", "q"))
    assert abs(np.mean([mutant((3, 3), rng)[0, 0] for _ in range(1000)])) > 0.3


def test_constant():
    np.testing.assert_array_equal(init.constant((2, 3), value=0.5), np.full((2, 3), 0.5))
    np.testing.assert_array_equal(init.constant((4,), np.random.default_rng(0)), np.zeros(4))
    assert init.constant((2, 3), value=1).dtype == np.float64


@pytest.mark.parametrize(
    "call, told",
    [
        (lambda rng: init.fans((3,)), r"shape is \(3,\); expected \(out, in, "),
        (lambda rng: init.xavier_normal((), rng), r"shape is \(\)"),
        (lambda rng: init.lecun_normal((3, 0), rng), r"shape is \(3, 0\).*none of them 0"),
        (lambda rng: init.orthogonal((7,), rng), r"shape is \(7,\)"),
        (lambda rng: init.normal((2, 3), rng, std=-1), "std is -1; expected a finite number of at least 0"),
        (lambda rng: init.uniform((2, 3), rng, a=1.0, b=0.0), "b is 0.0, below a, which is 1.0"),
        (
            lambda rng: init.kaiming_normal((2, 3), rng, mode="in"),
            "mode is 'in'; expected one of fan_in, fan_out",
        ),
        (lambda rng: init.kaiming_uniform((2, 3), rng, "fan_avg"), "mode is .fan_avg."),
        (lambda rng: init.lecun_normal((2, 3), None), "rng is None; expected a numpy Generator, such as"),
        (
            lambda rng: init.normal((2, 3), rng, std=np.nan),
            "std is nan; expected a finite number of at least 0",
        ),
        (lambda rng: init.xavier_uniform((2, 3), rng, gain=np.inf), "gain is inf; expected a finite number"),
        (
            lambda rng: init.normal((2, -3), rng),
            r"shape is \(2, -3\); expected a tuple of integers of at least 0",
        ),
    ],
)
def test_complaints(call, told):
    with pytest.raises(ValueError, match=told):
        call(np.random.default_rng(0))


def test_weights_of_a_network_from_a_scheme():
    sizes = (64, 300, 10)
    params = mlp_params_by(sizes, np.random.default_rng(0), init.kaiming_normal)
    network, _ = mlp(sizes)
    output, _ = network(params, np.ones((2, 64)))
    assert output.shape == (2, 10)
    weights = [p for p in params if p]
    assert [p["weight"].shape for p in weights] == [(300, 64), (10, 300)]
    assert all((p["bias"] == 0).all() for p in weights)
    assert weights[0]["weight"].var() == pytest.approx(2 / 64, rel=0.05)
    assert linear(np.ones((1, 64)), **weights[0])[0].shape == (1, 300)
