"""The rules for chapters see what is wrong: each is given a chapter that breaks it."""

from dataclasses import replace

import nbformat
import numpy as np
import pytest

from tests.chapters.cells import code_cells, names_for, run
from tests.chapters.exercise_rules import about_chapter, about_exercise, about_notebook, about_quiz
from utils.exercises import Edit, Exercise, Function, Quiz, Values, registry

IMPORTS = "import math\nimport numpy as np\nfrom utils.exercises import check, hint, quiz, solution"
STUBS = {
    "99.1": 'slope = ...\n\ncheck("99.1", slope)',
    "99.2": 'check("99.2", dw=..., db=..., steps=...)',
    "99.3": 'def my_tanh(x):\n    y = ...\n    def pullback(dy):\n        return ...\n    return y, pullback\n\ncheck("99.3", my_tanh)',
    "99.4": 'def linear(x, weight, bias):\n    y = x @ weight.T + bias\n    return y, lambda dy: (..., ..., ...)\n\ncheck("99.4", linear)',
    "99.5": 'def times(numbers):\n    ...\n\ncheck("99.5", times)',
    "99.6": 'check("99.6", ...)',
    "99.7": 'order = ...\ncheck("99.7", order)',
    "99.8": 'check("99.8", ...)',
    "99.9": 'def lookup(ids, params):\n    return ..., ...\n\ncheck("99.9", lookup)',
}


@pytest.fixture
def chapter(invented):
    """The made-up chapter and a notebook for it, which keep all rules."""
    cells = [([], IMPORTS), ([], 'quiz("99.1")'), ([], 'quiz("99.2")')]
    cells += [([f"exercise:{number}"], source) for number, source in STUBS.items()]
    return registry.exercises("99"), registry.quizzes("99"), cells


def complaints(chapter):
    return list(about_chapter("99", *chapter))


def the_one(found):
    assert len(found) == 1, found
    return found[0]


def test_a_chapter_that_keeps_all_rules(chapter):
    assert complaints(chapter) == []


def test_a_module_without_a_notebook(chapter):
    exercises, quizzes, _ = chapter
    assert "no notebook" in the_one(list(about_chapter("99", exercises, quizzes, None)))


# ---- exercises


def about(**changes):
    good = Exercise("99.1", "t", Values(0.5), hints=["look there"], solution="a = 0.5", wrong=[1, 2, 3])
    return list(about_exercise(replace(good, **changes), "99"))


@pytest.mark.parametrize(
    "changes, words",
    [
        (dict(number="98.1"), "does not belong"),
        (dict(hints=()), "no hint"),
        (dict(solution=""), "no solution"),
        (dict(solution="a = 0.6"), "the solution is refused"),
        (dict(wrong=[1, 2]), "2 typical wrong answers"),
        (dict(wrong=[1, 2, 0.5]), "is not refused"),
        (dict(wrong=[1, 2, ...]), "is not refused"),
        (dict(wrong=[1, 2, Edit("0.7", "0.8")]), "exactly once"),
        (dict(wrong=[1, 2, Edit("0.5", "1 / 0")]), "division by zero"),
        (dict(wrong=[1, 2, Edit("0.5", "0.25", says="a third")]), "should be told 'a third'"),
        (dict(checker=Values(0.5, traps={0.50001: "too near"})), "is not refused"),
    ],
)
def test_an_exercise_that_breaks_a_rule(changes, words):
    assert words in the_one(about(**changes))


def test_an_exercise_that_keeps_the_rules():
    assert about() == []
    assert (
        about(wrong=[Edit("0.5", "0.25", says="factor of two"), 7], checker=Values(0.5, traps={3: "a three"}))
        == []
    )


def test_a_trap_behind_another_one_is_noticed():
    """The second trap can never be sprung: the first has the same answer within its tolerance."""
    checker = Values(0.5, traps={3.0: "a three", 3.0001: "never said"})
    told = the_one(about(checker=checker))
    assert "should be told 'never said'" in told and told.endswith(
        "the trap 3.0 gives the same answer: leave one out"
    )


def off_by_a_tenth(numbers):
    return 1.0 * len(numbers)


@pytest.mark.parametrize(
    "checker, solution, words",
    [
        (Values(0.5, rtol=3), "a = 0.5", ["half of it", "twice of it", "the other sign", "10 % more", "10 % less"]),
        (Values(0.5, rtol=0.15), "a = 0.5", ["10 % more", "10 % less"]),
        (Values({"n": 12, "m": 0.5}, atol=0.06), "n = 12\nm = 0.5", ["m, 10 % more", "m, 10 % less"]),
        (Values(np.array([1.0, -2.0]), rtol=0.2), "a = [1.0, -2.0]", ["10 % more", "10 % less"]),
        (Function(off_by_a_tenth, [[1, 2]], rtol=0.2), "def f(numbers):\n    return len(numbers)", ["10 % more", "10 % less"]),
        (Values(12, rtol=3), "a = 12", []),
        (Values(0.0, atol=1e-3), "a = 0.0", []),
    ],
)  # fmt: skip
def test_an_answer_near_the_right_one_is_not_taken_for_right(checker, solution, words):
    wrong = [np.zeros(7), [9.0, 9.0, 9.0], "none"]
    assert about(checker=checker, solution=solution, wrong=wrong) == [
        f"99.1: {word} is taken for right; make rtol and atol smaller" for word in words
    ]


@pytest.mark.parametrize("reply", ["No", "no."])
def test_a_reply_or_a_hint_of_one_word_is_no_help(reply):
    assert "is no help; say where to look" in the_one(about(checker=Values(0.5, traps={3.0: reply})))
    assert "is no help; say where to look" in the_one(about(hints=["look there", reply]))


def test_a_reply_that_holds_the_answer_gives_it_away():
    told = the_one(about(checker=Values(0.25, traps={3.0: "it is 0.25, of course"}), solution="a = 0.25"))
    assert "gives the answer 0.25 away" in told
    told = the_one(
        about(checker=Values(200, traps={150: "that is one; the batch has 200"}), solution="a = 200")
    )
    assert "gives the answer 200 away" in told
    for fine in ("as in (0.25), or 10.25", "2 of 5 are wrong", "0.26 it is not"):
        assert about(checker=Values(0.25, traps={3.0: fine}), solution="a = 0.25") == [], fine


def test_a_solution_may_be_an_expression_or_use_what_the_notebook_has():
    assert about(solution="1 / 2") == []
    assert about(solution="a = 2.0\nfor _ in range(2):\n    a = a / 2") == []
    good = Exercise("99.1", "t", Values(0.5), hints=["look there"], solution="given / 2", wrong=[1, 2, 3])
    assert list(about_exercise(good, "99", ["given = 1.0\nother = 1 / 0"])) == []


# ---- quizzes


@pytest.mark.parametrize(
    "quiz, words",
    [
        (Quiz("98.1", ["x", "y"], right="a", why="w", traps={"b": "it is not"}), "does not belong"),
        (
            Quiz("99.1", ["x", "y", "z"], right="a", why="w", traps={"b": "it is not"}),
            "traps say nothing to c; say why",
        ),
        (Quiz("99.1", value=1.0, why="w"), "traps say nothing to a likely wrong number; say why"),
        (Quiz("99.1", value=1.0, traps={1.01: "near"}, why="w"), "too near"),
        (
            Quiz("99.1", ["x", "y"], right="a", why="w", traps={"a": "it is not", "b": "nor this"}),
            "the trap 'a'",
        ),
    ],
)
def test_a_quiz_that_breaks_a_rule(quiz, words, invented):
    assert words in the_one(list(about_quiz(quiz, "99")))


def test_one_option_is_no_choice(invented):
    assert any(
        "one option is no choice" in told
        for told in about_quiz(Quiz("99.1", ["x"], right="a", why="w"), "99")
    )


# ---- notebooks


@pytest.mark.parametrize(
    "number, source, words",
    [
        ("99.1", 'slope = 0.25\ncheck("99.1", slope)', "does not end with a check that says not written yet"),
        ("99.1", 'slope = 0.3\ncheck("99.1", slope)', "does not end with"),
        ("99.1", 'slope = ...\nslope * 2\ncheck("99.1", slope)', "raises TypeError"),
        ("99.1", 'slope = ...\ncheck("99.1", slope);\nslope', "does not end with"),
        ("99.1", 'slope = ...\ncheck("99.2", slope)', 'does not call check("99.1"'),
        ("99.3", 'def my_tanh(x):\n    return np.sinh(x), ...\ncheck("99.3", my_tanh)', "does not end with"),
    ],
)
def test_an_unfriendly_stub(chapter, number, source, words):
    exercises, quizzes, cells = chapter
    cells = [(tags, source if tags == [f"exercise:{number}"] else old) for tags, old in cells]
    assert words in the_one(list(about_notebook(cells, exercises, quizzes)))


def test_numbers_on_both_sides(chapter):
    exercises, quizzes, cells = chapter
    without = [cell for cell in cells if cell[0] != ["exercise:99.1"]]
    assert "stands on 0 cells" in the_one(list(about_notebook(without, exercises, quizzes)))
    assert "stands on 2 cells" in the_one(list(about_notebook([*cells, cells[-1]], exercises, quizzes)))
    assert 'no cell holds quiz("99.2")' in the_one(
        list(about_notebook(cells[:2] + cells[3:], exercises, quizzes))
    )
    assert 'hint("99.77"): there is no such exercise' in the_one(
        list(about_notebook([*cells, ([], 'hint("99.77")')], exercises, quizzes))
    )
    found = list(about_notebook([*cells, (["exercise:99.12"], 'check("99.12", ...)')], exercises, quizzes))
    assert any("is tagged exercise:99.12" in remark for remark in found)


# ---- running a cell alone


def test_only_what_a_cell_needs_is_run():
    earlier = [
        "import math as m\nboom = 1 / 0",
        "def f(x):\n    return m.sqrt(scale) * x\nscale = 4",
        "a, b = 1, 2",
    ]
    assert run("f(b)", names_for("f(b)", earlier)) == 4


def test_the_last_binding_before_the_cell_counts():
    assert run("x", names_for("x", ["x = 1", "x = 2\nx = x + 1"])) == 3


def test_code_cells_of_a_notebook(tmp_path):
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_markdown_cell("text"),
        nbformat.v4.new_code_cell("%load_ext x\n!ls\ny = 1", metadata={"tags": ["core"]}),
    ]
    nbformat.write(notebook, tmp_path / "01_x.ipynb")
    assert code_cells(tmp_path / "01_x.ipynb") == [(["core"], "\n\ny = 1")]
