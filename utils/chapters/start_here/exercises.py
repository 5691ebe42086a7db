"""The exercise and the prediction of the first page, to try the way they work."""

import numpy as np

from utils.exercises.checkers import Gradient
from utils.exercises.engine import Edit, Exercise
from utils.exercises.quizzes import Quiz

QUIZZES = [
    Quiz(
        "00.a",
        ["about 0.5", "about 0.1", "about 0.01"],
        right="c",
        why="tanh 3 is 0.995, and 1 - 0.995 times 0.995 is 0.0099. Where the curve is flat, almost no gradient comes through.",
        traps={"b": "The value is close to 1 there, and so is its square"},
    ),
]


def cube(x):
    y = x**3

    def pullback(dy):
        return dy * 3 * x**2

    return y, pullback


EXERCISES = [
    Exercise(
        "00.1",
        "The pullback of a cube",
        Gradient(lambda x: x**3, (np.array([-1.5, 0.5, 2.0]),)),
        hints=(
            "The slope of x to the third power is 3 times x to the second.",
            "A pullback multiplies the gradient from above by the slope: dy times 3 times x squared.",
        ),
        solution=cube,
        wrong=(
            Edit("dy * 3 * x**2", "3 * x**2"),
            Edit("dy * 3 * x**2", "dy * x**2"),
            Edit("dy * 3 * x**2", "dy * 3 * x"),
            Edit("dy * 3 * x**2", "-dy * 3 * x**2"),
        ),
    ),
]
