"""The exercises of chapter 04 whose answer is a number, a choice or an order."""

from utils.exercises.checkers import Choice, Ordering, Values
from utils.exercises.engine import Exercise

BY_HAND = [
    Exercise(
        "04.1",
        "How many share a mean?",
        Values(
            {"batch": 200, "layer": 150, "instance": 25, "three_groups": 50},
            traps={
                "batch": {
                    8: "Those are the examples; the positions of an image count too",
                    150: "That is layer norm: one example with all its channels",
                    1200: "That is the whole tensor; each channel is kept for itself",
                    48: "The channels are kept apart, and the positions are not",
                    25: "That is one example. Does a group end there?",
                    40: "Positions have two axes, rows and columns",
                },
                "layer": {
                    6: "That is one position; here layer norm takes all channels and positions of an example",
                    25: "That is one channel of one example: instance norm",
                    200: "That is batch norm: one channel of all examples",
                    30: "Positions have two axes, rows and columns",
                    1200: "That is the whole batch. Do examples mix in layer norm?",
                    48: "Do examples mix in layer norm?",
                },
                "instance": {
                    200: "That is a channel over the whole batch; an instance is one example",
                    1: "One number would be its own mean; the positions are averaged",
                    5: "Positions have two axes, rows and columns",
                    150: "That takes all channels of an example. Does instance norm?",
                    6: "Those are the channels. Are they averaged?",
                    8: "Those are the examples. Are they averaged?",
                },
                "three_groups": {
                    75: "How many of the six channels are in one of three groups?",
                    2: "Those are the channels of a group. Is a channel one number?",
                    3: "Those are the groups. How many numbers are in one?",
                    10: "Positions have two axes, rows and columns",
                    25: "That is one channel. How many are in a group?",
                    150: "That is an example with all its channels. Are they one group?",
                    400: "Do examples mix in group norm?",
                },
            },
        ),
        hints=(
            "Axes: 8 examples, 6 channels, 5 times 5 positions. Cross out those along which a group does not extend, multiply the rest.",
            "Batch norm extends over examples and positions; the other three stay within one example.",
        ),
        solution='{"batch": 8 * 25, "layer": 6 * 25, "instance": 25, "three_groups": 2 * 25}',
    ),
    Exercise(
        "04.2",
        "One gradient by hand",
        Values(
            1 / 54,
            traps={
                1 / 3: "That is the direct path alone: mean and standard deviation move too",
                0.25: "The direct path and the mean; the variance is still missing",
                11 / 108: "The direct path and the variance; the mean is still missing",
                1 / 18: "Is what stands before the bracket of (4.8) in it?",
                1 / 6: "That was the first number, when the first output was asked to grow",
                1 / 108: "A factor is missing. Over how many numbers do the averages of (4.8) run?",
                1 / 27: "A factor of 2 is left over. Does it come from the squares of step 3?",
                -25 / 27: "Does (4.8) add up along the group, or average?",
                -1 / 54: "When the largest number is raised, does its output fall?",
            },
            rtol=5e-3,
        ),
        hints=(
            "Use (4.8) with g = (0, 0, 0, 1). Two averages of four numbers.",
            "mean(g) = 1/4, mean(g x_hat) = (5/3) / 4 = 5/12, and x_hat of the last number is 5/3.",
        ),
        solution="(1 - 1 / 4 - 5 / 3 * 5 / 12) / 3",
        after="The largest of four numbers, far from the rest: nearly all of a push at it is taken back by the mean and by the spread.",
    ),
    Exercise(
        "04.3",
        "In which order?",
        Ordering(
            ("dx_hat", "dvar", "dcentred", "dx"),
            traps={
                ("dx_hat", "dvar"): "The variance acts through x_hat, so `dvar` needs `dx_hat`",
                (
                    "dvar",
                    "dcentred",
                ): "The centred numbers act on x_hat and on the variance: both must be known before `dcentred`",
                (
                    "dcentred",
                    "dx",
                ): "What is `dx` made of, in step 4?",
            },
        ),
        hints=("Backward is forward in the opposite order: x, centred, variance, x_hat.",),
        solution='["dx_hat", "dvar", "dcentred", "dx"]',
    ),
    Exercise(
        "04.8",
        "Undo it",
        Values(
            {"gamma": 10**0.5, "beta": 4.0},
            traps={
                "gamma": {
                    3.0: "Nearly. By what exactly does (4.9) divide?",
                    9.0: "That is the variance. By what does (4.9) divide?",
                    1.0: "With 1 the output keeps the spread that it was given. Which one had the input?",
                    100.0: "Does (4.9) square what it divides by?",
                    10.0: "That is not yet what (4.9) divides by",
                    4.0: "3 + 1? Where does eps stand in (4.9)?",
                    10**-0.5: "That divides once more. What undoes a division?",
                },
                "beta": {
                    -4.0: "The mean was subtracted. What undoes that?",
                    0.0: "The mean has to come back",
                    4 / 10**0.5: "Is beta scaled, too?",
                    4 * 10**0.5: "Is beta scaled, too?",
                    9.0: "That is the variance. What was subtracted?",
                },
            },
        ),
        hints=("Solve gamma (x - 4) / sqrt(9 + 1) + beta = x for all x.",),
        solution='{"gamma": 10**0.5, "beta": 4.0}',
        after="Some notes say gamma = sqrt(Var). With eps that is not exact; for small variances the difference is large.",
    ),
    Exercise(
        "04.9",
        "Five times larger",
        Values(
            {"gradient": 0.4, "relative_step": 0.004},
            traps={
                "gradient": {
                    10.0: "The gradient shrinks when the weights grow, (4.15)",
                    2.0: "The output stays, the gradient of the weights does not: (4.15)",
                    0.08: "1/a squared holds for the step relative to the weights",
                    50.0: "Does the gradient grow? Look at (4.15)",
                },
                "relative_step": {
                    0.1: "That would be without any change",
                    0.02: "That counts one of two changes. Which other length stands in (4.16)?",
                    0.5: "Does it grow? Look at both lengths in (4.16)",
                    2.5: "Does it grow? Look at both lengths in (4.16)",
                    0.0008: "How many lengths change in (4.16)?",
                    0.04: "That is the rate times the gradient. Against what is a step measured?",
                },
            },
        ),
        hints=("(4.15) and (4.16) with a = 5.",),
        solution='{"gradient": 2.0 / 5, "relative_step": 0.1 / 25}',
        after="To move these weights as fast as before, the learning rate would have to be 25 times larger.",
    ),
    Exercise(
        "04.10",
        "Find the bug",
        Choice(
            {
                "a": "the line of dweight",
                "b": "the line of dx_hat",
                "c": "the line of mean_path",
                "d": "the line of variance_path",
                "e": "the line of dx",
            },
            right="d",
            traps={
                "a": "`dweight` is right: gamma is shared by the rows, so its gradient is a sum over them",
                "b": "`dx_hat` is right: (4.4)",
                "c": "`mean_path` is right: each row has its own mean",
                "e": "That line is right, if what it adds up is",
            },
        ),
        hints=(
            "The function normalizes the rows. Along which axis must each average go?",
            "Only one of the two averages goes along the rows.",
        ),
        solution='"d"',
        after="Nothing complains, for `keepdims` lets the wrong average broadcast. But the rows mix, which layer norm must never do.",
    ),
]
