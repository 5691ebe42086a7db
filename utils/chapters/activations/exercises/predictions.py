"""Predictions of chapter 02: what the reader is asked before looking."""

from utils.exercises.quizzes import Quiz

QUIZZES = [
    Quiz(
        "02.a",
        ["about 0.21, as before", "about 0.12", "below 0.01"],
        right="b",
        ask="Inputs of spread 4 into a sigmoid: how large is the spread of the gradients that arrive?",
        traps={
            "a": "Look at the picture: how many inputs now land where the slope is small?",
            "c": "A gradient stops only where its own input is far out. Many still land near zero",
        },
        why="Nearly half of the inputs land where the slope is below 0.05, and their gradients are lost. The others still find slopes up to a quarter.",
    ),
    Quiz(
        "02.b",
        ["ReLU", "leaky ReLU", "ELU", "none of them"],
        right="c",
        ask="First bias -2, learning rate 0.3: which network learns within eight epochs?",
        traps={
            "a": "Count its dead units before the first step",
            "d": "One of them has a slope that is far from zero at -2",
            "b": "It is not dead, but each layer leaves a tenth of the gradient. Look at its accuracy",
        },
        why="The ReLUs of two layers are dead from the start. The leak lets a tenth pass in each layer. ELU's slope at -2 is 0.14, and its outputs there differ from example to example.",
    ),
    Quiz(
        "02.c",
        ["it grows", "it shrinks", "neither: it grows, then shrinks"],
        right="c",
        ask="As T falls from 4 to 1 to 1/4, does the gradient at the scores grow or shrink?",
        why="Two factors: 1/T grows, p (1 - p) shrinks as one share takes everything. In between lies the best.",
    ),
    Quiz(
        "02.d",
        ["2 for both", "20 for squares, 2 for absolute errors", "2 for squares, 20 for absolute errors"],
        right="b",
        ask="Which price is best for squares, and which for absolute errors?",
        why="Squares are smallest at the mean, absolute errors at the median. The house at 92 pulls the mean.",
    ),
    Quiz(
        "02.e",
        [
            "from both, about the same",
            "from cross-entropy only",
            "from the squared error only",
            "from neither",
        ],
        right="b",
        ask="Confident and wrong: from which loss does a gradient arrive?",
        why="The squared error passes the slope of the sigmoid, 0.00005 at -10. In cross-entropy that slope cancels against the one of the logarithm.",
    ),
    Quiz(
        "02.f",
        ["ReLU", "tanh", "SiLU", "all of these"],
        right="b",
        ask="Which of these brings all five seeds to 85 % in ten epochs?",
        traps={
            "a": "It loses a factor of 1.4 a layer: some of its seeds are still below 85 %",
            "c": "Look at its forecast",
        },
        why="Its slope is 1 at zero, and the net inputs shrink towards zero with depth: more of the gradient is left than forecast.",
    ),
]
