"""The predictions of chapter 03."""

from utils.exercises.quizzes import Quiz

PREDICTIONS = [
    Quiz(
        "03.a",
        ["1.00", "1.25", "it depends on how x and w are distributed"],
        right="b",
        ask="x has mean 1 and variance 4, w has mean 0 and variance 0.25. What is the variance of their product?",
        traps={
            "a": "That is variance times variance; the mean of x is not zero",
            "c": "Nothing but means and variances stands in (3.3)",
        },
        why="By (3.3) it is 0.25 times the mean square of x, and that is 4 + 1 = 5.",
    ),
    Quiz(
        "03.b",
        value=0.404,
        rtol=0.03,
        ask="By which factor does each layer multiply the root mean square?",
        traps={
            0.163: "That is the factor of the mean square; take its root",
            7.0: "A hundred terms partly cancel",
            0.7: "0.07 is the limit of the weights. Which standard deviation have they, and so which factor?",
            0.0404: "That is the standard deviation of one weight. A unit adds up a hundred products",
            4.04: "A hundred terms partly cancel: their sum grows with the root of their number",
        },
        why="By (3.7) it is the root of 100 times 0.00163.",
    ),
    Quiz(
        "03.c",
        ["about 1", "far below 1", "far above 1"],
        right="b",
        ask="A hundred numbers from the standard normal distribution, multiplied: what size?",
        traps={
            "a": "1 is the root mean square: a few rare, huge products make it",
            "c": "Matrices explode, numbers do not",
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
            "c": "Multiply the factors of all layers: what cancels?",
        },
        why="All widths in between cancel, however many there are. Only the two ends are left.",
    ),
    Quiz(
        "03.e",
        ["about 41", "about 20 thousand", "about 500 million", "about 300 million billion"],
        right="b",
        ask="By which factor is the root mean square smaller in layer 30 than in layer 1?",
        traps={
            "a": "That is 29 times 1.41. Layers multiply, they do not add",
            "c": "That is 2^29, the factor of the mean square",
            "d": "That is 2^58, the square of the factor of the mean square",
        },
        why="From layer 1 to layer 30 the mean square halves 29 times. The root mean square is the root of that: 2^14.5, or 23 thousand.",
    ),
    Quiz(
        "03.f",
        ["a hundred times as long", "some hundred steps longer", "they never part"],
        right="b",
        ask="A hundred times less noise: how long until the units differ?",
        traps={
            "a": "That would be so if each step added a share of the starting noise. It multiplies what is there already",
            "c": "Only a difference of exactly 0 stays 0",
        },
        why="The difference grows exponentially, so a hundred times less noise costs a fixed number of steps more, here about 500.",
    ),
    Quiz(
        "03.g",
        ["no, the sixteenth digit is nothing", "yes, after some thousand steps", "yes, at the first step"],
        right="b",
        ask="One unit adds up its gradients in another order. Is that enough to part the twins?",
        traps={
            "a": "In (3.18) it does not matter how small the first difference is, as long as it is not 0",
            "c": "They differ at the first step, by less than anybody would notice",
        },
        why="The last digit of a gradient differs, so the weights do by less than 1e-16, and (3.18) multiplies that like any noise. From there it takes several thousand steps.",
    ),
    Quiz(
        "03.h",
        ["no difference", "LeCun is slower: some points behind after ten epochs", "LeCun does not learn"],
        right="b",
        ask="He against LeCun, ten layers of ReLU: what do you expect?",
        traps={
            "a": "A twentieth of the gradient moves the first layers twenty times less",
            "c": "A twentieth is small, not nothing: the layers near the output learn, and pull the others along",
        },
        why="With a twentieth of the gradient the first layers start slowly. Training turns the weights until each layer hands back more of the gradient than random weights would; after ten epochs the gradients are level. Section 3.6 takes the way back apart.",
    ),
]
