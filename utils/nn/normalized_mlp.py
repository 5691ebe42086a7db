"""The travelling network of `mlp` with a normalization between each linear layer and its activation."""

from functools import partial

import numpy as np

from utils.nn.activations import identity, tanh
from utils.nn.chain import Tap, chain
from utils.nn.guard import guarded
from utils.nn.linear import linear
from utils.nn.mlp import mlp_params
from utils.nn.normalization import batch_norm, group_norm, layer_norm


@guarded
def normalized_mlp(sizes, activation=tanh, *, kind="batch", num_groups=4, momentum=0.1, eps=1e-5):
    """Networks for training and for evaluation that share running statistics, and the taps of the first.

    sizes: units per layer, inputs first, outputs last; kind: "none", "batch", "layer" or "group", what stands before each
    activation; num_groups: for kind "group", a divisor of the hidden sizes.  Returns
    ((training, evaluation), taps), with taps as in `mlp`.  Every call of `training` moves the running
    statistics of kind "batch"; the other kinds have none, and both networks are one function.
    """
    training, evaluation, taps = [], [], []
    for i, units in enumerate(sizes[1:]):
        taps.append(Tap(f"layer {i + 1}"))
        last = i == len(sizes) - 2
        norms = normalizations(kind, units, num_groups=num_groups, momentum=momentum, eps=eps)
        for layers, norm, tap in zip((training, evaluation), norms, (taps[-1], Tap())):
            layers += [linear, tap] if last else [linear, norm, activation, tap]
    return (chain(*training), chain(*evaluation)), taps


@guarded
def normalizations(kind, units, *, num_groups, momentum, eps):
    """One layer's normalization for training, and the same for evaluation."""
    if kind == "batch":
        running = {"running_mean": np.zeros(units), "running_var": np.ones(units)}
        return tuple(
            partial(batch_norm, **running, training=mode, momentum=momentum, eps=eps)
            for mode in (True, False)
        )
    if kind == "none":
        return identity, identity
    norm = partial(group_norm, num_groups=num_groups) if kind == "group" else layer_norm
    return (partial(norm, eps=eps),) * 2


@guarded
def normalized_mlp_params(sizes, rng, *, kind="batch", gain=1.0):
    """Random parameters for `normalized_mlp`: those of `mlp_params`, and weights 1 and biases 0 to scale and shift.

    A layer before batch normalization has no bias of its own: it would be subtracted with the mean,
    eq. (4.10).  From the same rng state, the same matrices for every kind.
    """
    params = []
    *hidden, last = [entry for entry in mlp_params(sizes, rng, gain=gain) if entry is not None]
    for entry in hidden:
        affine = {"weight": np.ones(len(entry["bias"])), "bias": np.zeros(len(entry["bias"]))}
        first = {"weight": entry["weight"]} if kind == "batch" else entry
        params += [first, None if kind == "none" else affine, None, None]
    return (*params, last, None)
