"""Normalizations against torch: values, gradients, running statistics, extremes, mutants."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.nn import properties
from tests.nn.properties import Row, proofs_of
from tests.nn.torch_norms import torch_batch_norm
from utils.crosscheck import crosscheck
from utils.nn import normalization as norm

SHAPE = (4, 6, 5)


def torch_layer_norm(x, weight=None, bias=None, eps=1e-5):
    return F.layer_norm(x, x.shape[-1:], weight, bias, eps)


def torch_group_norm(x, weight=None, bias=None, num_groups=1, eps=1e-5):
    """torch's own cannot do with one of weight and bias in float64."""
    if (weight is None) != (bias is None):
        weight, bias = (
            (torch.ones(x.shape[1]).to(x), bias)
            if weight is None
            else (weight, torch.zeros(x.shape[1]).to(x))
        )
    return F.group_norm(x, num_groups, weight, bias, eps)


def torch_instance_norm(x, weight=None, bias=None, eps=1e-5):
    return F.instance_norm(x, weight=weight, bias=bias, eps=eps)


def torch_standardize(x, axis, eps=1e-5):
    centred = x - x.mean(axis, keepdim=True)
    return centred / torch.sqrt((centred**2).mean(axis, keepdim=True) + eps)


def torch_scale_and_shift(x_hat, weight=None, bias=None, shape=()):
    y = x_hat if weight is None else x_hat * weight.reshape(shape)
    return y if bias is None else y + bias.reshape(shape)


def drawn(seed, x_shape, *others):
    """x with its own mean and size in each channel, and other arrays."""
    rng = np.random.default_rng(seed)
    return per_channel(rng, x_shape), *(rng.normal(size=shape) for shape in others)


def per_channel(rng, shape, draw=None):
    x = rng.normal(size=shape)
    if len(shape) > 1:
        each = (1, shape[1], *[1] * (len(shape) - 2))
        x = x * rng.uniform(0.5, 3, each) + rng.normal(size=each)
    return x


def statistics(draw, sizes, inputs):
    """Options of batch norm: none, or running statistics, in training or in evaluation."""
    c = inputs[0].shape[1]
    running = {"running_mean": np.linspace(-1, 1, c), "running_var": np.linspace(0.1, 3, c)}
    training = {"momentum": draw(st.sampled_from([0.1, 0.3]))}
    found = draw(st.sampled_from([{}, running | training, running | {"training": False}]))
    assume("training" in found or inputs[0].size > c)
    return found | draw(EPS)


def some_groups(draw, sizes, inputs):
    """A divisor of the channels, so that each group has two numbers or more."""
    x = inputs[0]
    fit = [g for g in range(1, x.shape[1] + 1) if x.shape[1] % g == 0 and x.size > x.shape[0] * g]
    assume(fit)
    return {"num_groups": draw(st.sampled_from(fit))} | draw(EPS)


def several(draw, sizes, inputs):
    """More than one number in each group that instance or layer norm makes."""
    groups = inputs[0].shape[:2] if "*positions" in sizes else inputs[0].shape[:-1]
    assume(inputs[0].size > np.prod(groups))
    return draw(EPS)


def some_axes(draw, sizes, inputs):
    axes = range(inputs[0].ndim)
    return {"axis": tuple(draw(st.lists(st.sampled_from(axes), min_size=1, unique=True))), "eps": 1e-3}


EPS = st.sampled_from([{}, {"eps": 0.1}])
CHANNELS = ("(N, C, *positions)", "(C,)?", "(C,)?")
SWAPPED = ("dweight, dbias\n\n    return", "dbias, dweight\n\n    return")
ROWS = {
    "standardize": Row(
        norm.standardize, torch_standardize, ("(..., D)",),
        [
            ("dx_hat - mean_path - variance_path", "dx_hat - mean_path"),
            ("dx_hat - mean_path - variance_path", "dx_hat - variance_path"),
            ("dx_hat - mean_path - variance_path", "dx_hat - mean_path + variance_path"),
            ("inv_std * (dx_hat", "(dx_hat"),
            ("inv_std * (dx_hat", "inv_std**2 * (dx_hat"),
            ("variance_path = x_hat *", "variance_path = centred *"),
            ("(dx_hat * x_hat).mean", "(dx_hat * centred).mean"),
            ("(dx_hat * x_hat).mean", "(dx_hat * x_hat).sum"),
            ("dx_hat.mean", "dx_hat.sum"),
            ("+ eps)", "+ eps) + eps"),
            ("x_hat = centred * inv_std", "x_hat = centred * inv_std * 1.001"),
        ],
        some_axes, numbers=per_channel,
    ),
    "scale_and_shift": Row(
        norm.scale_and_shift, torch_scale_and_shift, CHANNELS,
        [
            ("(dy * x_hat).sum(shared)", "dy.sum(shared)"),
            ("(dy * x_hat).sum(shared)", "(dy * x_hat).mean(shared)"),
            ("return dy * w,", "return dy,"),
            ("dy.sum(shared)", "-dy.sum(shared)"),
            ("dy.sum(shared).", "2 * dy.sum(shared)."),
        ],
        lambda draw, sizes, inputs: {"shape": norm.channel_shape(inputs[0])},
    ),
    "batch_norm": Row(
        norm.batch_norm, torch_batch_norm, CHANNELS,
        [
            ("back_norm(dx_hat), dweight", "dx_hat, dweight"),
            ("back_norm(dx_hat), dweight", "back_norm(dy), dweight"),
            SWAPPED,
            ("ddof=1", "ddof=0"),
            ("momentum * (x.mean(axis) - running_mean)", "(1 - momentum) * (x.mean(axis) - running_mean)"),
            ("running_var += momentum", "running_var -= momentum"),
            ("running_mean += momentum *", "running_mean = running_mean + momentum *"),
            ("lambda dx_hat: dx_hat * inv_std", "lambda dx_hat: inv_std * (dx_hat - dx_hat.mean(axis, keepdims=True))"),
            ("np.sqrt(running_var + eps)", "(running_var + eps)"),
            ("np.sqrt(running_var + eps)", "np.sqrt(running_var)"),
            ("    if training:\n", "    if True:\n"),
        ],
        statistics, numbers=per_channel,
    ),
    "layer_norm": Row(
        norm.layer_norm, torch_layer_norm, ("(..., D)", "(D,)?", "(D,)?"),
        [
            ("back_norm(dx_hat), dweight", "back_norm(dy), dweight"),
            ("axis=-1", "axis=-2"),
            SWAPPED,
            ("eps=eps", "eps=2 * eps"),
        ],
        several, numbers=per_channel,
    ),
    "group_norm": Row(
        norm.group_norm, torch_group_norm, CHANNELS,
        [
            ("back_norm(dx_hat.reshape(grouped.shape))", "dx_hat.reshape(grouped.shape)"),
            ("dx_hat.reshape(grouped.shape))", "dy.reshape(grouped.shape))"),
            ("num_groups, np.prod(x.shape[1:], dtype=int) // num_groups)", "-1, num_groups).swapaxes(1, 2)"),
            SWAPPED,
        ],
        some_groups, numbers=per_channel,
    ),
    "instance_norm": Row(
        norm.instance_norm, torch_instance_norm, CHANNELS,
        [("x.shape[1], eps", "1, eps"), ("eps=eps", "eps=2 * eps"), ("weight, bias, num", "bias, weight, num")],
        several, numbers=per_channel,
    ),
}  # fmt: skip
test_promises, test_mutants = proofs_of(ROWS)

# name -> (ours, theirs, numbers in weight), for x of SHAPE
KINDS = {
    "batch": (norm.batch_norm, torch_batch_norm, 6),
    "layer": (norm.layer_norm, torch_layer_norm, 5),
    "group": (partial(norm.group_norm, num_groups=3), partial(torch_group_norm, num_groups=3), 6),
    "instance": (norm.instance_norm, torch_instance_norm, 6),
}


@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 99))
def test_running_statistics_are_proved_where_they_change(n, c, seed):
    x, weight, bias = drawn(seed, (n, c, 2), c, c)
    running = {"running_mean": np.full(c, 0.3), "running_var": np.full(c, 1.7)}
    found = crosscheck(norm.batch_norm, torch_batch_norm, x, weight, bias, **running, momentum=0.3)
    assert found.ok and {row.name for row in found.rows} >= {f"{name} after the call" for name in running}
    found = crosscheck(norm.batch_norm, torch_batch_norm, x, weight, bias, **running, training=False)
    assert found.ok and not any("after the call" in row.name for row in found.rows)


def test_group_norm_with_one_of_weight_and_bias():
    """torch.nn.functional.group_norm cannot do that in float64; ours has 1 or 0 in its place."""
    x, weight, bias = drawn(0, SHAPE, 6, 6)
    ones, zeros = np.ones(6), np.zeros(6)
    for some_of_them, both in [((weight, None), (weight, zeros)), ((None, bias), (ones, bias))]:
        ours, theirs = (norm.group_norm(x, *inputs, num_groups=2) for inputs in (some_of_them, both))
        np.testing.assert_array_equal(ours[0], theirs[0])
        for one, other, sent in zip(ours[1](x), theirs[1](x), (x, *some_of_them)):
            assert one is None if sent is None else np.array_equal(one, other)


@pytest.mark.parametrize("batch", [(), (1,), (3, 2)])
def test_groups_of_one_number_come_out_as_the_bias(batch):
    """torch's own kernels leave rounding errors here, of the size of 1 / sqrt(eps)."""
    x, weight, bias = drawn(0, (*batch, 1), 1, 1)
    theirs = lambda x, weight, bias: torch_standardize(x, -1) * weight + bias
    assert crosscheck(norm.layer_norm, theirs, x, weight, bias).ok
    y, pullback = norm.layer_norm(x, weight, bias)
    assert (y == bias).all() and not pullback(np.ones(x.shape))[0].any()
    if len(batch) == 2:
        y, pullback = norm.group_norm(x[:, :, 0], np.ones(2), np.array([0.3, 0.4]), num_groups=2)
        assert (y == [0.3, 0.4]).all() and not pullback(np.ones((3, 2)))[0].any()


def test_numbers_far_from_zero_come_out_as_those_around_it():
    """The mean of the squares minus the square of the mean would have lost the variance to rounding."""
    (z,) = drawn(11, (8, 3))
    far = norm.standardize(z + 1e7, axis=0)[0]
    np.testing.assert_allclose(far, norm.standardize(z, axis=0)[0], atol=1e-6)


@pytest.mark.parametrize("given", [(6,), (6, 1), (1, 6, 1)])
def test_gradients_of_size_and_offset_have_the_shape_that_came(given):
    inputs = drawn(12, SHAPE, given, given)
    assert crosscheck(norm.scale_and_shift, torch_scale_and_shift, *inputs, shape=(1, 6, 1)).ok
    _, dweight, dbias = norm.scale_and_shift(*inputs, shape=(1, 6, 1))[1](np.ones(SHAPE))
    assert dweight.shape == dbias.shape == given


def test_one_function_of_axis_is_all_four():
    """NRM-01: batch, layer, instance and group norm differ by what is averaged."""
    x = np.random.default_rng(0).normal(size=(4, 6, 5, 5))
    z = lambda axis, v=x: norm.standardize(v, axis=axis)[0]
    t = torch.from_numpy(x)
    same = partial(np.testing.assert_allclose, rtol=1e-12, atol=1e-14)
    same(z((0, 2, 3)), F.batch_norm(t, None, None, training=True))
    same(z((1, 2, 3)), F.layer_norm(t, (6, 5, 5)))
    same(z((2, 3)), F.instance_norm(t))
    same(z((2, 3, 4), x.reshape(4, 3, 2, 5, 5)).reshape(x.shape), F.group_norm(t, 3))


def test_group_norm_between_its_ends():
    """One group is layer norm over everything but the batch; a group a channel is instance norm."""
    x, weight, bias = drawn(1, SHAPE, 6, 6)
    all_of_it = norm.layer_norm(x.reshape(4, -1))[0].reshape(SHAPE) * weight[:, None] + bias[:, None]
    np.testing.assert_allclose(norm.group_norm(x, weight, bias, num_groups=1)[0], all_of_it)
    alone = norm.group_norm(x, weight, bias, num_groups=6)[0]
    np.testing.assert_array_equal(norm.instance_norm(x, weight, bias)[0], alone)


def test_a_constant_group_comes_out_as_the_bias():
    """E04.13, E04.15: thanks to eps, in value; without it 0 / 0."""
    x, bias = np.full((4, 3), 2.0), np.array([0.1, 0.2, 0.3])
    np.testing.assert_array_equal(norm.batch_norm(x, None, bias)[0], np.tile(bias, (4, 1)))
    np.testing.assert_array_equal(norm.layer_norm(x, None, bias)[0], np.tile(bias, (4, 1)))
    with np.errstate(invalid="ignore"):
        assert np.isnan((x - x.mean(0)) / x.std(0)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_each_group_add_up_to_zero(kind):
    """NRM-11: nothing that is the same for a whole group comes through."""
    x, dy = drawn(4, SHAPE, SHAPE)
    _, pullback = KINDS[kind][0](x)
    dx, _, _ = pullback(dy)
    axis = {"batch": (0, 2), "layer": (2,), "instance": (2,)}
    sums = dx.reshape(4, 3, -1).sum(-1) if kind == "group" else dx.sum(axis[kind])
    np.testing.assert_allclose(sums, 0, atol=1e-12)


def test_running_statistics_follow_torch_through_many_batches():
    """NRM-06, and in evaluation they stay."""
    layer = torch.nn.BatchNorm1d(2).double()
    mean, var, rng = np.zeros(2), np.ones(2), np.random.default_rng(0)
    for _ in range(20):
        x = 3 * rng.normal(size=(8, 2)) + 1
        layer(torch.from_numpy(x))
        norm.batch_norm(x, running_mean=mean, running_var=var)
    np.testing.assert_allclose(mean, layer.running_mean)
    np.testing.assert_allclose(var, layer.running_var)
    kept = mean.copy(), var.copy()
    ours, _ = norm.batch_norm(x, running_mean=mean, running_var=var, training=False)
    np.testing.assert_allclose(ours, layer.eval()(torch.from_numpy(x)).detach())
    np.testing.assert_array_equal(kept, (mean, var))


def test_a_pullback_keeps_the_statistics_of_its_own_call():
    """Later batches move the running statistics, not what an earlier pullback remembers."""
    mean, var = np.zeros(2), np.ones(2)
    x, later, dy = drawn(5, (8, 2), (8, 2), (8, 2))
    for training in (True, False):
        _, pullback = norm.batch_norm(x, running_mean=mean, running_var=var, training=training)
        before = pullback(dy)[0]
        norm.batch_norm(later + 5, running_mean=mean, running_var=var)
        np.testing.assert_array_equal(pullback(dy)[0], before)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda x: norm.batch_norm(x[:, 0, 0]), r"x has shape \(4,\); expected \(N, C, \*positions\)"),
        (
            lambda x: norm.batch_norm(x, np.ones(5)),
            r"weight has shape \(5,\); expected \(C,\), where C is 6 in x",
        ),
        (
            lambda x: norm.batch_norm(x, None, np.ones((6, 1))),
            r"bias has shape \(6, 1\); expected \(C,\), where C is 6",
        ),
        (lambda x: norm.batch_norm(x, training=False), "expected both in evaluation"),
        (lambda x: norm.batch_norm(x, running_mean=np.zeros(6)), "both or none in training"),
        (
            lambda x: norm.batch_norm(x, running_mean=np.zeros(6), running_var=np.ones(5)),
            r"running_var has shape \(5,\)",
        ),
        (lambda x: norm.batch_norm(x[:1, :, :1]), "one number in each channel of the batch"),
        (lambda x: norm.layer_norm(x, np.ones(6)), r"weight has shape \(6,\); expected \(D,\), where D is 5"),
        (lambda x: norm.layer_norm(x, np.ones(5), np.ones((6, 5))), r"bias has shape \(6, 5\)"),
        (lambda x: norm.layer_norm(np.array(1.0)), r"x has shape \(\); expected \(\.\.\., D\)"),
        (lambda x: norm.group_norm(x, num_groups=4), "num_groups is 4; expected a divisor of 6"),
        (lambda x: norm.group_norm(x, num_groups=0), "num_groups is 0"),
        (lambda x: norm.group_norm(x, num_groups=-1), "num_groups is -1; expected an integer of at least 1"),
        (lambda x: norm.group_norm(x, np.ones(5), num_groups=2), "weight has shape"),
        (lambda x: norm.group_norm(x, bias=np.ones(5), num_groups=2), r"bias has shape \(5,\)"),
        (lambda x: norm.instance_norm(x[:, :, 0]), "one number in each channel of an example"),
        (
            lambda x: norm.batch_norm(x, running_mean=np.zeros(6, int), running_var=np.ones(6)),
            "running_mean is an array of int64, .*; expected an array of floating point",
        ),
        (
            lambda x: norm.standardize(x, axis=3),
            r"axis is 3; expected an axis of x, which has shape \(4, 6, 5\)",
        ),
        (lambda x: norm.standardize(x[:0], axis=0), r"x has shape \(0, 6, 5\): no number along axis 0"),
        (lambda x: norm.layer_norm(x[..., :0]), r"x has shape \(4, 6, 0\): no number along axis -1"),
        (
            lambda x: norm.scale_and_shift(x, np.ones(6), shape=(1, 5, 1)),
            r"shape is \(1, 5, 1\); expected 1 or",
        ),
        (
            lambda x: norm.scale_and_shift(x, np.ones(5), shape=(1, 6, 1)),
            r"weight has shape \(5,\); expected num",
        ),
    ],
)
def test_bad_arguments(call, words):
    with pytest.raises(ValueError, match=words):
        call(drawn(0, SHAPE)[0])


def test_every_mutant_of_the_way_back_is_named():
    """What a reader who drops a path is told."""
    x = drawn(10, (3, 5))[0]
    changes = [("dx_hat - mean_path - variance_path", "dx_hat - variance_path")]
    (mutant,) = properties.mutants(norm.standardize, *changes)
    found = crosscheck(mutant, torch_standardize, x, axis=-1, raises=False)
    assert "one path is missing: nothing comes back to x from `mean(x)`" in str(found)


def test_integers_in_evaluation_are_numbers_too():
    x = np.arange(6).reshape(3, 2)
    running = {"running_mean": np.full(2, 0.5), "running_var": np.full(2, 0.25), "training": False}
    ours, _ = norm.batch_norm(x, **running)
    np.testing.assert_allclose(ours, norm.batch_norm(x.astype(float), **running)[0])


def test_empty_batches():
    running = {"running_mean": np.zeros(3), "running_var": np.ones(3)}
    with pytest.raises(ValueError, match="no number in each channel of the batch"):
        norm.batch_norm(np.zeros((0, 3)), **running)
    np.testing.assert_array_equal(running["running_mean"], np.zeros(3))
    assert norm.group_norm(np.zeros((0, 4, 2)), num_groups=2)[0].shape == (0, 4, 2)
    assert norm.instance_norm(np.zeros((0, 4, 2)))[0].shape == (0, 4, 2)
