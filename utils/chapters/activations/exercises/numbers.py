"""Exercises of chapter 02 whose answers are numbers, or one of several: by hand."""

import numpy as np

from utils.exercises.checkers import Choice, Values
from utils.exercises.engine import Exercise

EXERCISES = [
    Exercise(
        "02.1",
        "Back through a tanh",
        Values(
            1.28,
            traps={
                0.32: "That is with (1 - t)^2. What exactly is squared in (2.3)?",
                0.16: "Two things: what exactly is squared in (2.3), and what arrives from above?",
                0.48: "That is with the slope of a sigmoid, y (1 - y)",
                0.72: "That is with t^2 alone. What does (2.3) do with it?",
                0.36: "Two things: what does (2.3) do with t^2, and what arrives from above?",
                1.42312: "0.6 is tanh z already, not z: no second tanh",
                0.64: "That is the slope. Where is what arrives from above?",
                1.2: "The slope of tanh is not its value",
                1.6: "That is with a root. Does (2.3) take one?",
                0.8: "Two things: does (2.3) take a root, and what arrives from above?",
                2.0: "That is what arrives from above. Does the unit pass all of it?",
                2.56: "What arrives from above is in it more than once",
                3.125: "Going back, does one divide by a slope?",
                0.78125: "Going back, does one divide?",
                -1.28: "tanh rises everywhere. What would turn the sign?",
            },
        ),
        hints=(
            "The output is all you need: (2.3) has no z in it.",
            "The slope is 1 - 0.6^2; the gradient from above multiplies it.",
        ),
        solution="2 * (1 - 0.6**2)",
    ),
    Exercise(
        "02.5",
        "A Jacobian by hand",
        Values(
            {"p1": 0.25, "own": 0.1875, "other": -0.1875},
            traps={
                "p1": {
                    0.75: "That is the share of the other class",
                    1 / 3: "That is the odds, 1 to 3",
                    3.0: "That is the odds of the other class",
                    0.5: "Equal shares would need equal scores",
                    1.0: "That is e^0. What share of the total has it?",
                },
                "own": {
                    0.25: "That is p1 itself; the total grows too",
                    0.75: "That is the other share. (2.12) has a product",
                    0.0625: "That is p1 squared. What does the total have to do with it?",
                    0.5625: "That is the other share, squared. Which two factors has (2.12) for j = i?",
                    -0.1875: "Does its own score help a share, or hurt it?",
                },
                "other": {
                    0.1875: "The total grows. What does that do to the share?",
                    -0.0625: "That is -p1 squared; both shares belong in it",
                    -0.5625: "That is -p2 squared; both shares belong in it",
                    -0.25: "That is one of the shares. (2.12) has a product",
                    -0.75: "That is one of the shares. (2.12) has a product",
                },
            },
        ),
        hints=(
            "e^0 = 1 and e^(log 3) = 3, so the total is 4.",
            "Then (2.12), once with j = i, once without.",
        ),
        solution='{"p1": 1 / 4, "own": 1 / 4 * 3 / 4, "other": -1 / 4 * 3 / 4}',
    ),
    Exercise(
        "02.6",
        "Cross-entropy by hand",
        Values(
            lambda: np.array([[-0.375, 0.375], [0.25, -0.25]]),
            traps={
                (
                    (-0.75, 0.75),
                    (0.5, -0.5),
                ): "The loss is a mean over the examples. Does each row know that?",
                (
                    (0.75, -0.75),
                    (-0.5, 0.5),
                ): "Two things: the sign of (2.21), and the loss is a mean over the examples",
                (
                    (-0.375, 0.375),
                    (0.5, -0.5),
                ): "The loss is a mean over the examples. Do both rows know that?",
                (
                    (-0.375, 0.375),
                    (-0.25, 0.25),
                ): "Which class is right in the second row? They are counted from 0",
                ((-0.375, 0.375), (0.25, 0.25)): "In the second row, too, (2.21) subtracts something",
                ((0.25, 0.75), (0.5, 0.5)): "Those are the shares. What does (2.21) do with them?",
                (
                    (-2.0, 0.0),
                    (0.0, -1.0),
                ): "That is the gradient at the shares; take it back through softmax",
                ((-0.1875, 0.1875), (0.125, -0.125)): "The mean is over two examples, not over four numbers",
                (
                    (0.125, -0.125),
                    (-0.25, 0.25),
                ): "The 1 stands at the wrong class; classes are counted from 0",
                ((-0.375, 0.25), (0.375, -0.25)): "One row for each example, one column for each class",
                (
                    (0.125, 0.375),
                    (0.25, 0.25),
                ): "Those are the shares, averaged. What does (2.21) do with them?",
                ((0.375, -0.375), (-0.25, 0.25)): "Which of the two is subtracted in (2.21), p or y?",
            },
        ),
        hints=(
            "Shares first: (1/4, 3/4) for the first row, (1/2, 1/2) for the second.",
            "Then (2.21) for each row, divided by the number of rows.",
        ),
        solution="np.array([[1 / 4 - 1, 3 / 4], [1 / 2, 1 / 2 - 1]]) / 2",
    ),
    Exercise(
        "02.10",
        "Which output, which loss?",
        Choice(
            {
                "a": "softmax over the 20 tags, cross-entropy",
                "b": "one sigmoid a tag, binary cross-entropy",
                "c": "20 plain numbers, squared error",
                "d": "one softmax, but take all tags whose share is above 1/20",
            },
            right="b",
            traps={
                "a": "Shares compete. How large can they be for a photograph that shows a cat and a dog?",
                "c": "That is normal noise around a number; a tag is there or not",
                "d": "The shares still add up to one: the more tags are right, the smaller each share",
            },
        ),
        hints=("How many tags can be right at once, and what does softmax say about that?",),
        solution='"b"',
    ),
]
