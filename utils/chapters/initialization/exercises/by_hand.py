"""The exercises of chapter 03 whose answer is a number, a choice or an order."""

import math

from utils.exercises.checkers import Choice, Ordering, Subset, Values
from utils.exercises.engine import Exercise

BY_HAND = [
    Exercise(
        "03.1",
        "One sum by hand",
        Values(
            65.0,
            traps={
                25.0: "That is the sum of section 3.1, where the inputs had mean 1. And these?",
                20.0: "That is variance times variance. Do the inputs have mean zero?",
                45.0: "That would be right for inputs that are always 3. These vary, too",
                3.25: "That is one product; the unit adds up several",
                13.0: "That describes one input; weights and number of terms are missing",
                35.0: "Variance and mean are added here. With which power does (3.2) take the mean?",
                16.25: "0.25 is the variance of a weight. Why square it?",
                8.0623: "That is a standard deviation",
                130.0: "0.5 is the standard deviation of a weight. Is it that which stands in (3.4)?",
                260.0: "Is the variance of the weights in it?",
                5.0: "The weights and the number of terms are there. Where are the inputs?",
                845.0: "The mean square of an input is squared already. Once more?",
                1300.0: "The number of terms is in it more than once. How do mean squares of uncorrelated terms add up?",
            },
        ),
        hints=(
            "The mean square of the inputs, by (3.2): variance plus the square of the mean.",
            "Then (3.4): the number of terms, times the variance of a weight, times that mean square.",
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
                0.05
                ** 20: "That takes the standard deviation of one weight as the factor of a layer. How many weights does a unit add up?",
                5.0
                ** 20: "That is as if all 100 terms of a sum had one sign. How does the size of a sum grow with n?",
                1e-6: "That is rounded to one digit, and off by a twentieth; three digits, please",
                0.5: "That is one layer",
                0.25: "That is one layer, and its mean square",
                5.0: "That is one layer, as if all 100 terms had one sign",
                10.0: "Do layers add up?",
                0.5**19: "How many layers does the signal pass?",
                0.5**10: "That is a root of the root mean square. Which of the two has the factor of (3.7)?",
                2.0**20: "That divides by the factor of a layer. Does the signal grow here?",
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
                math.sqrt(6 / 48): "The kernel is missing: how many numbers does one output add up?",
                math.sqrt(
                    2 / 432
                ): "That is the standard deviation. How far beyond it does a uniform distribution reach, (3.12)?",
                math.sqrt(3 / 144): "That keeps the forward direction only. Does Xavier?",
                math.sqrt(
                    6 / 144
                ): "Two ways lead there: fan-in alone, or a kernel counted as 3. Whom does Xavier ask, and how many places has the kernel?",
                math.sqrt(
                    6 / 176
                ): "The kernel is in fan-in, not in fan-out. In how many places of the window can one input lie?",
                math.sqrt(
                    6 / 304
                ): "The kernel is in fan-out, not in fan-in. How many numbers does one output add up?",
                2 / 432: "That is the variance",
                2 * math.sqrt(6 / 432): "That is the way from one end to the other. What is a?",
                6 / 432: "Something is still squared in it",
                math.sqrt(3 / 432): "What stands on top in (3.11)?",
                math.sqrt(
                    12 / 432
                ): "What is the variance of numbers that are spread evenly from -a to a, (3.12)?",
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
                (
                    "torch",
                    "lecun",
                ): "`torch` is uniform between plus and minus the root of 1 / fan-in. Which variance is that, (3.12)?",
                (
                    "lecun",
                    "leaky",
                ): "A leaky ReLU loses something. What must its weights do about that?",
                (
                    "leaky",
                    "xavier",
                ): "Both have a 2 on top. What stands below it in (3.15), and what in (3.11)?",
                ("xavier", "he"): "Both have a 2 on top. By what does He divide, and by what does Xavier?",
                ("he", "he_out"): "Which of the two fans is smaller here?",
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
            incomplete="three things must be equal for twins, whatever their size. Ask of every other letter whether they are",
        ),
        hints=(
            "Twins need three things to be equal: incoming weights, bias, outgoing weights.",
            "In e all units have the same row. In f ask what the gradient of the outgoing weights is made of.",
        ),
        solution='["a", "c", "e", "f"]',
        wrong=(["a", "c"], ["a", "e", "f"], ["c"], ["ace"], "cef ", ["a", "b", "c", "e", "f"], "acf", []),
    ),
    Exercise(
        "03.10",
        "Which end counts?",
        Values(
            0.03125,
            traps={
                32.0: "Follow one layer back: how many terms has the sum, and what is the variance of a weight? That tells which width stands on top",
                0.17678: "That is a root mean square; the mean square is asked for",
                1.0: "LeCun keeps the signal. Does it divide by the fan of the way back?",
                5.65685: "That is a root mean square. And which width stands on top? Follow one layer back",
                0.0625: "The first layer is missing: where does the way back end?",
                0.25: "One end is right. How many units has the last layer?",
                0.5: "That is one layer. How many are there?",
                0.125: "That is one layer. How many are there?",
                1 / 64: "That is the variance of a weight in the first layer",
                2.0: "That is one of the two ends",
                64.0: "That is one of the two ends",
            },
            rtol=5e-3,
        ),
        hints=(
            "The factor of one layer, on the way back: its fan-out divided by its fan-in. Write down all four.",
            "Equation (3.10): multiplied out, nearly everything cancels.",
        ),
        solution="2 / 64",
    ),
]
