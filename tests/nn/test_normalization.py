"""Normalizations against torch: values, gradients, running statistics, extremes, mutants."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from tests.nn import properties
from tests.nn.torch_norms import torch_batch_norm
from utils.crosscheck import crosscheck
from utils.nn import normalization as norm

SHAPE = (4, 6, 5)


def torch_layer_norm(x, weight=None, bias=None, eps=1e-5):
    return F.layer_norm(x, x.shape[-1:], weight, bias, eps)


def torch_group_norm(x, weight=None, bias=None, num_groups=1, eps=1e-5):
    return F.group_norm(x, num_groups, weight, bias, eps)


def torch_instance_norm(x, weight=None, bias=None, eps=1e-5):
    return F.instance_norm(x, weight=weight, bias=bias, eps=eps)


def torch_standardize(x, axis, eps=1e-5):
    centred = x - x.mean(axis, keepdim=True)
    return centred / torch.sqrt((centred**2).mean(axis, keepdim=True) + eps)


# name -> (ours, theirs, numbers in weight), for x of SHAPE
KINDS = {
    "batch": (norm.batch_norm, torch_batch_norm, 6),
    "layer": (norm.layer_norm, torch_layer_norm, 5),
    "group": (partial(norm.group_norm, num_groups=3), partial(torch_group_norm, num_groups=3), 6),
    "instance": (norm.instance_norm, torch_instance_norm, 6),
}


def drawn(seed, x_shape, *others):
    """x with its own mean and size in each channel, and other arrays."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=x_shape)
    if len(x_shape) > 1:
        per_channel = (1, x_shape[1], *[1] * (len(x_shape) - 2))
        x = x * rng.uniform(0.5, 3, per_channel) + rng.normal(size=per_channel)
    return x, *(rng.normal(size=shape) for shape in others)


def named(function):
    """A partial with a name, for messages."""
    found = partial(function)
    found.__name__ = getattr(function, "__name__", None) or function.func.__name__
    return found


batches, channels = st.integers(1, 4), st.integers(1, 5)
positions = st.lists(st.integers(1, 3), max_size=2).map(tuple)
seeds = st.integers(0, 99)
which = st.sampled_from([(True, True), (True, False), (False, True), (False, False)])


def some(use, *arrays):
    """Each array, or None in its place."""
    return [array if used else None for used, array in zip(use, arrays)]


@given(batches, channels, positions, which, seeds)
def test_batch_norm(n, c, rest, use, seed):
    x, weight, bias = drawn(seed, (n, c, *rest), c, c)
    inputs = [x, *some(use, weight, bias)]
    running = {"running_mean": np.full(c, 0.3), "running_var": np.full(c, 1.7)}
    if x.size > c:
        assert crosscheck(norm.batch_norm, torch_batch_norm, *inputs).ok
        found = crosscheck(norm.batch_norm, torch_batch_norm, *inputs, **running, momentum=0.3)
        assert found.ok and {row.name for row in found.rows} >= {f"{name} after the call" for name in running}
    else:
        with pytest.raises(ValueError, match="one number in each channel of the batch"):
            norm.batch_norm(*inputs)
    found = crosscheck(norm.batch_norm, torch_batch_norm, *inputs, **running, training=False)
    assert found.ok and not any("after the call" in row.name for row in found.rows)


@given(st.lists(st.integers(1, 4), max_size=3).map(tuple), st.integers(2, 6), which, seeds)
def test_layer_norm(batch, d, use, seed):
    x, weight, bias = drawn(seed, (*batch, d), d, d)
    assert crosscheck(norm.layer_norm, torch_layer_norm, x, *some(use, weight, bias)).ok


@given(batches, st.integers(1, 3), st.integers(1, 3), positions, st.booleans(), seeds)
def test_group_norm(n, num_groups, each, rest, affine, seed):
    c = num_groups * each
    x, weight, bias = drawn(seed, (n, c, *rest), c, c)
    inputs = [x, *some((affine, affine), weight, bias)]
    if x.size > n * num_groups:
        assert crosscheck(norm.group_norm, torch_group_norm, *inputs, num_groups=num_groups).ok


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


@given(batches, channels, st.lists(st.integers(1, 4), min_size=1, max_size=2).map(tuple), which, seeds)
def test_instance_norm(n, c, rest, use, seed):
    x, weight, bias = drawn(seed, (n, c, *rest), c, c)
    inputs = [x, *some(use, weight, bias)]
    if np.prod(rest) > 1:
        assert crosscheck(norm.instance_norm, torch_instance_norm, *inputs).ok
    else:
        with pytest.raises(ValueError, match="one number in each channel of an example"):
            norm.instance_norm(*inputs)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple), seeds, st.data())
def test_standardize(shape, seed, data):
    axes = range(len(shape))
    axis = tuple(data.draw(st.lists(st.sampled_from(axes), min_size=1, unique=True)))
    (x,) = drawn(seed, shape)
    assert crosscheck(norm.standardize, torch_standardize, x, axis=axis, eps=1e-3).ok


def test_numbers_far_from_zero_come_out_as_those_around_it():
    """The mean of the squares minus the square of the mean would have lost the variance to rounding."""
    (z,) = drawn(11, (8, 3))
    far = norm.standardize(z + 1e7, axis=0)[0]
    np.testing.assert_allclose(far, norm.standardize(z, axis=0)[0], atol=1e-6)


def torch_scale_and_shift(x_hat, weight, bias, shape):
    return x_hat * weight.reshape(shape) + bias.reshape(shape)


@pytest.mark.parametrize("given", [(6,), (6, 1), (1, 6, 1)])
def test_gradients_of_size_and_offset_have_the_shape_that_came(given):
    inputs = drawn(12, SHAPE, given, given)
    assert crosscheck(norm.scale_and_shift, torch_scale_and_shift, *inputs, shape=(1, 6, 1)).ok
    _, dweight, dbias = norm.scale_and_shift(*inputs, shape=(1, 6, 1))[1](np.ones(SHAPE))
    assert dweight.shape == dbias.shape == given


def test_both_halves_leave_what_they_are_given_alone():
    properties.assert_pure(norm.standardize, drawn(13, SHAPE)[0], axis=0)
    properties.assert_pure(norm.scale_and_shift, *drawn(13, SHAPE, 6, 6), shape=(1, 6, 1))


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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_promises(kind, eps):
    ours, theirs, size = KINDS[kind]
    ours, inputs = named(ours), drawn(2, SHAPE, size, size)
    assert crosscheck(ours, theirs, *inputs, eps=eps).ok
    properties.assert_finite_at_extremes(ours, *inputs, eps=eps)
    properties.assert_keeps_float32(ours, *inputs, eps=eps)
    properties.assert_pure(ours, *inputs, eps=eps)


def test_promises_in_evaluation():
    inputs = drawn(3, SHAPE, 6, 6)
    running = {"running_mean": np.linspace(-1, 1, 6), "running_var": np.linspace(0, 3, 6), "training": False}
    ours = norm.batch_norm
    assert crosscheck(ours, torch_batch_norm, *inputs, **running, eps=0.1).ok
    properties.assert_finite_at_extremes(ours, *inputs, **running)
    properties.assert_keeps_float32(ours, *inputs, **running)
    properties.assert_pure(ours, *inputs, **running)


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
        (lambda x: norm.batch_norm(x[:, 0, 0]), r"x has shape \(4,\); expected \(N, C\)"),
        (lambda x: norm.batch_norm(x, np.ones(5)), r"weight has shape \(5,\); expected \(6,\)"),
        (lambda x: norm.batch_norm(x, None, np.ones((6, 1))), r"bias has shape \(6, 1\); expected \(6,\)"),
        (lambda x: norm.batch_norm(x, training=False), "expected both in evaluation"),
        (lambda x: norm.batch_norm(x, running_mean=np.zeros(6)), "both or none in training"),
        (
            lambda x: norm.batch_norm(x, running_mean=np.zeros(6), running_var=np.ones(5)),
            r"running_var has shape \(5,\)",
        ),
        (lambda x: norm.batch_norm(x[:1, :, :1]), "one number in each channel of the batch"),
        (lambda x: norm.layer_norm(x, np.ones(6)), r"weight has shape \(6,\); expected \(5,\)"),
        (lambda x: norm.layer_norm(x, np.ones(5), np.ones((6, 5))), r"bias has shape \(6, 5\)"),
        (lambda x: norm.layer_norm(np.array(1.0)), r"x has shape \(\); expected an axis"),
        (lambda x: norm.group_norm(x, num_groups=4), "num_groups is 4; expected a divisor of 6"),
        (lambda x: norm.group_norm(x, num_groups=0), "num_groups is 0"),
        (lambda x: norm.group_norm(x, num_groups=-1), "num_groups is -1; expected a divisor of 6"),
        (lambda x: norm.group_norm(x, np.ones(5), num_groups=2), "weight has shape"),
        (lambda x: norm.group_norm(x, bias=np.ones(5), num_groups=2), r"bias has shape \(5,\)"),
        (lambda x: norm.instance_norm(x[:, :, 0]), "one number in each channel of an example"),
    ],
)
def test_bad_arguments(call, words):
    with pytest.raises(ValueError, match=words):
        call(drawn(0, SHAPE)[0])


# ---- mutants


def test_mutants_of_standardize():
    properties.assert_mutants_are_rejected(
        norm.standardize,
        torch_standardize,
        [drawn(6, SHAPE)[0]],
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
        axis=(0, 2),
        eps=0.1,
    )


def test_mutants_of_scale_and_shift():
    properties.assert_mutants_are_rejected(
        norm.scale_and_shift,
        torch_scale_and_shift,
        drawn(7, SHAPE, 6, 6),
        ("(dy * x_hat).sum(shared)", "dy.sum(shared)"),
        ("(dy * x_hat).sum(shared)", "(dy * x_hat).mean(shared)"),
        ("return dy * w,", "return dy,"),
        ("dy.sum(shared)", "-dy.sum(shared)"),
        ("dy.sum(shared).", "2 * dy.sum(shared)."),
        shape=(1, 6, 1),
    )


BATCH_MUTANTS = [
    ("back_norm(dx_hat), dweight", "dx_hat, dweight"),
    ("back_norm(dx_hat), dweight", "back_norm(dy), dweight"),
    ("dweight, dbias\n\n    return", "dbias, dweight\n\n    return"),
]


def test_mutants_of_batch_norm():
    running = {"running_mean": np.full(6, 0.3), "running_var": np.full(6, 1.7)}
    inputs = drawn(8, SHAPE, 6, 6)
    reject = properties.assert_mutants_are_rejected
    reject(
        norm.batch_norm,
        torch_batch_norm,
        inputs,
        *BATCH_MUTANTS,
        ("ddof=1", "ddof=0"),
        ("momentum * (x.mean(axis) - running_mean)", "(1 - momentum) * (x.mean(axis) - running_mean)"),
        ("running_var += momentum", "running_var -= momentum"),
        ("running_mean += momentum *", "running_mean = running_mean + momentum *"),
        **running,
    )
    reject(
        norm.batch_norm,
        torch_batch_norm,
        inputs,
        *BATCH_MUTANTS,
        ("lambda dx_hat: dx_hat * inv_std", "lambda dx_hat: inv_std * (dx_hat - dx_hat.mean(axis, keepdims=True))"),
        ("np.sqrt(running_var + eps)", "(running_var + eps)"),
        ("np.sqrt(running_var + eps)", "np.sqrt(running_var)"),
        ("    if training:\n", "    if True:\n"),
        training=False,
        **running,
    )  # fmt: skip


@pytest.mark.parametrize(
    "kind, change",
    [
        ("layer", ("back_norm(dx_hat), dweight", "back_norm(dy), dweight")),
        ("layer", ("axis=-1", "axis=-2")),
        ("layer", ("dweight, dbias\n\n    return", "dbias, dweight\n\n    return")),
        ("layer", ("eps=eps", "eps=2 * eps")),
        ("group", ("back_norm(dx_hat.reshape(grouped.shape))", "dx_hat.reshape(grouped.shape)")),
        ("group", ("dx_hat.reshape(grouped.shape))", "dy.reshape(grouped.shape))")),
        (
            "group",
            ("num_groups, np.prod(x.shape[1:], dtype=int) // num_groups)", "-1, num_groups).swapaxes(1, 2)"),
        ),
        ("group", ("dweight, dbias\n\n    return", "dbias, dweight\n\n    return")),
    ],
)
def test_mutants_of_layer_and_group_norm(kind, change):
    function = {"layer": norm.layer_norm, "group": norm.group_norm}[kind]
    options = {"num_groups": 3} if kind == "group" else {}
    theirs = {"layer": torch_layer_norm, "group": torch_group_norm}[kind]
    inputs = drawn(9, SHAPE, KINDS[kind][2], KINDS[kind][2])
    (mutant,) = properties.mutants(function, change)
    assert crosscheck(function, theirs, *inputs, **options).ok
    assert not crosscheck(mutant, theirs, *inputs, raises=False, **options).ok


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
