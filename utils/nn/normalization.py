"""Chapter 04: normalizations, which differ only in the numbers that share a mean and a variance."""

import math

import numpy as np

from utils.nn.guard import guarded


@guarded
def standardize(x, *, axis, eps=1e-5):
    """Subtract from each group its mean and divide by its standard deviation: eqs. (4.1), (4.2), (4.8).

    x: any shape; axis: a number or a tuple, the axes along which a group extends.  Biased variance,
    eps inside the root.
    """
    centred = x - x.mean(axis, keepdims=True)
    inv_std = 1 / np.sqrt((centred**2).mean(axis, keepdims=True) + eps)
    x_hat = centred * inv_std

    def pullback(dx_hat):
        mean_path = dx_hat.mean(axis, keepdims=True)
        variance_path = x_hat * (dx_hat * x_hat).mean(axis, keepdims=True)
        return inv_std * (dx_hat - mean_path - variance_path)

    return x_hat, pullback


@guarded
def scale_and_shift(x_hat, weight=None, bias=None, *, shape):
    """Give every place its own learned size and offset, weight * x_hat + bias: eqs. (4.3), (4.4).

    weight, bias: arrays that reshape to `shape`, or None for 1 and 0; shape: as many axes as x_hat,
    with 1 where a weight is shared.  ValueError when these do not fit.
    """
    expect_places(shape, x_hat, weight=weight, bias=bias)
    shared = tuple(axis for axis, length in enumerate(shape) if length == 1)
    w = 1 if weight is None else weight.reshape(shape)
    b = 0 if bias is None else bias.reshape(shape)

    def pullback(dy):
        dweight = None if weight is None else (dy * x_hat).sum(shared).reshape(weight.shape)
        dbias = None if bias is None else dy.sum(shared).reshape(bias.shape)
        return dy * w, dweight, dbias

    return x_hat * w + b, pullback


@guarded(x="(..., D)", weight="(D,)", bias="(D,)")
def layer_norm(x, weight=None, bias=None, *, eps=1e-5):
    """Normalize each example over its last axis, then scale and shift: eqs. (4.2), (4.3), (4.17).

    x: (..., D); weight, bias: (D,) or None.  As torch.nn.functional.layer_norm with normalized_shape
    (D,).  ValueError when weight or bias does not fit.  Ba, Kiros & Hinton 2016.
    """
    x_hat, back_norm = standardize(x, axis=-1, eps=eps)
    y, back_affine = scale_and_shift(x_hat, weight, bias, shape=(1,) * (x.ndim - 1) + x.shape[-1:])

    def pullback(dy):
        dx_hat, dweight, dbias = back_affine(dy)
        return back_norm(dx_hat), dweight, dbias

    return y, pullback


@guarded(x="(N, C, *positions)", weight="(C,)", bias="(C,)", running_mean="(C,)", running_var="(C,)")
def batch_norm(
    x, weight=None, bias=None, *, running_mean=None, running_var=None, training=True, momentum=0.1, eps=1e-5
):
    """Normalize each channel over the batch and all positions: eqs. (4.3), (4.9), (4.11), (4.12).

    x: (N, C) or (N, C, *positions); weight, bias: (C,) or None; running_mean, running_var: (C,),
    changed in place in training (by the mean and the unbiased variance of the batch), used instead
    of the batch's own in evaluation.  momentum: the share of the new batch in them.  As
    torch.nn.functional.batch_norm, which refuses eps=0 in training and takes an empty batch.
    ValueError in training with fewer than two numbers for each channel, in evaluation without running
    statistics, and when shapes do not fit.  Ioffe & Szegedy 2015.
    """
    axis, shape = (0, *range(2, x.ndim)), channel_shape(x)
    if (running_mean is None) != (running_var is None) or (not training and running_mean is None):
        raise ValueError(
            "running_mean and running_var: expected both in evaluation, both or none in training"
        )
    if training:
        expect_several(x, axis, "channel of the batch")
        x_hat, back_norm = standardize(x, axis=axis, eps=eps)
        if running_mean is not None:
            running_mean += momentum * (x.mean(axis) - running_mean)
            running_var += momentum * (x.var(axis, ddof=1) - running_var)
    else:  # the statistics are constants: nothing flows back through them
        inv_std = (1 / np.sqrt(running_var + eps)).reshape(shape).astype(x.dtype)  # float32 stays float32
        x_hat = (x - running_mean.reshape(shape).astype(x.dtype)) * inv_std
        back_norm = lambda dx_hat: dx_hat * inv_std
    y, back_affine = scale_and_shift(x_hat, weight, bias, shape=shape)

    def pullback(dy):
        dx_hat, dweight, dbias = back_affine(dy)
        return back_norm(dx_hat), dweight, dbias

    return y, pullback


@guarded(x="(N, C, *positions)", weight="(C,)", bias="(C,)")
def group_norm(x, weight=None, bias=None, *, num_groups, eps=1e-5):
    """Normalize groups of neighbouring channels, each example for itself: eqs. (4.2), (4.3).

    x: (N, C, *positions); weight, bias: (C,) or None; num_groups divides C.  As
    torch.nn.functional.group_norm, which refuses one example whose groups hold one number.
    ValueError when num_groups does not divide C, or when weight or bias does not fit.  Wu & He 2018.
    """
    shape = channel_shape(x)
    if x.shape[1] % num_groups:
        raise ValueError(f"num_groups is {num_groups}; expected a divisor of {x.shape[1]}, the channels of x")
    grouped = x.reshape(x.shape[0], num_groups, np.prod(x.shape[1:], dtype=int) // num_groups)
    x_hat, back_norm = standardize(grouped, axis=-1, eps=eps)
    y, back_affine = scale_and_shift(x_hat.reshape(x.shape), weight, bias, shape=shape)

    def pullback(dy):
        dx_hat, dweight, dbias = back_affine(dy)
        return back_norm(dx_hat.reshape(grouped.shape)).reshape(x.shape), dweight, dbias

    return y, pullback


@guarded(x="(N, C, *positions)", weight="(C,)", bias="(C,)")
def instance_norm(x, weight=None, bias=None, *, eps=1e-5):
    """Normalize each channel of each example over its positions: group norm with groups of one channel.

    x: (N, C, *positions); weight, bias: (C,) or None.  As torch.nn.functional.instance_norm without
    running statistics.  ValueError with one position only, or when weight or bias does not fit.
    Ulyanov, Vedaldi & Lempitsky 2016.
    """
    expect_several(x, tuple(range(2, x.ndim)), "channel of an example")
    return group_norm(x, weight, bias, num_groups=x.shape[1], eps=eps)


@guarded(x="(N, C, *positions)")
def channel_shape(x):
    """(1, C, 1, ...): the shape in which one number for each channel meets axis 1 of x."""
    return (1, x.shape[1], *[1] * (x.ndim - 2))


def expect_places(shape, x_hat, **arrays):
    """ValueError unless shape has 1 or the length of x_hat on each axis, and each array, by name, reshapes to it."""
    if len(shape) != x_hat.ndim or any(s not in (1, length) for s, length in zip(shape, x_hat.shape)):
        raise ValueError(f"shape is {shape}; expected 1 or the length of x_hat on each axis, {x_hat.shape}")
    for name, array in arrays.items():
        if array is not None and array.size != math.prod(shape):
            raise ValueError(f"{name} has shape {array.shape}; expected numbers for {shape}")


def expect_several(x, axis, group):
    """ValueError when a group holds no number, or one, which would be its own mean, and the output bias."""
    count = math.prod(x.shape[a] for a in axis)
    if count < 2:
        few = "one number" if count else "no number"
        raise ValueError(f"x has shape {x.shape}: {few} in each {group}; expected at least two")
