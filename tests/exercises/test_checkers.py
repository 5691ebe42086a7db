"""The checkers: what is right, which quantity is wrong first, and what is said to a likely mistake."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from utils.exercises import Choice, Function, Gradient, Ordering, Subset, Values
from utils.exercises.checkers.values import compare
from utils.exercises.engine import examine
from utils.exercises.lazy import torch

STATUS = {0: "wrong", 1: "right"}


def torch_of(array):
    return torch.from_numpy(np.asarray(array))


def says(checker, answer):
    outcome = examine(checker, answer)
    return outcome.status, outcome.message


# ---- numbers


@pytest.mark.parametrize(
    "given, right",
    [
        (0.64391, 1),
        (0.6439, 1),
        (0.644, 1),
        (0.643, 0),
        (np.float32(0.64391), 1),
        (np.array(0.64391), 1),
        (0.65, 0),
    ],
)
def test_a_number_is_met_to_three_digits(given, right):
    assert says(Values(0.64391), given)[0] == STATUS[right]


@pytest.mark.parametrize("given, right", [(1000, 1), (1000.0, 1), (1001, 0), (999.9, 0), (np.int64(1000), 1)])
def test_whole_numbers_must_be_met_exactly(given, right):
    assert says(Values(1000), given)[0] == STATUS[right]


def test_tolerances_can_be_set():
    assert (
        says(Values(0.5, rtol=0.1), 0.54)[0] == "right" and says(Values(0.5, rtol=0.01), 0.54)[0] == "wrong"
    )
    assert says(Values(0.0, atol=0.1), 0.05)[0] == "right" and says(Values(0.0), 0.05)[0] == "wrong"


@pytest.mark.parametrize(
    "given, words",
    [
        (-0.3, "wrong sign"), (0.6, "factor of two"), (0.15, "factor of two"), (1 / 0.3, "divided by what"), (0.09, "squares"),
        (0.302, "close, a little too large"), (7.0, "too large"), (-7.0, "too small"), (0.0, "zero is not it"),
        (float("nan"), "it is nan"), ([0.3], "its shape is (1,); expected a single number"), (0.3j, "a complex number"),
    ],
)  # fmt: skip
def test_what_a_wrong_number_has_to_do_with_the_right_one(given, words):
    status, message = says(Values(0.3), given)
    assert status == "wrong" and words in message.lower()
    assert "0.3 " not in message.replace("0.302", "")  # the answer is not given away


def test_traps_by_value_and_by_function():
    checker = Values(
        0.3, traps={0.7: "that is the other share", lambda a: a < 0: "a share is never negative"}
    )
    assert says(checker, 0.7) == ("wrong", "That is the other share.")
    assert says(checker, -0.3) == ("wrong", "A share is never negative.")
    assert says(checker, 0.5) == ("wrong", "0.5 is too large.")


@pytest.mark.parametrize("given", [Fraction(1, 32), Decimal("0.03125"), np.array(Fraction(1, 32))])
def test_a_fraction_is_a_number(given):
    assert says(Values(0.03125), given) == ("right", "")
    assert says(Values(0.5), given)[1] == "0.03125 is too small."


def test_fractions_in_a_list_are_numbers_too():
    assert says(Values([0.5, 0.25]), [Fraction(1, 2), Fraction(1, 4)])[0] == "right"
    assert says(Values([0.5, 0.25]), [Fraction(1, 2), "a"])[0] == "wrong"
    assert says(Values(0.5), 10**400)[0] == "wrong"


def test_a_trap_for_an_array():
    checker = Values([1.0, 2.0], traps={(2.0, 1.0): "that is the other order"})
    assert says(checker, [2, 1]) == ("wrong", "That is the other order.")


MATRIX = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]])


@pytest.mark.parametrize(
    "given, words",
    [
        (MATRIX.T, "transposed"), (-MATRIX, "wrong sign"), (2 * MATRIX, "a constant factor of 2"),
        (MATRIX[0], "its shape is (3,); expected (2, 3)"), (MATRIX + np.nan, "not finite (nan or inf) in 6 places"),
        (1.0001 * MATRIX + [[0, 0, 0], [0, 0.5, 0]], "the first at [1, 1]: 5.5"), (np.zeros((2, 3)), "zero"),
        ([[1, 2, 3], [4, 5]], "uneven"), (np.array([["a"] * 3] * 2), "expected an array of shape (2, 3)"),
    ],
)  # fmt: skip
def test_wrong_arrays(given, words):
    status, message = says(Values(MATRIX), given)
    assert status == "wrong" and words in message.lower()


def test_lists_and_tensors_are_arrays_too():
    assert says(Values(MATRIX), MATRIX.tolist())[0] == "right"
    assert says(Values(MATRIX), torch.tensor(MATRIX, requires_grad=True))[0] == "right"
    assert says(Values((2, 3)), MATRIX.shape)[0] == "right"
    assert says(Values((2, 3)), (3, 2))[0] == "wrong"


def test_infinite_numbers_may_be_right():
    assert says(Values([0.0, -np.inf]), [0, -np.inf])[0] == "right"
    assert says(Values([0.0, -np.inf]), [0, np.inf])[0] == "wrong"
    assert says(Values([0.0, -np.inf]), [0, -1e9])[0] == "wrong"


def test_the_first_wrong_of_several_is_named():
    checker = Values({"dw1": 0.5, "dw2": [1.0, 2.0], "dw3": 3.0})
    assert says(checker, {"dw1": 0.5, "dw2": [1, 2], "dw3": 3}) == ("right", "")
    assert says(checker, (0.5, [1, 2], 3)) == ("right", "")
    status, message = says(checker, {"dw3": -3, "dw2": [2, 4], "dw1": 0.5})
    assert status == "wrong" and message.startswith("`dw2`: a constant factor of 2")
    assert "`dw4` is not asked for" in says(checker, {"dw4": 1})[1]
    assert "expected 3 values: `dw1`, `dw2` and `dw3`" in says(checker, (1, 2))[1]
    assert "3 values" in says(checker, 3.0)[1]


def test_expected_may_be_computed_late():
    computed = []
    checker = Values(lambda: computed.append(1) or 2.0)
    assert not computed
    assert says(checker, 2.0)[0] == "right" and computed


def test_compare_never_calls_a_wrong_array_right():
    rng = np.random.default_rng(0)
    for _ in range(50):
        truth = rng.normal(size=(2, 3))
        bent = truth + 0.01 * np.abs(truth).max() * rng.choice([-1, 1], size=(2, 3))
        assert compare(truth, truth) is None and compare(bent, truth)


# ---- functions


def reverse(row, start=0):
    return row[start:][::-1]


def test_functions_are_compared_on_every_input():
    checker = Function(lambda n: n * n, [0, 2, 3])
    assert says(checker, lambda n: n**2) == ("right", "")
    assert says(checker, lambda n: n + n) == ("wrong", "For `n = 3` it returns 6; expected 9.")
    assert says(checker, lambda n: "no")[1].startswith(
        "For `n = 0` what comes back does not fit: this is a text"
    )


def test_the_first_differing_input_is_the_one_shown():
    checker = Function(lambda row, k: row[:k], [([1, 2, 3], 1), ([1, 2, 3], 2)])
    status, message = says(checker, lambda row, k: row[:1])
    assert status == "wrong" and "`row = [1, 2, 3]`, `k = 2`" in message


@pytest.mark.parametrize(
    "theirs, ours, words",
    [
        ((1, 2), (1, 3), "it returns (1, 3); expected (1, 2)"),
        ([1, "a"], [1], "it returns 1 things; expected 2"),
        ({"a": 1.0}, {"a": 2.0}, "under 'a', it returns 2; expected 1"),
        ({"a": 1.0}, {"b": 1.0}, "expected {'a': 1.0}"),
        ("up", "down", "it returns 'down'; expected 'up'"),
        (True, False, "it returns False; expected True"),
        (None, 3, "expected None"),
        (np.arange(10.0), np.arange(10.0) * 3, "a constant factor of 3"),
        ((np.ones(2), 1.0), (np.ones(2), 2.0), "result 2 of 2: it returns 2; expected 1"),
        ({1, 2}, {1}, "it returns {1}; expected {1, 2}"),
    ],
)
def test_differences_of_every_kind(theirs, ours, words):
    status, message = says(Function(lambda x: theirs, [0]), lambda x: ours)
    assert status == "wrong" and words in message
    assert says(Function(lambda x: theirs, [0]), lambda x: theirs)[0] == "right"


def test_inputs_may_be_functions_and_are_shown_by_name():
    checker = Function(lambda f, x: f(x), [(np.exp, 0.0)])
    assert says(checker, lambda f, x: x)[1] == "For `f = exp`, `x = 0` it returns 0; expected 1."


def test_changing_the_input_is_refused():
    def careless(row):
        row.sort()
        return list(row)

    status, message = says(Function(sorted_copy, [np.array([2.0, 1.0])]), careless)
    assert status == "wrong" and "changes its input" in message


def sorted_copy(row):
    return sorted(row)


def test_each_call_gets_inputs_of_its_own():
    shared = [np.array([3.0, 1.0])]
    says(Function(lambda row: row.copy(), shared), lambda row: row.fill(0))
    np.testing.assert_array_equal(shared[0], [3.0, 1.0])


def test_a_function_trap():
    checker = Function(lambda n: n * n, [2, 3], traps={lambda n: n + n: "that doubles; square it"})
    assert says(checker, lambda n: 2 * n) == ("wrong", "That doubles; square it.")


# ---- operations: crosscheck is at work


def test_explanations_and_traps_of_gradients():
    x = np.random.default_rng(0).normal(size=(2, 3))
    mean = lambda x: (x.mean(), lambda dy: np.ones_like(x) * dy)
    checker = Gradient(lambda x: x.mean(), (x,), explain={"factor": "divide by how many there are"})
    status, message = says(checker, mean)
    assert status == "wrong" and message.startswith(
        "The value is right. The gradient of `x` differs from PyTorch"
    )
    assert message.endswith("Divide by how many there are.")
    trapped = Gradient(lambda x: x.mean(), (x,), traps={mean: "each element is only a sixth of the mean"})
    assert says(trapped, lambda x: (x.mean(), lambda dy: np.full(x.shape, dy))) == (
        "wrong",
        "Each element is only a sixth of the mean.",
    )


def test_a_gradient_right_for_one_shape_only():
    rng = np.random.default_rng(0)
    checker = Gradient(lambda x: x.mean(), [(rng.normal(size=(2, 3)),), (rng.normal(size=(4,)),)])
    status, message = says(checker, lambda x: (x.mean(), lambda dy: np.full(x.shape, dy / 6)))
    assert status == "wrong" and message.startswith("For inputs of other shapes, `x (4,)`: ")


def test_options_go_to_both():
    x = np.random.default_rng(0).normal(size=(2, 3))
    checker = Gradient(lambda x, axis: x.sum(axis), (x,), options={"axis": 1})
    assert (
        says(checker, lambda x, *, axis: (x.sum(axis), lambda dy: np.ones_like(x) * dy[:, None]))[0]
        == "right"
    )
    assert "1 input: x, axis=" in says(checker, lambda x: x)[1]


def test_a_wrong_number_of_slots():
    rng = np.random.default_rng(0)
    checker = Gradient(lambda x, w: x * w, (rng.normal(size=2), rng.normal(size=2)))
    status, message = says(checker, lambda x, w: (x * w, lambda dy: dy * w))
    assert status == "wrong" and "a slot for each of x, w" in message


# ---- operations of another kind: tensors, complex numbers, lists, arrays written into

SIGMOID = lambda x: 1 / (1 + np.exp(-x))
SWISH = Gradient(
    lambda x: x * torch.sigmoid(x),
    (np.random.default_rng(0).normal(size=(2, 3)),),
    explain={
        kind: "the product rule has two terms" for kind in ("unknown", "local derivative", "named factor")
    },
)


def swish(value=lambda y: y, gradient=lambda g: g):
    def ours(x):
        s = SIGMOID(x)
        return value(x * s), lambda dy: gradient(dy * (s + x * s * (1 - s)))

    return ours


@pytest.mark.parametrize(
    "value, words",
    [
        (torch_of, "The value is a torch tensor of shape (2, 3); compute with NumPy"),
        (
            lambda y: y + 0j,
            "The value is an array of complex numbers of shape (2, 3); expected real numbers.",
        ),
        (lambda y: None, "The value is None; expected floating numbers."),
        (
            lambda y: y.astype(int),
            "The value is an array of shape (2, 3) of integers; expected floating numbers.",
        ),
        (lambda y: y.astype(object), "The value is an array of objects of shape (2, 3)"),
        (lambda y: "y", "The value is a text; expected floating numbers."),
        (
            lambda y: y.tolist(),
            "its value must be an array, or a tuple or dict of arrays; it is a list of 2.",
        ),
        (lambda y: y.T, "The value differs from PyTorch: transposed, rows for columns"),
        (lambda y: y[0], "The value differs from PyTorch: its shape is (3,); expected (2, 3)."),
    ],
)
def test_values_of_another_kind_are_named(value, words):
    status, message = says(SWISH, swish(value=value))
    assert status == "wrong" and words in message
    assert "returns None" not in message and "product rule" not in message


@pytest.mark.parametrize(
    "gradient, words",
    [
        (torch_of, "What the pullback returns is a torch tensor of shape (2, 3); compute with NumPy"),
        (lambda g: g + 0j, "What the pullback returns is an array of complex numbers of shape (2, 3)"),
        (lambda g: None, "The pullback returns None; is a `return` missing?"),
        (lambda g: (g,), "must return a bare gradient, of x; it returned a tuple of 1."),
        (lambda g: g.tolist(), "list came back; expected an array of shape (2, 3)"),
        (lambda g: 1 / 0, "The value is there, but the pullback fails: it stops with ZeroDivisionError"),
    ],
)
def test_gradients_of_another_kind_are_named(gradient, words):
    status, message = says(SWISH, swish(gradient=gradient))
    assert status == "wrong" and words in message and "product rule" not in message


def test_one_tensor_among_several_gradients():
    rng = np.random.default_rng(0)
    checker = Gradient(lambda x, w: x * w, (rng.normal(size=2), rng.normal(size=2)))
    answer = lambda x, w: (x * w, lambda dy: (torch_of(dy * w), dy * x))
    assert says(checker, answer)[1].startswith("What the pullback returns is a torch tensor")


def writes_into_x(x):
    x += 1
    return swish()(x)


def writes_into_x_later(x):
    y, back = swish()(x.copy())

    def pullback(dy):
        x[...] = 0
        return back(dy)

    return y, pullback


def writes_into_dy(x):
    y, back = swish()(x)

    def pullback(dy):
        gradient = back(dy)
        dy *= 0
        return gradient

    return y, pullback


@pytest.mark.parametrize(
    "answer, words",
    [
        (writes_into_x, "`x` was written into; an operation must leave its inputs as they are."),
        (writes_into_x_later, "`x` was written into; an operation must leave its inputs as they are."),
        (writes_into_dy, "The gradient from above was written into by the pullback"),
    ],
)
def test_writing_in_place_is_named_before_all_else(answer, words):
    status, message = says(SWISH, answer)
    assert status == "wrong" and message.startswith(words) and "product rule" not in message


def test_a_random_operation_is_named():
    draws = np.random.default_rng(0)
    message = says(SWISH, lambda x: (x * draws.random(), lambda dy: dy))[1]
    assert "a second call with the same inputs gives another value" in message


@pytest.mark.parametrize(
    "answer, words",
    [
        (0.3j, "this is a complex number; expected a real number"),
        (np.ones(2) * 1j, "this is an array of complex numbers of shape (2,); expected a real number"),
        (np.array(["a"]), "this is an array of texts of shape (1,); expected a number"),
        (["a", "b"], "this is a list of texts; expected a number"),
        ([None, 1.0], "this is a list of objects; expected a number"),
        (np.datetime64("2020"), "expected a number"),
    ],
)
def test_numbers_of_another_kind_are_named(answer, words):
    assert words in says(Values(0.3), answer)[1].lower()


def test_tensors_of_another_kind_are_named():
    of = lambda given, dtype: torch.tensor(given, dtype=getattr(torch, dtype))
    complex_one = says(Values(MATRIX), of(MATRIX, "complex128"))[1]
    assert "a torch tensor of complex numbers of shape (2, 3); expected real numbers, an array" in complex_one
    assert says(Values(MATRIX), of(MATRIX, "bfloat16"))[0] == "right"
    assert says(Values({"a": 1.0, "b": 2.0}), of(MATRIX, "float32"))[1] == (
        "This is a torch tensor of shape (2, 3); expected 2 values: `a` and `b`."
    )


def test_a_function_that_returns_complex_numbers():
    checker = Function(lambda row: row * 2, [np.ones(2)])
    words = "this is an array of complex numbers of shape (2,); expected real numbers, an array of shape (2,)"
    assert words in says(checker, lambda row: row * 2 + 0j)[1]


# ---- choices


def test_choices_by_key_and_by_text():
    checker = Choice({"a": "it grows", "b": "it shrinks"}, "b", traps={"a": "less than one"})
    assert [says(checker, answer)[0] for answer in ("b", " B ", "It shrinks", "a", "c", 2)] == [
        "right", "right", "right", "wrong", "wrong", "wrong",
    ]  # fmt: skip
    assert says(checker, "a")[1] == "Less than one."
    assert says(checker, "c")[1] == "'c' is none of `a` and `b`."


def test_orders():
    checker = Ordering(("x", "y", "z"), traps={("y", "z"): "z needs y"})
    assert (
        says(checker, "xyz")[0] == says(checker, ["X", "y", "z"])[0] == says(checker, "x, y, z")[0] == "right"
    )
    assert says(checker, "xzy")[1] == "z needs y."
    assert says(checker, "yxz")[1] == "`y` cannot come before `x`."
    assert says(checker, "xy")[1] == "`z` is missing."
    assert says(checker, "xyzz")[1] == "`z` is there more than once."
    assert "none of" in says(checker, "xyw")[1]


def test_an_order_with_freedom():
    checker = Ordering(("a", "b", "c"), before=(("a", "c"),))
    assert [says(checker, order)[0] for order in ("abc", "acb", "bac", "cab")] == [
        "right",
        "right",
        "right",
        "wrong",
    ]


def test_subsets():
    checker = Subset(("a", "b"), ("a", "b", "c"), traps={"c": "c is something else"})
    assert (
        says(checker, {"b", "a"})[0] == says(checker, "ab")[0] == says(checker, ("b", "a", "a"))[0] == "right"
    )
    assert says(checker, "abc")[1] == "c is something else."
    assert says(checker, 5)[0] == "wrong"


def test_what_is_missing_of_a_subset_is_not_counted():
    """The reply to a part is the same however much of it is missing, or one would find the rest by trying."""
    checker = Subset(("a", "b", "d"), ("a", "b", "c", "d"))
    told = {says(checker, part) for part in ("a", "b", "ab", "bd")}
    assert told == {("wrong", "Part of it is right: ask of each that is left the same question.")}
    asked = Subset(("a", "b"), ("a", "b", "c"), incomplete="which of them have a mean?")
    assert says(asked, "a")[1] == "Part of it is right: which of them have a mean?"
    assert says(asked, [])[1] == "Nothing is chosen: which of them have a mean?"


@pytest.mark.parametrize(
    "answer", ["ab", "ab ", " a b", "a, b", ["ab"], ("ab ",), ["a, b"], {"a", "b"}, ["B ", "a"]]
)
def test_several_letters_however_they_are_written(answer):
    assert says(Subset(("a", "b"), ("a", "b", "c")), answer)[0] == "right"


def test_one_string_in_a_list_may_be_one_option():
    checker = Subset(("first layer",), ("first layer", "last layer"))
    for answer in (["first layer"], "first layer ", ("First layer",)):
        assert says(checker, answer)[0] == "right"
    order = Ordering(("lecun", "he"))
    assert says(order, ["lecun he"])[0] == says(order, " lecun, he ")[0] == "right"
    assert says(order, "lecunhe")[1] == "'lecunhe' is none of `he` and `lecun`."
    assert says(order, [5])[1].startswith("This is a number; expected one of")
