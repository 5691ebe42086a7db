"""Predictions of chapter 01: what the reader is asked before looking."""

from utils.exercises.quizzes import Quiz

QUIZZES = [
    Quiz(
        "01.a",
        ["w1, next to the inputs", "w7, next to the outputs", "about the same"],
        right="b",
        ask="Which weight has the larger slope?",
        why="The slope of w7 is about 39 times that of w1: on its way back to w1 the gradient passes a hidden unit on the flat part of the sigmoid.",
    ),
    Quiz(
        "01.b",
        ["the path through o1", "the path through o2", "both the same"],
        right="b",
        ask="Which path contributes more to the gradient of w1?",
        why="The error at `o1` is a little larger, but it lies where the sigmoid is flatter: 0.098 against 0.160. Through o2 comes nearly two thirds.",
    ),
    Quiz(
        "01.c",
        ["the cost of both modes", "the number of paths", "neither"],
        right="b",
        ask="What does one more hidden layer of 4 units multiply by 4?",
        why="A layer adds its edges to both modes, once a sweep. The paths fork at every unit of it, so their number is multiplied by 4.",
    ),
    Quiz(
        "01.d",
        ["the forward difference", "the central difference", "the complex step"],
        right="c",
        ask="The error of which one never grows again as the step shrinks?",
        why="The other two divide a difference of rounded numbers by the step. The complex step subtracts nothing.",
    ),
    Quiz(
        "01.e",
        ["yes, they get as small as the gradients", "no, they stay near 0.5"],
        right="b",
        ask="With the sigmoid, do the activations vanish as well?",
        why="A sigmoid of anything near 0 is near 0.5, in every layer. What fades with depth is how much an activation differs from example to example: the dashed line.",
    ),
    Quiz(
        "01.f",
        ["2 or 3 layers", "5 layers", "10 layers"],
        right="a",
        traps={"c": "More layers can express more, if they learn at all. These do not"},
        ask="Which network has the best accuracy on held-out digits?",
        why="Two and three layers are too close to tell apart. Five layers spend much of their time on a plateau, ten never leave it.",
    ),
    Quiz(
        "01.g",
        ["all gradients grow by 100", "all gradients are multiplied", "no gradient changes"],
        right="c",
        ask="We add 100 to the loss. What happens to the gradients?",
        why="A constant has slope 0, and only slopes travel back: the height of the loss does not matter. Multiplying the loss by 100 would multiply every gradient.",
    ),
]
