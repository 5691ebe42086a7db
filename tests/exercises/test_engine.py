"""check, hint and solution: what they say, and that no answer makes them stumble."""

import linecache
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import torch

from utils.exercises import check, hint, progress, solution
from utils.exercises.lazy import Lazy
from utils.exercises.wording import sentence

pytestmark = pytest.mark.usefixtures("invented")


def define(source, number=[0]):  # noqa: B006, a counter
    """The last function defined in a source, which inspect can find as it does in a notebook."""
    number[0] += 1
    name, source = f"<cell {number[0]}>", textwrap.dedent(source)
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    names = {"np": np}
    exec(compile(source, name, "exec"), names)
    return list(names.values())[-1]


# ---- the three verdicts


def test_not_written_not_yet_and_right():
    todo, wrong, right = check("99.1", ...), check("99.1", 0.3), check("99.1", 0.25)
    assert [v.status for v in (todo, wrong, right)] == ["todo", "wrong", "right"]
    assert repr(todo) == "99.1 A number: not written yet.\nReplace each ... and run the cell again."
    assert repr(wrong) == '99.1 A number: not yet.\n0.3 is too large.\nhint("99.1") gives a hint (2 left).'
    assert repr(right) == "99.1 A number: right.\nSo the gradient shrinks by four in every layer."
    assert repr(right) == str(right)


def test_no_answer_at_all_and_none_are_not_written_yet():
    assert check("99.1").status == check("99.1", None).status == "todo"
    assert all(check(f"99.{k}").status == "todo" for k in range(1, 10))


def test_html_says_the_same_and_escapes():
    html = check("99.1", "<b>0.25</b>")._repr_html_()
    assert "99.1 A number: not yet." in html and "<b>0.25" not in html
    assert "<code>hint(&quot;99.1&quot;)</code>" in html or '<code>hint("99.1")</code>' in html
    assert "var(--jp-content-font-color1" in html  # readable in a dark JupyterLab


def test_verdicts_are_deterministic():
    wrong = define("""
        def my_tanh(x):
            y = np.tanh(x)
            return y, lambda dy: dy * y
    """)
    first, second = check("99.3", wrong), check("99.3", wrong)
    assert repr(first) == repr(second) and first._repr_html_() == second._repr_html_()


@pytest.mark.parametrize("number", ["98.1", "99.77", "seven", 99.1, None, ("99.1",)])
def test_a_number_that_does_not_exist(number):
    for ask in (lambda: check(number, 1), lambda: hint(number), lambda: solution(number)):
        with pytest.raises(ValueError, match="number"):
            ask()


def test_a_number_that_stands_twice_is_refused(invented, monkeypatch):
    monkeypatch.setattr(invented, "EXERCISES", [*invented.EXERCISES, invented.EXERCISES[0]])
    with pytest.raises(ValueError, match="twice"):
        check("99.1", 1)


def test_solved_exercises_are_remembered_once():
    check("99.1", 0.3)
    assert progress.read()["exercises"] == []
    check("99.1", 0.25)
    check("99.1", 0.25)
    assert progress.read()["exercises"] == ["99.1"]


# ---- stubs, and parts that are still missing


STUBS = {
    "value and pullback": """
        def my_tanh(x):
            y = ...
            def pullback(dy):
                return ...
            return y, pullback
    """,
    "body": """
        def my_tanh(x):
            \"\"\"Your turn.\"\"\"
            ...
    """,
    "pass": """
        def my_tanh(x):
            pass
    """,
    "calculates with dots": """
        def my_tanh(x):
            y = ...
            slope = 1 - y**2
            return y, lambda dy: dy * slope
    """,
    "numpy meets dots": """
        def my_tanh(x):
            y = np.exp(...)
            return y, lambda dy: dy
    """,
    "matrix product with dots": """
        def my_tanh(x):
            weight = ...
            return x @ weight, lambda dy: dy
    """,
    "a name that is not there yet": """
        def my_tanh(x):
            # y = your formula
            slope = ...
            return y, lambda dy: dy * slope
    """,
    "array of dots": """
        def my_tanh(x):
            y = np.where(x > 0, ..., 1.0)
            return y, lambda dy: dy
    """,
    "not implemented": """
        def my_tanh(x):
            raise NotImplementedError
    """,
}


@pytest.mark.parametrize("name", STUBS)
def test_a_stub_is_not_written_yet(name):
    verdict = check("99.3", define(STUBS[name]))
    assert verdict.status == "todo", verdict
    assert "Replace each `...`" in verdict.message


GRADIENT_MISSING = "The value is right; the gradient is not written yet."


@pytest.mark.parametrize(
    "pullback",
    ["return ...", "return dy * ...", "slope = ...; return slope", "return dy * slope  # ...", "pass"],
)
def test_the_value_is_there_the_gradient_is_not(pullback):
    function = define(f"""
    def my_tanh(x):
        y = np.tanh(x)
        def pullback(dy):
            {pullback}
        return y, pullback
    """)
    verdict = check("99.3", function)
    if "# ..." in pullback:  # a name that is not there, and no dots left: that is a mistake
        assert verdict.status == "wrong" and "NameError" in verdict.message
    else:
        assert (verdict.status, verdict.message) == ("todo", GRADIENT_MISSING)


def test_dots_in_place_of_the_pullback():
    assert check("99.3", lambda x: (np.tanh(x), ...)).message == GRADIENT_MISSING


def test_a_wrong_value_beside_a_missing_gradient():
    verdict = check("99.3", lambda x: (2 * np.tanh(x), lambda dy: ...))
    assert verdict.status == "wrong"
    assert "constant factor of 2" in verdict.message and "gradient is not written yet" in verdict.message


def test_one_slot_of_three_is_missing():
    def linear(x, weight, bias):
        return x @ weight.T + bias, lambda dy: (dy @ weight, ..., dy.sum(0))

    verdict = check("99.4", linear)
    assert verdict.status == "todo"
    assert "the gradient of `weight` is not written yet" in verdict.message
    assert "gradient of `x`" in verdict.message and "gradient of `bias`" in verdict.message


def test_one_slot_is_missing_and_another_wrong():
    verdict = check(
        "99.4", lambda x, weight, bias: (x @ weight.T + bias, lambda dy: (-dy @ weight, ..., dy.sum(0)))
    )
    assert verdict.status == "wrong"
    assert "wrong sign" in verdict.message and "`weight` is not written yet" in verdict.message


def test_one_parameter_of_a_dict_is_missing():
    def lookup(ids, params):
        dtable = lambda dy: np.array([dy[0], 0 * dy[0], dy[1] + dy[2]]) * params["scale"]
        return params["table"][ids] * params["scale"], lambda dy: (None, {"table": dtable(dy), "scale": ...})

    verdict = check("99.9", lookup)
    assert verdict.status == "todo" and "the gradient of `scale` is not written yet" in verdict.message


def test_an_index_with_dots_is_no_stub():
    verdict = check("99.3", define("""
        def my_tanh(x):
            y = np.tanh(x)[..., ::-1]
            return y, lambda dy: dy[..., 0, 0, 0]
    """))  # fmt: skip
    assert verdict.status == "wrong"


def test_an_earlier_cell_is_still_a_stub():
    """The dots may come from a helper of the reader's, and the error need not speak of them."""
    function = define("""
        def helper(x):
            return ...
        def my_tanh(x):
            weight = helper(x)
            return np.add.outer(x, 1)[weight.shape[0]], lambda dy: dy
    """)
    assert check("99.3", function).status == "todo"
    quiet = define("""
        def helper(x):
            return ...
        def my_tanh(x):
            y = helper(x)
            if y is not None:
                raise ValueError("nothing about dots")
    """)
    assert check("99.3", quiet).status == "todo"


@pytest.mark.parametrize("end", ["raise KeyboardInterrupt", "return my_tanh(x)"])
def test_a_loop_without_end_is_no_stub_even_where_dots_are_left(end):
    function = define(f"""
        def my_tanh(x):
            later = ...
            {end}
    """)
    verdict = check("99.3", function)
    assert verdict.status == "wrong" and (
        "interrupted" in verdict.message or "without end" in verdict.message
    )


def test_some_of_several_values_are_missing():
    verdict = check("99.2", dw=[[1, 2, 4], [3, 5, 6]], db=...)
    assert verdict.status == "todo"
    assert verdict.message == "`dw` is right; `db` and `steps` are not written yet."
    wrong = check("99.2", db=0.35)
    assert wrong.message == "`db`: the mean was taken. `dw` and `steps` are not written yet."


# ---- answers of every kind


class Hostile:
    """Raises wherever it is touched."""

    def __getattr__(self, name):
        raise RuntimeError("do not touch")

    __repr__ = __len__ = __array__ = __iter__ = __bool__ = __float__ = __eq__ = __hash__ = None


class RaisesInRepr:
    def __repr__(self):
        raise RuntimeError("no")


def endless(x):
    return endless(x)


def generator(x):
    yield x


def leaves(x):
    sys.exit(3)


def prints(x):
    print("here")
    return np.tanh(x), lambda dy: dy * (1 - np.tanh(x) ** 2)


def changes_its_input(x):
    x *= 2
    return np.tanh(x / 2), lambda dy: dy * (1 - np.tanh(x / 2) ** 2)


def interrupted(x):
    raise KeyboardInterrupt


recursive = []
recursive.append(recursive)

ANSWERS = [
    1, -0.0, 3 + 4j, True, "", "0.25", b"bytes", float("nan"), float("inf"), 10**400,
    [], [1, [2, 3]], (), {}, {"dw": 1, "other": 2}, {1, 2}, frozenset(), range(3), slice(1), object(), object, int, np,
    np.zeros((0,)), np.zeros((3, 0)), np.zeros(10**6), np.zeros((1,) * 30), np.array("text"), np.array([None, 1]),
    np.array(["a", "b"]), np.ma.masked_array([1.0], [True]), np.float32(0.25), np.datetime64("2020-01-01"),
    np.random.default_rng(0), torch.tensor(1.0, requires_grad=True), torch.nn.Linear(2, 2),
    (i for i in range(3)), iter([]), recursive, Hostile, Hostile(), RaisesInRepr(), NotImplemented, ValueError("x"),
    endless, generator, leaves, prints, changes_its_input, print, len, np.tanh, max, lambda: 0, lambda x: None,
    lambda *a: None, lambda **k: None, lambda x, y, z, w: 0, lambda x: 1 / 0, lambda x: undefined, lambda x: x,  # noqa: F821
    lambda x: (x, x), lambda x: (x, None), lambda x: (x, lambda: x), lambda x: (x, lambda dy: None),
    lambda x: ("text", lambda dy: dy), lambda x: (iter([x]), lambda dy: dy), lambda x: (x.astype(int), lambda dy: dy),
    lambda x: (np.tanh(x), lambda dy: "text"), lambda x: (np.tanh(x), lambda dy: np.zeros((1,) * 20)),
    lambda x: (np.tanh(x), lambda dy: np.full(x.shape, np.nan)), lambda x: (np.tanh(x), lambda dy: [dy, dy]),
    lambda x: (np.tanh(x), lambda dy: dy.tolist()), lambda x: (np.tanh(x), lambda dy: (dy,)),
    lambda x: (np.tanh(x), lambda dy: iter(dy)), lambda x: (np.tanh(x), lambda dy: {"x": dy}),
    lambda x: (torch.tanh(torch.tensor(x)), lambda dy: dy), lambda x: (np.tanh(x) * 1j, lambda dy: dy),
    lambda x: (np.zeros(2 * 10**6), lambda dy: dy), lambda x: (recursive, lambda dy: dy), lambda x: recursive,
    interrupted, lambda x: (np.zeros((1,) * 20), lambda dy: dy),
    lambda x, weight, bias: (x, lambda dy: (dy, dy)), lambda x, weight, bias: (x @ weight.T + bias, lambda dy: dy),
    lambda ids, params: (params, lambda dy: dy), lambda ids, params: (params["table"][ids], lambda dy: (ids, 3)),
]  # fmt: skip


@pytest.mark.parametrize("number", [f"99.{k}" for k in range(1, 10)])
def test_no_answer_makes_check_stumble(number):
    for answer in ANSWERS:
        start = time.perf_counter()
        verdict = check(number, answer)
        assert time.perf_counter() - start < 3, answer
        assert verdict.status in ("todo", "wrong", "right")
        assert len(repr(verdict)) < 1000 and "Traceback" not in repr(verdict) and verdict._repr_html_()
        assert verdict.message or verdict.status == "right"


def test_what_fails_is_told_with_its_line():
    verdict = check("99.3", define("""
        def my_tanh(x):
            half = x / 2
            return np.tan_h(half)
    """))  # fmt: skip
    assert verdict.status == "wrong"
    assert "AttributeError" in verdict.message and "`return np.tan_h(half)`" in verdict.message


def test_failing_in_the_pullback_is_told_apart():
    verdict = check("99.3", lambda x: (np.tanh(x), lambda dy: dy @ dy))
    assert "the pullback fails" in verdict.message and "ValueError" in verdict.message


def test_wrong_kinds_are_named():
    says = lambda number, answer: check(number, answer).message
    assert "a class; expected a function" in says("99.3", int)
    assert "a number; expected a function" in says("99.3", 3)
    assert "3 inputs: x, weight, bias" in says("99.4", lambda x: x)
    assert "a text; expected a number" in says("99.1", "0.25")
    assert "call it first" in says("99.1", lambda: 0.25)
    assert "without end" in says("99.3", endless)
    assert "interrupted" in says("99.3", interrupted)
    assert "is a `return` missing" in says("99.5", lambda numbers: None)
    assert "a generator" in says("99.3", generator)
    assert "its value and its pullback" in says("99.3", np.tanh)
    assert "was written into" in says("99.3", changes_its_input)


def test_prints_of_the_reader_are_shown_once_per_case(capsys):
    assert check("99.3", prints).status == "right"
    assert capsys.readouterr().out == "here\nhere\n"  # two cases


def test_nothing_goes_to_stderr(capsys):
    check("99.1", 0.3)
    check("99.3", lambda x: (np.log(-np.abs(x)), lambda dy: dy / 0.0))
    assert capsys.readouterr().err == ""


# ---- hints and solutions


def test_hints_come_one_by_one_and_the_last_one_stays():
    first, second, third = hint("99.1"), hint("99.1"), hint("99.1")
    assert repr(first) == "99.1 A number: hint 1 of 2.\nLook at the middle.\n1 hint left."
    assert repr(second) == repr(third)
    assert 'solution("99.1") shows one way' in repr(second)


def test_the_verdict_knows_how_many_hints_were_given():
    assert (check("99.1", 3).hint_level, check("99.1", 3).next_step) == (
        0,
        '`hint("99.1")` gives a hint (2 left).',
    )
    hint("99.1")
    assert check("99.1", 3).hint_level == 1 and "1 left" in check("99.1", 3).next_step
    hint("99.1")
    assert check("99.1", 3).next_step == '`solution("99.1")` shows one way.'


def test_hints_of_one_exercise_leave_another_alone():
    hint("99.1")
    assert check("99.2", ((0, 0), 0, 0)).hint_level == 0


def test_a_solution_is_folded_in_html_and_absent_from_plain_text():
    card = solution("99.3")
    assert "np.tanh" not in repr(card) and 'print(solution("99.3").source)' in repr(card)
    assert "try first" in repr(card)
    assert card.source.startswith("def my_tanh(x):") and "return y, pullback" in card.source
    html = card._repr_html_()
    assert html.index("<details") < html.index("np.tanh") < html.index("</details>")
    for _ in range(2):
        hint("99.3")
    assert "try first" not in repr(solution("99.3"))


def test_a_solution_given_as_text():
    assert solution("99.1").source == "slope = 0.5 * 0.5"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("that is it", "That is it."), ("is it", "Is it."), ("Why?", "Why?"), ("", ""), ("it's", "it's."), ("w8 has one road.", "w8 has one road."),
        ("dx gets it", "dx gets it."), ("lam = 3", "lam = 3."), ("`slope` first", "`slope` first."), ("0.3 is it", "0.3 is it."),
    ],
)  # fmt: skip
def test_sentences_leave_names_alone(text, expected):
    assert sentence(text) == expected


# ---- imports


def test_the_engine_imports_neither_torch_nor_widgets():
    code = (
        "import sys, utils.exercises as e; e.progress(); e.detective.new(1);"
        "from utils.exercises.lazy import torch; hasattr(torch, '__wrapped__');"
        "print(sorted({'torch', 'anywidget', 'ipywidgets'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_lazy_torch_is_torch():
    assert Lazy("torch").tanh is torch.tanh
    assert Lazy("torch.nn.functional").linear is torch.nn.functional.linear
    with pytest.raises(AttributeError):
        Lazy("torch").__wrapped__  # noqa: B018, inspect asks for it
