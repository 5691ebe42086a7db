"""Every public function of nn and train, given what it cannot take: it works as documented, or names the argument."""

import importlib
import inspect
import pkgutil
import re
import warnings

import numpy as np
import pytest
import torch

import utils.nn
from tests.nn import test_activations, test_cnn, test_embedding, test_linear, test_losses, test_normalization
from utils import train
from utils.data import digits
from utils.nn.activations import tanh
from utils.nn.chain import chain
from utils.nn.initialization import normal
from utils.nn.linear import linear
from utils.nn.losses import cross_entropy
from utils.nn.optimizers import sgd

# the guard itself, and what sees only what a guarded function hands on
THE_GUARD = {"utils.nn.guard", "utils.nn.kinds", "utils.nn.trees"}
HELPERS = {
    "inputs_of",
    "name_of",
    "pair",
    "two_of",
    "product",
    "as_dual",
    "as_value",
    "topological_order",
    "flat",
}
HELPERS |= {
    "output_size",
    "windows",
    "scatter",
    "both",
    "pad",
    "cut",
    "conv_norm",
    "phrases",
    "running_statistics",
    "row",
}
HELPERS |= {"channel_shape", "one_number", "examples", "taps_of", "rule", "float_type"}


def public_functions():
    """{name: function} of everything that a reader may call: functions and classes, without guards of others."""
    names = [f"utils.nn.{module.name}" for module in pkgutil.iter_modules(utils.nn.__path__)]
    modules = [importlib.import_module(name) for name in names if name not in THE_GUARD]
    found = {}
    for module in [*modules, train, digits]:
        for name, member in vars(module).items():
            ours = getattr(member, "__module__", None) == module.__name__ and callable(member)
            if ours and name not in HELPERS and not name.startswith(("_", "expect_")):
                found[f"{module.__name__.removeprefix('utils.')}.{name}"] = member
    return found


A = np.random.default_rng(0).normal(size=(4, 6))
IMAGES = np.random.default_rng(1).normal(size=(2, 3, 4, 5))
LAYER = {"weight": A[:3], "bias": np.zeros(3)}
NETWORK = chain(linear, tanh)
# a value that every argument of this name takes, and what single functions take instead
GOOD = {
    **dict.fromkeys(("x", "x_hat", "input", "logits"), A), "target": np.full((4, 6), 0.5), "weight": np.ones(6), "bias": np.ones(6),
    "negative_slope": 0.1, "alpha": 1.5, "theta": 0.5, "max_value": 6.0, "lower": 0.1, "upper": 0.3, "value": 0.5, "mean": 0.5,
    "std": 0.5, "a": -1.0, "b": 1.0, "gain": 2.0, "eps": 0.1, "momentum": 0.5, "label_smoothing": 0.1, "lr": 0.1, "learning_rate": 0.1,
    "betas": (0.5, 0.5), "nesterov": True, "pieces": 2, "num_groups": 3, "units": 6, "shape": (1, 6), "sizes": (6, 6, 3), "axis": -1,
    "training": True, "rng": np.random.default_rng(0), "running_mean": np.zeros(6), "running_var": np.ones(6), "mode": "fan_out",
    "kind": "group", "activation": tanh, "scheme": normal, "layer": linear, "params": LAYER, "network": NETWORK, "loss": cross_entropy,
    "y": np.zeros(4, int), "taps": (), "update": sgd(lr=0.1), "epochs": 1, "batch_size": 2, "seed": 1, "score": len, "data": 2.0,
    "tangent": np.ones((4, 6)), "name": "", "epoch": 0, "held_out": 0.5, "dtype": np.float32,
    "stride": 1, "padding": 1, "dilation": 2, "kernel_size": 2, "padding_idx": 0,
}  # fmt: skip
SPECIAL = {
    "nn.linear.linear": {"weight": np.ones((5, 6)), "bias": np.ones(5)},
    "nn.activations.prelu": {"weight": np.ones(1)},
    "nn.losses.cross_entropy": {"target": np.zeros(4, int)},
    "nn.normalization.instance_norm": {"x": np.ones((4, 6, 3)) * A[:, :, None] + np.arange(3)},
    "nn.forward_mode.Dual": {"value": A},
    "nn.cnn.conv2d": {"x": IMAGES, "weight": IMAGES[:, :, :2, :2], "bias": np.ones(2)},
    "nn.cnn.conv1d": {"x": IMAGES[:, :, 0], "weight": IMAGES[:, :, 0, :2], "bias": np.ones(2)},
    "nn.cnn.max_pool2d": {"x": IMAGES, "stride": 2},
    "nn.cnn.avg_pool2d": {"x": IMAGES, "stride": 2},
    "nn.cnn.residual_block": {
        "params": {f"conv{k}.weight": np.ones((3, 3, 3, 3)) * A[0, :3] for k in (1, 2)}
        | {f"bn{k}.{name}": np.ones(3) for k in (1, 2) for name in ("weight", "bias")},
        "x": IMAGES,
        "skip": True,
        "running": {f"bn{k}.running_{name}": np.ones(3) for k in (1, 2) for name in ("mean", "var")},
    },
    "nn.cnn.text_cnn": {
        "params": {
            "embedding.weight": A,
            "convs.0.weight": IMAGES[:, :, 0, :2].repeat(2, 1),
            "convs.0.bias": np.ones(2),
        }
        | {"linear.weight": np.ones((3, 2)), "linear.bias": np.ones(3)},
        "ids": np.array([[0, 2, 2]]),
    },
    "nn.embedding.embedding": {"ids": np.array([0, 2, 2]), "weight": A},
    **{
        f"train.{name}": {"params": (LAYER, None)}
        for name in ("gradient", "take_snapshot", "accuracy", "fit")
    },
}
# (function, argument) that is handed on as it is, with the reason why nothing is to be refused
HANDED_ON = {
    "description": "of any kind: it is printed", "epoch": "likewise", "name": "likewise", "op": "likewise",
    "parents": "made by Value itself", "slopes": "made by Value itself", "init": "a field of Rule", "step": "a field of Rule",
    "layers": "a tuple, each looked at by call_layer",
}  # fmt: skip
RECORDS = {"Snapshot", "History", "Rule", "CallableRule", "Digits", "Tap"}  # they keep what they are given

JUNK = {
    "None": None,
    "text": "text",
    "list": [1.0, 2.0],
    "ragged list": [[1.0], [2.0, 3.0]],
    "tuple": (1.0, 2.5),
    "dict": {"a": 1.0},
    "tensor": torch.ones(4, 6, dtype=torch.float64),
    "complex number": 1j,
    "complex array": A + 1j,
    "objects": np.full((4, 6), None),
    "texts": np.full((4, 6), "text"),
    "masked": np.ma.masked_greater(A, 0),
    "function": lambda *_: None,
    "class": dict,
}
NUMBERS = {
    "nan": np.nan, "infinity": np.inf, "-1": -1, "-0.5": -0.5, "0": 0, "1.5": 1.5, "text of a number": "0.5", "text of a bool": "False",
    "eval": "eval", "large": 200, "pair": np.array([0.5, 0.5]),
}  # fmt: skip
ARRAYS = {
    "0-d": np.array(0.5), "empty": np.zeros(0), "no rows": np.zeros((0, 6)), "no columns": np.zeros((4, 0)), "one axis": np.ones(6),
    "three axes": np.ones((4, 6, 2)), "five axes": np.ones((1, 1, 1, 1, 1)), "other length": np.ones((4, 7)),
    "column": np.ones((4, 1)), "uint8": np.ones((4, 6), np.uint8), "bools": np.ones((4, 6), bool), "float16": A.astype(np.float16),
    "int 6": np.ones(6, int), "number": 0.5, "bool": True, "number of numpy": np.float32(0.5), "big-endian": A.astype(">f8"),
}  # fmt: skip
# what junk is good for after all: kind of argument -> labels of JUNK that it takes
TAKES = {
    "shape": (), "betas": (), "taps": (), "activation": ("function", "class"), "scheme": ("function", "class"),
    **dict.fromkeys(("network", "loss", "score", "layer"), ("function", "class")),
    "params": ("None", "list", "ragged list", "tuple", "dict"), "dtype": (), "y": (), "held_out": (),
}  # fmt: skip
FUNCTIONS = public_functions()
CASES = [
    (name, argument)
    for name, function in FUNCTIONS.items()
    if name.rpartition(".")[2] not in RECORDS
    for argument in inspect.signature(function).parameters
    if argument not in HANDED_ON
]


def good(name):
    """Arguments with which a function works, by name."""
    found = {}
    for argument, parameter in inspect.signature(FUNCTIONS[name]).parameters.items():
        known = GOOD | SPECIAL.get(name, {})
        if argument in known:
            found[argument] = known[argument]
        elif parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL:
            raise AssertionError(
                f"no good value is known for {argument} of {name}: add it to GOOD or SPECIAL"
            )
    return found


def works(result):
    """What came back is of floating point and finite, and so is what the pullback sends back."""
    if type(result) is tuple and len(result) == 2 and callable(result[1]) and not callable(result[0]):
        value, pullback = result
        leaves = [value, *train.flat([pullback(np.ones_like(value))])]
        for leaf in leaves:
            assert np.asarray(leaf).dtype.kind == "f" and np.isfinite(leaf).all()
    for leaf in train.flat(result):
        if isinstance(leaf, (np.ndarray, float)):
            assert np.isfinite(leaf).all()


def outcome(name, argument, given):
    """None when it works; the message when it refuses and names the argument; else what happened fails the test."""
    arguments = good(name) | {argument: given}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            works(FUNCTIONS[name](**arguments))
    except ValueError as error:
        aliases = {"learning_rate": "lr"}.get(argument, argument)
        if name.startswith("train."):  # what is handed on, under the name that a layer and the loss give it
            aliases = {"x": "x|logits|y", "y": "y|target"}.get(argument, aliases)
        assert re.search(rf"\b({aliases})\b", str(error)), f"{argument} is not named: {error}"
        return str(error)
    return None


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name.rpartition(".")[2] not in RECORDS])
def test_good_arguments_are_good(name):
    if not any(p.kind is p.VAR_POSITIONAL for p in inspect.signature(FUNCTIONS[name]).parameters.values()):
        works(FUNCTIONS[name](**good(name)))


@pytest.mark.parametrize("name, argument", CASES)
def test_junk_is_refused_by_name(name, argument):
    default = inspect.signature(FUNCTIONS[name]).parameters[argument].default
    for label, given in JUNK.items():
        allowed = label in TAKES.get(argument, ()) or (given is None and default is None)
        message = outcome(name, argument, given) if not allowed else ""
        assert message is not None, f"{label} was taken"


@pytest.mark.parametrize("name, argument", CASES)
def test_the_rest_works_or_is_refused_by_name(name, argument):
    an_array = isinstance((GOOD | SPECIAL.get(name, {})).get(argument), np.ndarray)
    for given in [*NUMBERS.values(), *ARRAYS.values()]:
        if not an_array or isinstance(given, str) or np.isfinite(given).all():  # NaN in an array stays NaN
            outcome(name, argument, given)


@pytest.mark.parametrize(
    "name, argument",
    [
        ("nn.activations.tanh", "x"), ("nn.activations.softmax", "axis"), ("nn.linear.linear", "weight"),
        ("nn.normalization.standardize", "eps"), ("nn.initialization.normal", "rng"), ("train.fit", "batch_size"),
    ],
)  # fmt: skip
def test_a_function_without_its_guard_is_noticed(name, argument, monkeypatch):
    monkeypatch.setitem(FUNCTIONS, name, inspect.unwrap(FUNCTIONS[name]))
    with pytest.raises(Exception):  # noqa: B017 what it raises is what is wrong with it
        test_junk_is_refused_by_name(name, argument)
        test_the_rest_works_or_is_refused_by_name(name, argument)


NETWORKS = {"residual_block", "text_cnn"}  # proved against modules of torch


def test_every_operation_has_a_row_of_properties():
    """What returns a value and its pullback is proved by one of the tables."""
    modules = (
        test_activations,
        test_cnn,
        test_embedding,
        test_linear,
        test_losses,
        test_normalization,
    )
    rows = {inspect.unwrap(row.ours) for module in modules for row in module.ROWS.values()}
    for name, function in FUNCTIONS.items():
        if name.startswith("nn.") and name.rpartition(".")[2] not in RECORDS | NETWORKS | {
            "chain",
            "call_layer",
        }:
            result = function(**good(name))
            is_operation = type(result) is tuple and len(result) == 2 and callable(result[1])
            if is_operation and not callable(result[0]):
                assert inspect.unwrap(function) in rows, f"{name} is in no table"
