"""Every explorable that takes the reader's own function explains one that does not follow the protocol."""

import importlib
import inspect
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch

from utils.chapters.normalization.explore import norm_backward
from utils.nn.normalization import layer_norm
from utils.register import register


def takers():
    """(explorable, parameter, its default) for all parameters of all chapters that hold functions."""
    found = []
    for chapter in register().values():
        try:
            explore = importlib.import_module(f"utils.chapters.{chapter.name}.explore")
        except ModuleNotFoundError:  # a chapter that is not written yet
            continue
        for name in getattr(explore, "__all__", None) or [n for n in vars(explore) if not n.startswith("_")]:
            function = getattr(explore, name)
            if not inspect.isfunction(function) or not function.__module__.startswith(explore.__name__):
                continue
            for parameter in inspect.signature(function).parameters.values():
                default = parameter.default
                holds = list(default.values()) if isinstance(default, dict) else [default]
                if (
                    default is not parameter.empty
                    and holds
                    and callable(holds[0])
                    and not inspect.isclass(holds[0])
                ):
                    found.append(
                        pytest.param(function, parameter.name, default, id=f"{name} {parameter.name}")
                    )
    return found


TAKERS = takers()


def given(parameter, default, function):
    return {parameter: {"mine": function} if isinstance(default, dict) else function}


def is_operation(default):
    """Whether the function takes x; others fill weights, (shape, rng) -> array, or give Values by name."""
    function = next(iter(default.values())) if isinstance(default, dict) else default
    return next(iter(inspect.signature(function).parameters)) == "x"


MISFITS = {
    "nothing": lambda *a, **k: None,
    "raises": lambda *a, **k: 1 / 0,
    "a tensor": lambda *a, **k: torch.ones(3),
    "of another shape": lambda *a, **k: np.ones((1, 1, 1)),
    "integers": lambda *a, **k: np.ones(1, dtype=int),
}
MISFIT_OPERATIONS = {
    "no pullback": lambda x, *a, **k: np.array(x),
    "a pullback that is no function": lambda x, *a, **k: (np.array(x), np.array(x)),
    "a value of another shape": lambda x, *a, **k: (np.ones((1, 1, 1)), lambda dy: dy),
    "a value that is a tensor": lambda x, *a, **k: (torch.tensor(x), lambda dy: dy),
}


def test_the_takers_are_found():
    names = {param.id for param in TAKERS}
    assert {
        "tangent tanh", "softmax_gradient softmax", "passing activations", "norm_backward layer_norm",
        "groups batch_norm", "groups layer_norm", "groups instance_norm", "groups group_norm",
        "scale batch_norm", "train_against_eval batch_norm", "which_way kaiming_normal", "which_way xavier_normal",
        "signal_by_scheme schemes", "worked network", "layer linear",
    } <= names  # fmt: skip


@pytest.mark.parametrize("misfit", [*MISFITS, *MISFIT_OPERATIONS])
@pytest.mark.parametrize("explorable, parameter, default", TAKERS)
def test_a_misfit_gets_a_sentence(explorable, parameter, default, misfit):
    if misfit in MISFIT_OPERATIONS and not is_operation(default):
        pytest.skip("it has no pullback")
    function = {**MISFITS, **MISFIT_OPERATIONS}[misfit]
    said = told(explorable, parameter, default, function)
    name = "mine" if isinstance(default, dict) else parameter
    assert name in said, said
    if misfit == "raises":
        assert f"{name} raised ZeroDivisionError: division by zero" in said
    else:
        assert any(words in said for words in ("must return", "must hold")) and "it " in said
        assert not any(error in said for error in ("IndexError", "TypeError", "AttributeError", "object"))


def told(explorable, parameter, default, function):
    """The read-out of the setting that calls the function first; nothing is drawn."""
    made = explorable(**given(parameter, default, function))
    settings = [{}, *({"kind": kind} for kind in ("layer", "instance", "2 groups")), {"mode": "average"}]
    said = ""
    for values in settings:
        if set(values) <= set(made.controls):
            try:
                values = {**made.values(), **values}
                by_page = made.scene is None  # then the page draws, from what compute returns
                said = (
                    made.painter.compute(**values)["readout"]
                    if by_page
                    else made.painter.update(MagicMock(), **values)
                )
            except ValueError as error:
                return str(error)
            if "must" in said or "raised" in said:
                return said
    return said


PULLBACKS = {
    "returns nothing": lambda dy: None,
    "raises": lambda dy: 1 / 0,
    "returns a list": lambda dy: [1.0, 2.0],
    "returns another shape": lambda dy: np.ones((1, 1, 1)),
}


@pytest.mark.parametrize("misfit", PULLBACKS)
@pytest.mark.parametrize("explorable, parameter, default", [p for p in TAKERS if is_operation(p.values[2])])
def test_a_pullback_that_does_not_fit_gets_a_sentence(explorable, parameter, default, misfit):
    if explorable.__name__ == "train_against_eval":
        pytest.skip("it uses values only")
    fitting = next(iter(default.values())) if isinstance(default, dict) else default
    function = lambda x, *a, **k: (np.array(fitting(x, *a, **k)[0], dtype=float), PULLBACKS[misfit])
    said = told(explorable, parameter, default, function)
    assert "pullback" in said and any(w in said for w in ("must return", "raised", "raises ZeroDivision")), (
        said
    )


def test_own_functions_that_fit_are_left_alone():
    for param in TAKERS:
        explorable, parameter, default = param.values
        made, as_it_is = explorable(**{parameter: default}), explorable()
        assert made.draw(made.start) == as_it_is.draw(as_it_is.start)


# ---- the way back through layer norm, of functions that go wrong in its numbers


def own_layer_norm(value=lambda y: y, gradient=lambda g: g):
    def ours(x, weight, bias):
        y, back = layer_norm(x, weight, bias)
        return value(y), lambda dy: (gradient(back(dy)[0]), *back(dy)[1:])

    return ours


@pytest.mark.parametrize(
    "value, words",
    [
        (lambda y: np.where(y > 1, np.nan, y), "the value of layer_norm is NaN in 2 of 8 places"),
        (lambda y: y.T, "in the shape of its first input, (1, 8); it is an array of shape (8, 1)"),
        (lambda y: y + 0j, "of complex128"),
    ],
)
def test_a_value_that_cannot_be_measured_is_said_to_be_so(value, words):
    said = norm_backward(own_layer_norm(value=value)).at()[1]
    assert words in said and said.endswith("so there is no true gradient to compare with")
    assert "factor" not in said and "is 0 everywhere" not in said


@pytest.mark.parametrize(
    "gradient, words",
    [
        (lambda g: g * np.inf, "not finite (NaN or infinite) in 8 of 8 places"),
        (lambda g: np.where(g > 0, np.nan, g), "not finite"),
        (lambda g: g.T, "transposed, rows for columns: its shape is (8, 1); expected (1, 8)"),
        (lambda g: torch.tensor(g), "a torch tensor came back; compute with NumPy arrays"),
        (lambda g: 1 / 0, "own pullback: raises ZeroDivisionError: division by zero"),
    ],
)
def test_a_gradient_that_cannot_be_compared_is_said_to_be_so(gradient, words):
    said = norm_backward(own_layer_norm(gradient=gradient)).at()[1]
    assert said.startswith("all three terms: agrees with finite differences\n") and words in said
    assert "wrong sign" not in said and "matrix product" not in said
