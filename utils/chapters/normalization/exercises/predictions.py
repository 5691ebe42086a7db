"""The predictions of chapter 04."""

from utils.exercises.quizzes import Quiz

PREDICTIONS = [
    Quiz(
        "04.a",
        ["4", "20", "30", "120"],
        right="b",
        ask="How many of the 4 x 6 x 5 numbers share a mean with one of them, in batch norm?",
        traps={
            "a": "Positions count too",
            "c": "That is one example with all its channels: layer norm",
        },
        why="One channel, with all its examples and positions: 4 times 5. The six channels are kept apart.",
    ),
    Quiz(
        "04.b",
        ["the numbers next to it in its row", "all numbers of its group", "only itself"],
        right="b",
        ask="Which inputs can move one normalized output?",
        traps={"c": "The mean is made of all numbers of the group, and it is subtracted from each"},
        why="Every number of the group acts on the mean and on the standard deviation, and through them on every output of the group. Outside the group nothing does.",
    ),
    Quiz(
        "04.c",
        ["a third of it", "more than a third", "less than a third"],
        right="c",
        ask="The first output is asked to grow, by 1. The direct path carries 1/3 back to the first input. What arrives in the end?",
        why="Raising the first input also moves the mean towards it (which costs 1/12), and it changes the spread by which we divide (another 1/12). 1/6 is left.",
    ),
    Quiz(
        "04.d",
        ["yes, always", "only with equal weights (gamma)", "never"],
        right="b",
        ask="The variance path is missing, and ones come from above. Does a check with finite differences pass?",
        why="With equal weights the gradient at x_hat is constant, its product with x_hat averages to zero, and so the missing path carries nothing. With different weights it would be noticed. A random gradient notices it in both cases.",
    ),
    Quiz(
        "04.e",
        ["its gradient is exactly zero", "its gradient is small, not zero", "it learns as usual"],
        right="a",
        ask="What happens to a bias that is added before batch norm?",
        why="It shifts all examples of its channel alike, and their mean takes it away again. No loss can depend on it.",
    ),
    Quiz(
        "04.f",
        ["half", "a quarter", "it stays"],
        right="a",
        ask="The batch becomes four times larger. What becomes of the spread of the batch mean?",
        why="The mean of m independent numbers spreads like sigma / sqrt(m): four times as many, half the spread.",
    ),
    Quiz(
        "04.g",
        ["100 times larger", "as large as before", "100 times smaller", "10 times smaller"],
        right="c",
        ask="The weights in front of batch norm are 10 times larger. How large is one step of gradient descent, compared with the weights?",
        traps={"d": "That is the gradient; the weights are larger too"},
        why="The gradient is 10 times smaller, and it is measured against weights 10 times larger: 1/100.",
    ),
    Quiz(
        "04.h",
        ["none", "batch norm only", "layer norm only", "all three normalizations"],
        right="b",
        ask="Ten layers of sigmoids: what makes them learn?",
        traps={"d": "All three set the size of every layer. It was not the size that died in chapter 01"},
        why="What dies with depth is the difference between examples. Batch norm subtracts what all examples have in common, and divides by what is left: it makes that difference large again in every layer. Layer and group norm never compare two examples.",
    ),
    Quiz(
        "04.i",
        ["hardly", "by more than ten points in the worst run"],
        right="b",
        ask="One step with three examples at the end of each epoch: does the accuracy after the epoch suffer?",
        why="Nine layers divide by a standard deviation that was measured on three examples. That one step is enough to spoil much of what 42 steps had learned, and the running statistics with it.",
    ),
]
