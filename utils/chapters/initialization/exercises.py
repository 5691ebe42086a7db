"""Exercises and predictions of chapter 03, initialization."""

import math

import numpy as np

from utils.exercises.checkers import Choice, Function, Gradient, Ordering, Subset, Values
from utils.exercises.engine import Edit, Exercise
from utils.exercises.quizzes import Quiz

QUIZZES = [
    Quiz(
        "03.a",
        ["1.00", "1.25", "it depends on how x and w are distributed"],
        right="b",
        traps={"a": "That is variance times variance; the mean of x is not zero"},
        why="By (3.3) it is 0.25 times the mean square of x, and that is 4 + 1 = 5. Only means and variances entered.",
    ),
    Quiz(
        "03.b",
        value=0.404,
        rtol=0.03,
        traps={
            0.163: "That is the factor of the mean square; take its root",
            7.0: "A hundred terms partly cancel",
        },
        why="By (3.7) it is the root of 100 times 0.00163.",
    ),
    Quiz(
        "03.c",
        ["about 1", "far below 1", "far above 1"],
        right="b",
        traps={
            "a": "1 is the root mean square: a few rare, huge products make it",
            "c": "Matrices explode, numbers do not. A factor of 0.01 takes away more than a factor of 3 gives",
        },
        why="Typically 10^-27. Many of the numbers are near 0, and a factor of 0.01 takes away more than a factor of 3 gives.",
    ),
    Quiz(
        "03.d",
        ["1/256: twice the layers, the factor squared", "1/16 again", "1/4"],
        right="b",
        ask="By what is the mean square of the gradient multiplied with eight layers?",
        traps={
            "a": "Each of the eight layers narrows less than each of the four did",
            "c": "Multiply the factors of all layers: what cancels",
        },
        why="All widths in between cancel, however many there are. Only the two ends are left.",
    ),
    Quiz(
        "03.e",
        ["about 20 thousand", "about 500 million"],
        right="a",
        traps={"b": "That is 2^29, the factor of the mean square"},
        why="From layer 1 to layer 30 the mean square halves 29 times. The root mean square is the root of that: 2^14.5, or 23 thousand.",
    ),
    Quiz(
        "03.f",
        ["a hundred times as long", "some hundred steps longer", "they never part"],
        right="b",
        traps={
            "a": "That would be so if each step added a share of the starting noise. It multiplies what is there already",
            "c": "Only a difference of exactly 0 stays 0",
        },
        why="The difference grows exponentially, so a hundred times less noise costs a fixed number of steps more, here about 500.",
    ),
    Quiz(
        "03.g",
        ["no difference", "LeCun is slower: some points behind after ten epochs", "LeCun does not learn"],
        right="b",
        ask="He against LeCun, ten layers of ReLU: what do you expect?",
        traps={
            "a": "A twentieth of the gradient moves the first layers twenty times less",
            "c": "A twentieth is small, not nothing: the layers near the output learn, and pull the others along",
        },
        why="With a twentieth of the gradient the first layers start slowly. Then training itself makes the weights larger, and the gradients level.",
    ),
]


def count_fans(shape):
    places = math.prod(shape[2:])
    return shape[1] * places, shape[0] * places


def gain_for(f, z):
    return 1 / np.sqrt((f(z) ** 2).mean())


def relu(z):
    return np.maximum(z, 0)


def scaled_linear(x, W):
    n = W.shape[1]
    y = x @ W.T / np.sqrt(n)

    def pullback(dy):
        return dy @ W / np.sqrt(n), dy.T @ x / np.sqrt(n)

    return y, pullback


def random(seed, *shapes):
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=shape) for shape in shapes)


# variance 1, mean 0
FIVE = np.array([-2.0, -1.0, 0.0, 1.0, 2.0]) / np.sqrt(2)

EXERCISES = [
    Exercise(
        "03.1",
        "One sum by hand",
        Values(
            65.0,
            traps={
                20.0: "That is 20 times variance times variance. The inputs have a mean; see (3.2)",
                45.0: "That takes the square of the mean alone. The mean square is the variance plus that",
                3.25: "That is one product; 20 of them are added up",
                13.0: "That is the mean square of an input; the weights and the number of terms are missing",
                35.0: "The mean enters with its square, 9",
                16.25: "0.25 is the variance of a weight already; do not square it",
                8.0623: "That is the standard deviation",
                1300.0: "The terms are uncorrelated: 20 times the variance of one, not 20 squared",
            },
        ),
        hints=(
            "The mean square of the inputs, by (3.2): variance plus the square of the mean.",
            "Then (3.4): how many terms, times the variance of a weight, times that mean square.",
        ),
        solution="20 * 0.25 * (4 + 3**2)",
    ),
    Exercise(
        "03.2",
        "Twenty layers",
        Values(
            0.5**20,
            traps={
                0.25**20: "That is the factor of the mean square; its root is asked for",
                0.05**20: "A layer multiplies by sigma times the root of n, not by sigma",
                5.0**20: "sigma n is 5, but the root of n is what counts: 100 terms partly cancel",
                0.5: "That is one layer",
                10.0: "Twenty times 0.5 would be right if layers added; they multiply",
            },
            rtol=5e-3,
            atol=0.0,
        ),
        hints=("Equation (3.7), with sigma = 0.05 and n = 100.", "Each layer multiplies by 0.05 times 10."),
        solution="(0.05 * 100**0.5) ** 20",
    ),
    Exercise(
        "03.3",
        "A limit for a convolution",
        Values(
            math.sqrt(6 / 432),
            traps={
                math.sqrt(6 / 48): "The kernel is missing: one output adds up nine places of every channel",
                math.sqrt(2 / 432): "That is the standard deviation; the limit is larger, by (3.12)",
                math.sqrt(3 / 144): "That keeps the forward direction only; Xavier takes both fans",
                math.sqrt(6 / 144): "That is He's limit, with fan-in alone; Xavier takes both fans",
                2 / 432: "That is the variance",
            },
            rtol=5e-3,
        ),
        hints=(
            "First both fans, by (3.13): channels times places of the kernel.",
            "144 and 288. Then the variance by (3.11), and the limit by (3.12).",
        ),
        solution="(6 / (16 * 9 + 32 * 9)) ** 0.5",
    ),
    Exercise(
        "03.4",
        "Counting fans",
        Function(
            count_fans,
            cases=[((20, 30),), ((16, 8, 3, 3),), ((5, 7, 2),), ((1, 1, 4, 1, 2),)],
            traps={
                lambda shape: (
                    shape[1],
                    shape[0],
                ): "Right for a dense layer; the places of the kernel are missing",
                lambda shape: (
                    shape[0] * math.prod(shape[2:]),
                    shape[1] * math.prod(shape[2:]),
                ): "Fan-in and fan-out are exchanged: the shape begins with the outputs",
                lambda shape: (
                    shape[1] * math.prod(shape[2:]),
                    shape[0],
                ): "The kernel counts going back, too: an input sits in one output for each of its places",
                lambda shape: (
                    shape[1] * sum(shape[2:]),
                    shape[0] * sum(shape[2:]),
                ): "The sides of a kernel multiply; and without a kernel there is one place, not none",
            },
        ),
        hints=(
            "`shape[2:]` holds the sides of the kernel, however many; `math.prod` multiplies them, and gives 1 for none.",
            "Equation (3.13). The shape begins with the outputs.",
        ),
        solution=count_fans,
    ),
    Exercise(
        "03.5",
        "A gain for any activation",
        Function(
            gain_for,
            cases=[(np.tanh, FIVE), (relu, FIVE), (np.abs, FIVE)],
            traps={
                lambda f, z: 1 / f(z).std(): "The variance is not it: the mean of f(z) counts too, (3.4)",
                lambda f, z: (
                    1 / (f(z) ** 2).mean()
                ): "That is for the variance of the weights; the standard deviation is its root",
                lambda f, z: np.sqrt(
                    (f(z) ** 2).mean()
                ): "One divided by that: the weights make up for the loss",
                lambda f, z: 1 / np.abs(f(z)).mean(): "The mean square is needed, not the mean size",
            },
        ),
        hints=(
            "With LeCun's weights the next mean square of z is that of f(z). The gain must undo it.",
            "The gain squared, times the mean of f(z) squared, is 1.",
        ),
        solution=gain_for,
        after="For ReLU this gives the root of 2, for tanh about 1.59; PyTorch uses 5/3, a little more.",
    ),
    Exercise(
        "03.6",
        "Find the bug",
        Choice(
            {"a": "the function's arguments", "b": "variance", "c": "weight", "d": "bias"},
            right="c",
            traps={
                "a": "Any order of arguments is fine, as long as the shape below fits",
                "b": "He's variance for ReLU is 2 / fan-in, and that is what it is called here",
                "d": "Biases may start at zero: the random weights break the symmetry",
            },
        ),
        hints=("One of the lines hands a number to a function that expects another one.",),
        solution='"c"',
        after="`rng.normal` takes a standard deviation: `np.sqrt(variance)`.",
    ),
    Exercise(
        "03.7",
        "Sort them",
        Ordering(
            ("torch", "lecun", "leaky", "xavier", "he", "he_out"),
            traps={
                ("torch", "lecun"): "The default of nn.Linear has a third of LeCun's variance",
                (
                    "lecun",
                    "leaky",
                ): "A leaky ReLU loses something, so its weights must be larger than LeCun's",
                ("leaky", "xavier"): "2 / (1.25 times 100) is 0.016; and 2 / 120 is a little more",
                ("xavier", "he"): "He divides 2 by 100, Xavier divides 2 by 120",
                ("he", "he_out"): "Fan-out is 20 here, a fifth of fan-in",
            },
        ),
        hints=(
            "Fan-in is 100, fan-out 20. Write down the six variances.",
            "He divides 2 by the fan, or by 1.25 times the fan for slope 0.5; LeCun 1 by the fan-in; Xavier 2 by the sum of both; nn.Linear 1 by three times the fan-in.",
        ),
        solution='["torch", "lecun", "leaky", "xavier", "he", "he_out"]',
    ),
    Exercise(
        "03.8",
        "Which stay twins?",
        Subset(
            right=("a", "c", "e", "f"),
            among=("a", "b", "c", "d", "e", "f"),
            traps={
                "b": "In b the gradients that come back to the units differ, and so do their first steps",
                "d": "In d the units compute different values from the start",
            },
        ),
        hints=(
            "Twins need three things to be equal: incoming weights, bias, outgoing weights.",
            "In e all units have the same row. In f ask what the gradient of the outgoing weights is made of.",
        ),
        solution='["a", "c", "e", "f"]',
        wrong=(["a", "c"], ["a", "e", "f"]),
    ),
    Exercise(
        "03.9",
        "The scale outside",
        Gradient(
            lambda x, W: x @ W.T / W.shape[1] ** 0.5,
            [random(1, (5, 3), (4, 3)), random(2, (1, 2), (2, 2))],
            names=("x", "W"),
            explain={
                "factor": "The constant is 1 / sqrt(n). It stands in the value, and so in every gradient",
            },
        ),
        hints=(
            "Without the factor this is the layer of section 1.4. A constant factor of the value is a factor of each gradient.",
        ),
        solution=scaled_linear,
        wrong=(
            Edit("return dy @ W / np.sqrt(n)", "return dy @ W", "factor"),
            Edit("dy.T @ x / np.sqrt(n)", "dy.T @ x", "factor"),
            Edit("dy.T @ x / np.sqrt(n)", "x.T @ dy / np.sqrt(n)"),
            Edit("y = x @ W.T / np.sqrt(n)", "y = x @ W.T / n"),
        ),
        after="The signal starts the same; the steps differ, since the gradient of `W` is smaller by the root of n.",
    ),
    Exercise(
        "03.10",
        "Which end counts?",
        Values(
            0.03125,
            traps={
                32.0: "The other way up: each layer multiplies by its fan-out divided by its fan-in",
                0.17678: "That is the root mean square",
                1.0: "LeCun keeps the signal; the gradient is kept only where both ends are as wide",
                5.65685: "The other way up, and the root of it",
            },
            rtol=5e-3,
        ),
        hints=("Equation (3.10): nearly everything cancels.",),
        solution="2 / 64",
    ),
]
