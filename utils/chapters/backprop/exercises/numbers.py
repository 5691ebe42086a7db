"""Exercises of chapter 01 whose answers are numbers: by hand, with paper and pocket calculator."""

from utils.exercises.checkers import Values
from utils.exercises.engine import Edit, Exercise

EXERCISES = [
    Exercise(
        "01.1",
        "One weight by hand",
        Values(
            0.11827902,
            traps={
                # rounded to two digits, the right answer and the gradient at z_o2 are the same
                lambda given: abs(given - 0.12) < 1e-9: (
                    "Two digits are too few: rounded like that, the gradient of w8 and the one at z_o2 look alike. "
                    "Give three or more"
                ),
                # nearer to the one at z_o2 than rtol tells apart
                lambda given: abs(given - 0.1192885) < 2e-4: (
                    "That is the gradient of w10: you took h2. Which hidden unit does w8 start from?"
                ),
                0.1198839: "That is the gradient at z_o2; one slope is still missing. How does w8 act on z_o2?",
                0.0765351: "That is the gradient of w7. Which output does w8 lead to?",
                0.7403544: "The slope of the sigmoid at o2 is missing",
                0.0959071: "You multiplied by the weight itself. How fast does z_o2 grow when w8 grows?",
            },
            rtol=5e-3,
        ),
        hints=(
            "One path: `w8`, `z_o2`, `o2`, `L`. Three slopes, multiplied.",
            "The slopes are o2 - y2, then o2 (1 - o2), then what w8 is multiplied by in (1.1).",
        ),
        solution="(0.80039961 - 0.05) * 0.80039961 * (1 - 0.80039961) * 0.98661308",
        wrong=(
            Edit(
                "(0.80039961 - 0.05) * 0.80039961 * (1 - 0.80039961) * 0.98661308",
                "0.12",
                "two digits are too few",
            ),
        ),
    ),
    Exercise(
        "01.2",
        "One step downhill",
        Values(
            0.04035577,
            traps={
                0.15964423: "That step goes uphill: the loss grows. Which sign has the step in (1.20)?",
                -0.01928846: "The learning rate is missing",
                0.11928846: "That is the gradient, not the new weight",
                0.0614058: "That is a step with the gradient of w9",
            },
            rtol=5e-3,
        ),
        hints=(
            "Equation (1.20), with w = 0.1, a learning rate of 0.5 and the gradient of the list in section 1.3.",
        ),
        solution="0.1 - 0.5 * 0.11928846",
    ),
    Exercise(
        "01.10",
        "The price of both modes",
        Values(
            {"paths": 200, "forward": 220, "reverse": 110},
            traps={
                "paths": {
                    55: "Those are the edges; paths multiply, edges add",
                    110: "That is edges times outputs",
                    25: "That is from one input to one output; there are 4 inputs and 2 outputs",
                    600: "Those are multiplications; count the paths themselves",
                    5000: "You multiplied the edges of the layers. A path passes units: how many can it choose from in each layer?",
                },
                "forward": {
                    55: "That is one sweep; how many are needed?",
                    110: "That is one sweep an output",
                },
                "reverse": {
                    55: "One sweep is for one output. There are two",
                    220: "That is one sweep an input",
                },
            },
        ),
        hints=(
            "Paths multiply: at every layer each path may go on to any unit. Edges add.",
            "Edges: 4 times 5, plus 5 times 5, plus 5 times 2. Then (1.9).",
        ),
        solution='{"paths": 4 * 5 * 5 * 2, "forward": 4 * (20 + 25 + 10), "reverse": 2 * (20 + 25 + 10)}',
    ),
    Exercise(
        "01.11",
        "How many parameters?",
        Values(
            2778,
            traps={
                2720: "Those are the weights; every unit of a layer has a bias too",
                2842: "The 64 inputs have no bias",
                58: "Those are the biases",
                2723: "That is one bias a layer; every unit has its own",
                2768: "The biases of the ten outputs are missing",
            },
        ),
        hints=("A layer from n to m units has m n weights and m biases.",),
        solution="(64 * 32 + 32) + (32 * 16 + 16) + (16 * 10 + 10)",
    ),
]
