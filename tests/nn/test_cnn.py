"""Convolution and pooling against torch: every mix of options, ties and overlap, adjoint, mutants."""

from itertools import product

import numpy as np
import pytest
import torch.nn.functional as F
from hypothesis import strategies as st

from tests.nn.properties import Row, proofs_of
from utils.crosscheck import crosscheck
from utils.nn import cnn

rng = np.random.default_rng


def lengths(draw, size, dilation, padding):
    """An axis into which a kernel fits, now exactly, now with a remainder."""
    least = max(1, dilation * (size - 1) + 1 - 2 * padding)
    return draw(st.integers(least, least + 4))


def images(draw, sizes, rng):
    """x for a convolution: its options are drawn first, so that the kernel fits."""
    pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
    sizes["kernel"] = draw(pairs)
    sizes["options"] = {
        "stride": draw(st.one_of(st.integers(1, 3), pairs)),
        "padding": draw(st.one_of(st.integers(0, 2), st.tuples(st.integers(0, 2), st.integers(0, 2)))),
        "dilation": draw(st.one_of(st.integers(1, 2), pairs)),
    }
    both = {name: cnn.both(option) for name, option in sizes["options"].items()}
    area = [
        lengths(draw, size, dilation, padding)
        for size, dilation, padding in zip(sizes["kernel"], both["dilation"], both["padding"])
    ]
    sizes["N"], sizes["C"], sizes["O"] = (draw(st.integers(1, 3)) for _ in range(3))
    return rng.normal(size=(sizes["N"], sizes["C"], *area))


def kernels(draw, sizes, rng):
    return rng.normal(size=(sizes["O"], sizes["C"], *sizes["kernel"]))


def biases(draw, sizes, rng):
    return rng.normal(size=sizes["O"]) if draw(st.booleans()) else None


def sequences(draw, sizes, rng):
    sizes["kernel"] = (draw(st.integers(1, 3)),)
    sizes["options"] = {
        "stride": draw(st.integers(1, 3)),
        "padding": draw(st.integers(0, 2)),
        "dilation": draw(st.integers(1, 2)),
    }
    length = lengths(draw, *sizes["kernel"], sizes["options"]["dilation"], sizes["options"]["padding"])
    sizes["N"], sizes["C"], sizes["O"] = (draw(st.integers(1, 3)) for _ in range(3))
    return rng.normal(size=(sizes["N"], sizes["C"], length))


def pooled(draw, sizes, rng):
    """x for a pooling, half of the time with whole numbers, so that windows hold ties."""
    pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
    size = draw(st.one_of(st.integers(1, 3), pairs))
    sizes["options"] = {"kernel_size": size} | draw(
        st.sampled_from([{}, {"stride": 1}, {"stride": 2}, {"stride": (1, 3)}])
    )
    area = [draw(st.integers(k, k + 4)) for k in cnn.both(size)]
    x = rng.normal(size=(draw(st.integers(1, 3)), draw(st.integers(1, 3)), *area))
    return np.round(x) if draw(st.booleans()) else x


def chosen(draw, sizes, inputs):
    return sizes["options"]


ROWS = {
    "conv2d": Row(
        cnn.conv2d, F.conv2d, (images, kernels, biases), options=chosen,
        mutants=[
            ("dy.sum((0, 2))", "dy.mean((0, 2))"),
            ("(dy @ columns.transpose(0, 2, 1)).sum(0)", "(dy @ columns.transpose(0, 2, 1)).mean(0)"),
            ("rows.T @ dy", "rows[:, ::-1].T @ dy"),  # the kernel turned round once too often
            ("y + bias[:, None, None]", "y - bias[:, None, None]"),
            ("cut(scatter(dseen, padded.shape, stride=stride, dilation=dilation), padding)",
             "cut(scatter(dseen, padded.shape, stride=stride, dilation=dilation)[:, ::-1], padding)"),
        ],
    ),
    "conv1d": Row(
        cnn.conv1d, F.conv1d, (sequences, kernels, biases), options=chosen,
        mutants=[
            ("stride=(1, stride)", "stride=(1, 1)"),
            ("dx[:, :, 0], dweight[:, :, 0]", "dx[:, :, 0], dweight[:, :, 0, ::-1]"),
            ("padding=(0, padding)", "padding=(0, 0)"),
        ],
    ),
    "max_pool2d": Row(
        cnn.max_pool2d, F.max_pool2d, (pooled,), options=chosen,
        mutants=[
            ("winner == np.arange(taps)[:, None, None]", "listed == listed.max(2, keepdims=True)"),  # all ties win
            ("listed.argmax(2)", "listed.argmin(2)"),
            ("dy[:, :, None], np.zeros", "dy[:, :, None] / taps, np.zeros"),
            ("listed.argmax(2)", "taps - 1 - listed[:, :, ::-1].argmax(2)"),  # the last of equals
        ],
    ),
    "avg_pool2d": Row(
        cnn.avg_pool2d, F.avg_pool2d, (pooled,), options=chosen,
        mutants=[
            ("kernel_size[0] * kernel_size[1]", "kernel_size[0]"),
            ("seen.mean((2, 3))", "seen.sum((2, 3))"),
            ("dy[:, :, None, None] /", "-dy[:, :, None, None] /"),
        ],
    ),
}  # fmt: skip

test_promises, test_mutants = proofs_of(ROWS)

X, K = rng(0).normal(size=(2, 3, 7, 6)), rng(1).normal(size=(4, 3, 3, 2))


@pytest.mark.parametrize(
    "length, size, padding, stride, dilation",
    list(product(range(1, 9), (1, 2, 3), (0, 1, 2), (1, 2, 3), (1, 2))),
)
def test_output_size(length, size, padding, stride, dilation):
    found = cnn.output_size(length, size, padding=padding, stride=stride, dilation=dilation)
    x, weight = np.ones((1, 1, length)), np.ones((1, 1, size))
    if found < 1:
        with pytest.raises(ValueError, match=r"weight.* reaches over"):
            cnn.conv1d(x, weight, stride=stride, padding=padding, dilation=dilation)
    else:
        y, _ = cnn.conv1d(x, weight, stride=stride, padding=padding, dilation=dilation)
        assert y.shape[-1] == found


@pytest.mark.parametrize("stride, dilation", list(product((1, 2, (3, 1)), (1, 2))))
def test_windows_and_scatter_are_adjoint(stride, dilation):
    """<windows(x), d> = <x, scatter(d)>: what the way there copies, the way back adds."""
    options = {"stride": cnn.both(stride), "dilation": cnn.both(dilation)}
    seen = cnn.windows(X, (2, 3), **options)
    d = rng(2).normal(size=seen.shape)
    assert np.isclose((seen * d).sum(), (X * cnn.scatter(d, X.shape, **options)).sum())


def test_windows_copy_nothing():
    assert np.shares_memory(cnn.windows(X, (2, 2)), X)


def test_scatter_adds_where_windows_overlap():
    ones = np.ones((1, 1, 3, 3, 3, 3))
    assert (
        cnn.scatter(ones, (1, 1, 5, 5))[0, 0].tolist() == np.outer([1, 2, 3, 2, 1], [1, 2, 3, 2, 1]).tolist()
    )


def test_the_input_gradient_is_a_convolution_with_the_kernel_turned_round():
    _, back = cnn.conv2d(X, K)
    dy = rng(3).normal(size=(2, 4, 5, 5))
    turned = K[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
    full, _ = cnn.conv2d(dy, turned, padding=(2, 1))
    assert np.allclose(back(dy)[0], full)


def test_a_stride_leaves_out_outputs():
    every, _ = cnn.conv2d(X, K)
    second, _ = cnn.conv2d(X, K, stride=2)
    assert np.allclose(every[:, :, ::2, ::2], second)


def test_equal_numbers_send_everything_to_the_first():
    _, back = cnn.max_pool2d(np.ones((1, 1, 2, 4)), kernel_size=2)
    assert back(np.array([[[[3.0, 5.0]]]]))[0, 0].tolist() == [[3, 0, 5, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize("operation", [cnn.conv2d, cnn.conv1d])
def test_an_empty_batch(operation):
    x, weight = (X[:0], K) if operation is cnn.conv2d else (X[:0, :, 0], K[:, :, 0])
    y, back = operation(x, weight)
    dx, dweight, dbias = back(np.zeros_like(y))
    assert dx.shape == x.shape and dweight.shape == weight.shape and not dweight.any() and dbias is None


@pytest.mark.parametrize("call, words", [
    (lambda: cnn.conv2d(X, K[:, :2]), "weight has shape (4, 2, 3, 2); expected (O, C, KH, KW), where C is 3 in x"),
    (lambda: cnn.conv2d(X[0], K), "x has shape (3, 7, 6); expected (N, C, H, W)"),
    (lambda: cnn.conv2d(X, K, stride=0), "stride is 0; expected an integer of at least 1, or a pair of them"),
    (lambda: cnn.conv2d(X, K, padding=(1, 1, 1)), "padding is (1, 1, 1); expected an integer of at least 0"),
    (lambda: cnn.conv2d(X, K, dilation=4), "weight with dilation 4 reaches over 9 rows; x has 7"),
    (lambda: cnn.conv2d(X[:, :, :, :1], K, padding=(1, 0)), "weight reaches over 2 columns; x has 1"),
    (lambda: cnn.max_pool2d(X, kernel_size=8), "kernel_size reaches over 8 rows; x has 7"),
    (lambda: cnn.max_pool2d(X, kernel_size=2.0), "kernel_size is 2.0; expected an integer"),
    (lambda: cnn.conv1d(X[:, :, 0], K[:, :, 0], stride=(1, 2)), "stride is a tuple; expected an integer"),
])  # fmt: skip
def test_bad_arguments(call, words):
    with pytest.raises(ValueError) as caught:
        call()
    assert words in str(caught.value)


def test_wrong_scatter_is_named_by_the_witness():
    """The slip that the round trip windows -> scatter does not show: = where + belongs."""

    def overwritten(x, weight):
        y, back = cnn.conv2d(x, weight)

        def pullback(dy):
            _, dweight, _ = back(dy)
            dx = np.zeros_like(x)
            for i, j in np.ndindex(dy.shape[2:]):
                dx[:, :, i : i + 3, j : j + 2] = np.einsum("no,ocab->ncab", dy[:, :, i, j], weight)
            return dx, dweight

        return y, pullback

    found = crosscheck(overwritten, F.conv2d, X, K, raises=False)
    assert not found.ok and [row.name for row in found.wrong] == ["gradient of x"]
