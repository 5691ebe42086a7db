"""The texts of a chapter that does not exist yet: what `new` writes, small but whole, for its author to replace.

@{...} is filled in from the register. The example is a square; its texts say what belongs in their place.
"""

import re


def fill(text, sheet):
    """A text with @{name} replaced by what the sheet says; the $ of LaTeX and the @ of Python stay."""
    return re.sub(r"@\{(\w+)\}", lambda match: str(sheet[match[1]]), text)


def sheet_of(entry):
    """What the texts take from a chapter's entry in the register."""
    return {
        "number": entry.number, "two": entry.two_digits, "name": entry.name, "heading": entry.heading,
        "title": entry.title, "chinese": entry.chinese, "prefix": entry.concepts,
    }  # fmt: skip


def cell(text, *tags, slide="-", concepts=()):
    """(text, tags, slide type, concept ids); a code cell begins with a line `>>>`."""
    return text.strip("\n"), tags, slide, concepts


CELLS = (
    cell(
        """
# @{heading}

@{links}

> **要点** 用两句中文写出这一章的要点。先写问题，再写答案。

**What you will be able to do after this chapter**

- say in a few lines, each beginning with a verb, what the reader can do afterwards.

**What you need first.** Name the chapters and sections that this one rests on.
**Time:** about 60 minutes. Each section ends at a point where you may stop.
**Key terms:** square 平方.
""",
        "core",
        slide="slide",
    ),
    cell(
        """
## The question · 问题

Begin with a question and a picture that make the reader want the equation. Here: how fast does the area of a square grow when its side grows?

*Look first.* Pull `x`. Where is the slope zero?
""",
        "core",
        slide="slide",
    ),
    cell(
        """
>>>
import numpy as np

from utils.chapters.@{name} import explore
from utils.exercises import check, hint, quiz, solution

explore.square_and_slope()
""",
        "core",
    ),
    cell(
        """
## @{number}.1 A square, there and back · 平方

> **要点** 每节标题下用两句中文写出这一节的要点。平方的导数是输入的两倍，所以梯度要乘上 $2x$。

State every shape, derive every step, then put numbers in. For a number $x$ (every element of an array, alone)

$$ {\\color{#157ABB}{y}} = x^2 . \\tag{@{number}.1} $$

Nudge $x$ by a little $h$: $(x + h)^2 = x^2 + 2xh + h^2$, and the last term is too small to count. A gradient ${\\color{#C25400}{\\bar y}}$ arrives from above, and

$$ {\\color{#C25400}{\\bar x}} = {\\color{#C25400}{\\bar y}} \\cdot 2x . \\tag{@{number}.2} $$

In numbers: $x = 3$, $\\bar y = 0.5$ give $\\bar x = 0.5 \\cdot 6 = 3$.
""",
        "core",
        slide="slide",
        concepts=("@{prefix}-01",),
    ),
    cell(">>>\n", "core", "show:nn/@{name}.py::square"),
    cell(
        """
>>>
import torch

from utils.crosscheck import crosscheck

rng = np.random.default_rng(0)
crosscheck(square, torch.square, rng.normal(size=(2, 3)))
""",
        "core",
        "nbval-check-output",
    ),
    cell("*Predict.* Ask before you show. What arrives at $x = 0$, whatever comes from above?", "core"),
    cell('>>>\nquiz("@{two}.a")', "skip"),
    cell(
        """
Nothing: the slope is zero there. Explain after the guess.

**Which convention?** Say here where books and libraries disagree, and which one this course takes.
""",
        "core",
    ),
    cell(
        """
## @{number}.2 At work · 实战

> **要点** 在真实数据上训练，并把结果与本章的论断对照。要固定随机种子，并说明不同种子之间的差别。

*After a restart: run the first code cell and section @{number}.1.*

Train the thing on data, and measure what the chapter claims. Here: steps down the slope of (@{number}.2) bring any start to zero, each by the same factor.
""",
        "core",
        slide="slide",
    ),
    cell(
        """
>>>
x = np.array([3.0, -1.0])
for step in range(4):
    print(step, x.round(3))
    _, pullback = square(x)
    x = x - 0.25 * pullback(np.ones(2))
""",
        "core",
        "nbval-check-output",
    ),
    cell(
        """
## Misprint clinic · 勘误门诊

> **要点** 把读者最容易遇到的错误形式运行一遍，让检查指出错在哪里。每种错误都写一次，改一次。

*After a restart: run the first code cell and section @{number}.1.*

**1. "The gradient of a square is $2x$".** Without the gradient from above. Run the wrong form, and let the check say what is wrong:
""",
        "core",
        slide="slide",
    ),
    cell(
        """
>>>
def square_misprinted(x):
    return x**2, lambda dy: 2 * x


crosscheck(square_misprinted, torch.square, rng.normal(size=(2, 3)), raises=False)
""",
        "core",
        "nbval-check-output",
    ),
    cell(
        """
## Exercises · 练习

> **要点** 每题当场检查：没写、还不对（为什么）、对了。卡住时先要提示，最后再看答案。

Replace each `...` and run the cell. `hint("@{two}.1")` gives a hint, and a further one each time; `solution("@{two}.1")` shows a solution, folded away.

**@{two}.1 The pullback of a cube.** The value is given; fill in the gradient, as in (@{number}.2).
""",
        "skip",
        slide="slide",
    ),
    cell(
        """
>>>
def my_cube(x):
    y = x**3

    def pullback(dy):
        return ...

    return y, pullback


check("@{two}.1", my_cube)
""",
        "skip",
        "exercise:@{two}.1",
        "stub",
        "nbval-check-output",
    ),
    cell(
        """
## Summary · 小结

- Five lines: what was derived, what was proved, what was measured.

**References.** Author, year, title.

**What is broken now.** A failure that the next chapter repairs.
""",
        "core",
        slide="slide",
    ),
    cell(
        """
## Appendix: what else circulates · 附录

| form that circulates | what is right | where it is tested |
|---|---|---|
| the gradient of a square is $2x$ | $\\bar y \\cdot 2x$ | clinic, 1 |
""",
        "skip",
    ),
    cell("@{links}", "core"),
)

# what a finished chapter may keep of these cells; `check` refuses the rest, sentence by sentence
FURNITURE = (
    "# @{heading}", "## The question · 问题", "## @{number}.2 At work · 实战", "## Misprint clinic · 勘误门诊",
    "## Exercises · 练习", "## Summary · 小结", "## Appendix: what else circulates · 附录",
    "What you will be able to do after this chapter**", "Time:** about 60 minutes.",
    "After a restart: run the first code cell and section @{number}.1.*",
    "Each section ends at a point where you may stop.", "每题当场检查：没写、还不对（为什么）、对了。",
    "卡住时先要提示，最后再看答案。", "Replace each `...` and run the cell.",
    '`hint("@{two}.1")` gives a hint, and a further one each time; `solution("@{two}.1")` shows a solution, folded away.',
    "| form that circulates | what is right | where it is tested |", 'quiz("@{two}.a")',
)  # fmt: skip

FILES = {
    "utils/nn/@{name}.py": '''
"""@{title}: its operations, as values and pullbacks."""


def square(x):
    """Each number times itself: eqs. (@{number}.1), (@{number}.2).

    x: any shape.  As torch.square.
    """

    def pullback(dy):
        return dy * 2 * x

    return x * x, pullback
''',
    "utils/chapters/@{name}/__init__.py": '"""Chapter @{two}, @{title}: its explorables and its exercises."""',
    "utils/chapters/@{name}/explore.py": '''
"""Explorables of chapter @{two}, @{title}."""

import numpy as np

from utils import style
from utils.explorable.engine import Explorable, Slider
from utils.nn.@{name} import square

__all__ = ["square_and_slope"]

GRID = np.linspace(-3, 3, 121)


def square_and_slope():
    """A square, its tangent, and the gradient that its pullback sends on."""

    def update(artists, x):
        value, pullback = square(np.array([x]))
        slope = float(pullback(np.ones(1))[0])
        artists["tangent"].set_ydata(value + slope * (GRID - x))
        artists["dot"].set_data([x], value)
        return f"x = {x:.1f}: square {value[0]:.2f}, slope {slope:.1f}"

    return Explorable(
        draw,
        update,
        title="a square and its slope",
        figsize=(5.0, 3.2),
        x=Slider([round(x / 2, 1) for x in range(-6, 7)], format="{:.1f}"),
        start={"x": 1.0},
        alt="A parabola with its tangent",
    )


def draw(fig):
    ax = fig.subplots()
    ax.set(xlim=(-3, 3), ylim=(-2, 9), xlabel="x")
    ax.plot(GRID, square(GRID)[0], color=style.ACTIVATION)
    return {
        "tangent": ax.plot(GRID, GRID, color=style.GRADIENT)[0],
        "dot": ax.plot([0], [0], "o", color=style.ACTIVATION)[0],
    }
''',
    "utils/chapters/@{name}/exercises.py": '''
"""Exercises and predictions of chapter @{two}, @{title}."""

import numpy as np

from utils.exercises.checkers import Gradient
from utils.exercises.engine import Edit, Exercise
from utils.exercises.quizzes import Quiz

QUIZZES = [
    Quiz(
        "@{two}.a",
        ["what comes from above", "nothing", "twice what comes from above"],
        right="b",
        why="By (@{number}.2) the gradient from above is multiplied by 2x, which is zero there.",
        traps={"a": "That is so where the slope is one", "c": "Put x = 0 into the slope"},
    ),
]


def my_cube(x):
    y = x**3

    def pullback(dy):
        return dy * 3 * x**2

    return y, pullback


EXERCISES = [
    Exercise(
        "@{two}.1",
        "The pullback of a cube",
        Gradient(lambda x: x**3, (np.array([-1.5, 0.5, 2.0]),)),
        hints=(
            "The slope of x to the third power is 3 times x squared.",
            "As in (@{number}.2): the gradient from above times the slope.",
        ),
        solution=my_cube,
        wrong=(
            Edit("dy * 3 * x**2", "3 * x**2"),
            Edit("dy * 3 * x**2", "dy * x**2"),
            Edit("dy * 3 * x**2", "dy * 3 * x"),
        ),
    ),
]
''',
    "tests/nn/test_@{name}.py": '''
"""@{title}: the operations against torch, and wrong versions that must not pass."""

import numpy as np
import pytest
import torch

from utils.crosscheck import crosscheck
from utils.nn.@{name} import square


@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0, 3)])
def test_square(shape):
    assert crosscheck(square, torch.square, np.random.default_rng(0).normal(size=shape)).ok


@pytest.mark.parametrize("wrong", [lambda x, dy: 2 * x, lambda x, dy: dy * x, lambda x, dy: -dy * 2 * x])
def test_wrong_versions_are_refused(wrong):
    ours = lambda x: (x * x, lambda dy: wrong(x, dy))
    assert not crosscheck(ours, torch.square, np.random.default_rng(0).normal(size=(2, 3)), raises=False).ok
''',
    "tests/chapters/@{name}/test_claims.py": '''
"""Claims of chapter @{two}, @{title}: what its prose says, and what of it holds."""

import numpy as np
import pytest

from utils.nn.@{name} import square


def test_the_numbers_of_the_first_section():
    """@{prefix}-01, section @{number}.1."""
    _, pullback = square(np.array([3.0]))
    assert pullback(np.array([0.5])) == pytest.approx([3.0])


@pytest.mark.parametrize(("rate", "factor"), [(0.25, 0.5), (0.75, -0.5)])
def test_each_step_down_the_slope_takes_the_same_factor(rate, factor):
    """Section @{number}.2."""
    x = np.array([3.0, -1.0])
    _, pullback = square(x)
    np.testing.assert_allclose(x - rate * pullback(np.ones(2)), factor * x)
''',
    "tests/chapters/@{name}/test_explore.py": '''
"""Explorables of chapter @{two}, @{title}: what they compute; all settings are swept with those of the other chapters."""

import pytest

from utils.chapters.@{name} import explore


@pytest.mark.parametrize(("x", "slope"), [(-1.5, -3.0), (0.0, 0.0), (3.0, 6.0)])
def test_the_tangent_has_the_slope_of_the_square(x, slope):
    _, readout = explore.square_and_slope().at(x=x)
    assert readout == f"x = {x:.1f}: square {x * x:.2f}, slope {slope:.1f}"
''',
}

CONCEPT = "@{prefix}-01,square of @{title},平方（@{chinese}）,,@{two}"
ENTRY = """

[[chapter]]
number = @{number}
name = "@{name}"
title = "@{title}"
chinese = "@{chinese}"
summary = "@{title}: one line about what it derives."
label = "@{label}"
needs = []
place = @{place}
concepts = "@{prefix}"
"""
