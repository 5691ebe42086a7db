"""The witness: what it accepts, what it rejects, what it says."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.crosscheck.bank import BANK, batch_norm, linear, softmax
from tests.crosscheck.lstm import lstm
from utils.crosscheck import CrosscheckError, crosscheck
from utils.nn.activations import relu, tanh

rng = np.random.default_rng(0)


def check(mutant, operation):
    return crosscheck(operation, mutant.theirs, *mutant.inputs, raises=False, **mutant.options)


@pytest.mark.parametrize("mutant", BANK, ids=lambda m: m.title)
def test_the_right_pullback_passes_and_the_wrong_one_does_not(mutant):
    assert check(mutant, mutant.right()).ok
    report = check(mutant, mutant.wrong())
    assert not report.ok
    assert all(row.diagnosis and row.diagnosis.sentence in row.verdict for row in report.wrong)


def test_at_least_ninety_percent_of_the_bank_are_diagnosed_right():
    assert len(BANK) >= 40
    kinds = [check(m, m.wrong()).wrong[0].diagnosis.kind for m in BANK]
    right = sum(kind in m.kinds for kind, m in zip(kinds, BANK))
    assert right / len(BANK) >= 0.9
    assert kinds.count("unknown") <= 0.1 * len(BANK)


def test_gradients_that_an_upstream_of_ones_would_let_pass():
    """The reason for a random upstream gradient: these wrong pullbacks are right for ones."""
    x = rng.normal(size=(6, 3))
    blind = [
        (softmax, "zero", (x,)),
        (batch_norm, "variance path", (x, np.array([1.0, 2.0, 0.5]), np.zeros(3))),
    ]
    for operation, bug, inputs in blind:
        mutant = next(
            m
            for m in BANK
            if m.bug == bug and getattr(m.operation, "func", m.operation).__name__ in str(operation)
        )
        value, right = operation(*inputs)
        _, wrong = operation(*inputs, bug=bug)
        ones = np.ones_like(value)
        first = lambda g: g[0] if isinstance(g, tuple) else g
        np.testing.assert_allclose(first(wrong(ones)), first(right(ones)), atol=1e-12)
        assert not check(mutant, mutant.wrong()).ok


@pytest.mark.parametrize("seed", range(5))
def test_rejection_does_not_depend_on_the_seed(seed):
    for mutant in BANK:
        assert not crosscheck(
            mutant.wrong(), mutant.theirs, *mutant.inputs, raises=False, seed=seed, **mutant.options
        ).ok, mutant.title


# ---- modules, nested inputs, options


def test_a_module_gives_its_parameters_and_nested_states():
    module = nn.LSTM(3, 4)
    before = [p.clone() for p in module.parameters()]
    x, state = rng.normal(size=(5, 2, 3)), (rng.normal(size=(1, 2, 4)), rng.normal(size=(1, 2, 4)))
    report = crosscheck(lstm, module, x, state)
    assert [row.name for row in report.rows] == [
        "output[0]", "output[1][0]", "output[1][1]",
        "gradient of weight_ih_l0", "gradient of weight_hh_l0", "gradient of bias_ih_l0", "gradient of bias_hh_l0",
        "gradient of x", "gradient of state[0]", "gradient of state[1]",
    ]  # fmt: skip
    assert all(p.dtype == torch.float32 and p.equal(b) for p, b in zip(module.parameters(), before))


def test_a_module_keeps_its_mode_and_its_running_statistics_are_compared():
    def ours(params, x, *, running_mean, running_var, training=True, forget=False):
        mean, var = x.mean(0), x.var(0)
        running_mean += 0.1 * (mean - running_mean)
        running_var += 0.1 * (x.var(0, ddof=0 if forget else 1) - running_var)
        value, back = batch_norm(x, params["weight"], params["bias"])

        def pullback(dy):
            dx, dw, db = back(dy)
            return {"weight": dw, "bias": db}, dx

        assert mean.shape == var.shape
        return value, pullback

    module = nn.BatchNorm1d(3).train()
    stats = {"running_mean": np.zeros(3), "running_var": np.ones(3)}
    report = crosscheck(ours, module, rng.normal(size=(6, 3)), **stats)
    assert report["running_var after the call"].ok
    assert not stats["running_mean"].any()  # the caller's own arrays are untouched
    wrong = crosscheck(ours, module, rng.normal(size=(6, 3)), **stats, forget=True, raises=False)
    assert [row.name for row in wrong.wrong] == ["running_var after the call"]
    assert not crosscheck(ours, module.eval(), rng.normal(size=(6, 3)), **stats, raises=False).ok


def test_options_go_to_both_functions_and_call_adapts_a_module():
    def scaled(x, *, factor, shift):
        return x * factor + shift, lambda dy: dy * factor

    crosscheck(
        scaled, lambda x, factor, shift: x * factor + shift, rng.normal(size=3), factor=2.0, shift=np.ones(3)
    )

    def ours(params, x):
        y, back = linear(x, params["weight"], params["bias"])

        def pullback(dy):
            dx, dw, db = back(dy)
            return {"weight": dw, "bias": db}, dx

        return y, pullback

    module = nn.Linear(3, 2)
    crosscheck(ours, module, rng.normal(size=(4, 3)), call=lambda module, x: module(x))
    doubled = crosscheck(ours, module, rng.normal(size=(4, 3)), call=lambda m, x: 2 * m(x), raises=False)
    assert doubled["output"].diagnosis.kind == "factor"


def test_inputs_that_are_not_floating_are_passed_on_and_get_none():
    def rows(weight, ids, mask, scale=None):
        def pullback(dy):
            d = np.zeros_like(weight)
            np.add.at(d, ids, dy * mask[:, None])
            return d, None, None, None

        return weight[ids] * mask[:, None], pullback

    ids, mask = np.array([2, 0, 2]), np.array([True, False, True])
    report = crosscheck(rows, lambda w, i, m: w[i] * m[:, None], rng.normal(size=(3, 4)), ids, mask)
    assert [row.name for row in report.rows] == ["output", "gradient of weight"]


def test_integer_and_several_outputs():
    def largest(x):
        at = x.argmax(-1)

        def pullback(upstream):
            dx = np.zeros_like(x)
            dx[np.arange(len(x)), at] = upstream[0]
            return dx

        return (x.max(-1), at), pullback

    x = rng.normal(size=(4, 3))
    assert crosscheck(largest, lambda x: x.max(-1), x).ok
    wrong = crosscheck(largest, lambda x: (x.max(-1).values, x.argmin(-1)), x, raises=False)
    assert [row.name for row in wrong.wrong] == ["output[1]"]
    fewer = crosscheck(largest, lambda x: x.max(-1).values, x, raises=False)
    assert "2 part(s)" in str(fewer)


def test_names():
    x = rng.normal(size=3)
    assert crosscheck(tanh, torch.tanh, x).rows[1].name == "gradient of x"
    assert crosscheck(tanh, torch.tanh, x, names=["z"]).rows[1].name == "gradient of z"
    assert crosscheck(tanh, torch.tanh, x, names={"x": "logits"}).rows[1].name == "gradient of logits"
    with pytest.raises(ValueError, match="names must be 1 names"):
        crosscheck(tanh, torch.tanh, x, names=["a", "b"])


# ---- finite differences


def test_a_kink_is_said_and_pytorch_decides():
    report = crosscheck(relu, torch.relu, np.array([-1.0, 0.0, 2.0]))
    row = report["gradient of x"]
    assert row.kinks == 1 and "kink in 1 of 3 places" in row.verdict
    all_kinks = crosscheck(relu, torch.relu, np.zeros(2))["gradient of x"]
    assert all_kinks.verdict.endswith("kink: PyTorch decides")
    other_side = lambda x: (np.maximum(x, 0), lambda dy: dy * (x >= 0))
    assert not crosscheck(other_side, torch.relu, np.array([-1.0, 0.0, 2.0]), raises=False).ok


def test_a_kink_next_to_the_point_is_no_kink():
    assert crosscheck(relu, torch.relu, np.array([3e-6, -3e-6, 2e-7]))["gradient of x"].kinks == 0


def test_strong_curvature_is_no_kink():
    sharp = lambda x: (np.sin(300 * x), lambda dy: dy * 300 * np.cos(300 * x))
    row = crosscheck(sharp, lambda x: torch.sin(300 * x), rng.normal(size=20))["gradient of x"]
    assert row.kinks == 0 and row.difference_error < 1e-5


def test_differences_object_when_value_and_gradient_do_not_belong_together():
    """Both NumPy and PyTorch may hide a path (a detached mean); only differences see it."""
    ours = lambda x: (x - x.mean(), lambda dy: dy)
    report = crosscheck(ours, lambda x: x - x.mean().detach(), rng.normal(size=5), raises=False)
    row = report["gradient of x"]
    assert not report.ok and row.torch_error < 1e-9 < row.difference_error
    assert "finite differences" in row.verdict


def test_large_inputs_are_sampled_and_directions_see_what_samples_miss():
    x = rng.normal(size=(100, 100))
    calls = []

    def ours(x, *, wrong_at=None):
        calls.append(1)

        def pullback(dy):
            return dy * 3 * x**2

        return x**3, pullback

    crosscheck(ours, lambda x: x**3, x)
    assert 2 * 100 <= len(calls) <= 6 * 103 + 10


def test_float32_inputs_are_checked_in_float64():
    seen = []

    def ours(x):
        seen.append(x.dtype)
        return tanh(x)

    crosscheck(ours, torch.tanh, np.ones(3, dtype=np.float32))
    assert set(seen) == {np.dtype("float64")}


def test_exact_zero_gradients_pass_although_rounding_is_not_zero():
    def ours(x, shift):
        p, back = softmax(x + shift)

        def pullback(dy):
            dx = back(dy)
            return dx, dx.sum(-1, keepdims=True)

        return p, pullback

    x, shift = rng.normal(size=(3, 4)), rng.normal(size=(3, 1))
    row = crosscheck(ours, lambda x, s: torch.softmax(x + s, -1), x, shift)["gradient of shift"]
    assert row.ok


def test_small_gradients_beside_large_ones_are_still_checked():
    ours = lambda a, b: (1e6 * a + 1e-6 * b, lambda dy: (1e6 * dy, 1.001e-6 * dy))
    report = crosscheck(ours, lambda a, b: 1e6 * a + 1e-6 * b, np.ones(3), np.ones(3), raises=False)
    assert not report["gradient of b"].ok and report["gradient of a"].ok


# ---- copies, purity


def test_every_evaluation_gets_copies_and_the_callers_arrays_stay():
    x = rng.normal(size=4)
    kept = x.copy()
    seen = []

    def ours(x):
        seen.append(id(x))
        return np.tanh(x), lambda dy: dy * (1 - np.tanh(x) ** 2)

    crosscheck(ours, torch.tanh, x)
    np.testing.assert_array_equal(x, kept)
    assert id(x) not in seen


def test_a_random_option_is_the_same_in_every_evaluation():
    def dropout(x, *, rng):
        keep = rng.random(x.shape) < 0.5
        return x * keep, lambda dy: dy * keep

    mask = np.random.default_rng(3).random(6) < 0.5
    theirs = lambda x, rng: x * torch.from_numpy(mask)
    assert crosscheck(dropout, theirs, rng.normal(size=6), rng=np.random.default_rng(3)).ok


def test_an_input_written_into_is_reported():
    mutant = next(m for m in BANK if m.bug == "writes into x")
    report = check(mutant, mutant.wrong())
    assert [row.name for row in report.wrong] == ["x"]


# ---- the report


def test_text_and_html_hold_verdicts_and_no_numbers():
    x = rng.normal(size=(2, 3))
    first, second = (crosscheck(softmax, lambda x: torch.softmax(x, -1), x, seed=s) for s in (0, 1))
    assert str(first) == repr(first) == str(second)
    assert str(first).splitlines() == [
        "output         (2, 3)  agrees with PyTorch",
        "gradient of x  (2, 3)  agrees with PyTorch, agrees with finite differences",
    ]
    assert first._repr_html_() == second._repr_html_()
    assert first["gradient of x"].torch_error < 1e-12
    with pytest.raises(KeyError, match="there are"):
        first["gradient of y"]


def test_html_escapes_and_marks_what_is_wrong():
    mutant = next(m for m in BANK if m.bug == "diagonal")
    html = check(mutant, mutant.wrong())._repr_html_()
    assert "WRONG" in html and "only the diagonal" in html


def test_a_mismatch_raises_with_the_report():
    wrong = lambda x: (np.tanh(x), lambda dy: dy)
    with pytest.raises(CrosscheckError, match="WRONG: gradient of x") as caught:
        crosscheck(wrong, torch.tanh, np.ones(3))
    assert not caught.value.report.ok


def test_bad_arguments():
    with pytest.raises(ValueError, match="ours must be a function; got int"):
        crosscheck(3, torch.tanh, np.ones(3))
    with pytest.raises(ValueError, match="theirs must be a function; got str"):
        crosscheck(tanh, "tanh", np.ones(3))
    with pytest.raises(ValueError, match="call= adapts"):
        crosscheck(tanh, torch.tanh, np.ones(3), call=lambda m, x: m(x))


def test_values_that_differ():
    def value(change):
        return lambda x: (change(np.tanh(x)), lambda dy: dy * (1 - np.tanh(x) ** 2))

    x = rng.normal(size=(3, 4))
    said = lambda change: crosscheck(value(change), torch.tanh, x, raises=False)["output"].diagnosis.kind
    assert said(lambda y: y.T) == "transposed"
    assert said(lambda y: y[:2]) == "shape"
    assert said(lambda y: -y) == "sign"
    assert said(lambda y: y + 1) == "offset"
    assert said(lambda y: np.where(y > 0, np.nan, y)) == "nan"
    assert said(lambda y: y.astype(int)) == "dtype"
    assert said(lambda y: None) == "missing"


def test_masked_scores_may_be_infinite():
    mask = np.tril(np.ones((3, 3), dtype=bool))
    ours = lambda x, *, mask: (np.where(mask, x, -np.inf), lambda dy: np.where(mask, dy, 0))
    theirs = lambda x, mask: x.masked_fill(~mask, -torch.inf)
    assert crosscheck(ours, theirs, rng.normal(size=(3, 3)), mask=mask)["output"].ok


def test_empty_and_scalar_inputs():
    assert crosscheck(tanh, torch.tanh, np.zeros((0, 3))).ok
    assert crosscheck(tanh, torch.tanh, 0.3).ok
    assert (
        crosscheck(
            lambda x, y: ((x * y).sum(), lambda d: (d * y, d * x)),
            lambda x, y: (x * y).sum(),
            0.5,
            np.ones(3),
            raises=False,
        )
        .wrong[0]
        .diagnosis.kind
        == "broadcast"
    )


def test_functional_and_numpy_agree_on_layer_norm_of_one_example():
    from tests.crosscheck.bank import layer_norm

    x, w, b = rng.normal(size=(1, 7)), rng.normal(size=7), rng.normal(size=7)
    assert crosscheck(layer_norm, lambda x, w, b: F.layer_norm(x, (7,), w, b), x, w, b).ok
