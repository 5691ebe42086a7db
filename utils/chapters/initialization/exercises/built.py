"""The exercises of chapter 03 whose answer is a function."""

import math
from dataclasses import dataclass

import numpy as np

from utils.chapters.initialization.exercises.unit_start import UnitStart
from utils.exercises.checkers import Function, Gradient
from utils.exercises.engine import Edit, Exercise


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


def measured_start(sizes, f, x, rng):
    weights, h = [], x
    for fan_in, fan_out in zip(sizes, sizes[1:]):
        weight = rng.normal(size=(fan_out, fan_in))
        z = h @ weight.T
        weight = weight / np.sqrt((z**2).mean())
        weights.append(weight)
        h = f(h @ weight.T)
    return weights


def random(seed, *shapes):
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=shape) for shape in shapes)


# variance 1, mean 0
FIVE = np.array([-2.0, -1.0, 0.0, 1.0, 2.0]) / np.sqrt(2)

GAIN_TRAPS = {
    lambda f, z: 1 / f(z).std(): "The variance is not it: what of f(z) does the next layer need, (3.4)?",
    lambda f, z: 1 / f(z).var(): "Two things: is it the variance of f(z) that counts, and is this a factor of the standard deviation?",
    lambda f, z: f(z).std(): "Two things: is it the variance of f(z) that counts, and which way must a gain work?",
    lambda f, z: 1 / (f(z) ** 2).mean(): "That undoes the loss if it multiplies the *variance* of the weights",
    lambda f, z: (f(z) ** 2).mean(): "That is what f leaves of the mean square. What undoes it, as a factor of the standard deviation?",
    lambda f, z: np.sqrt((f(z) ** 2).mean()): "That is what f leaves of the size. The weights must make up for it",
    lambda f, z: 1 / np.abs(f(z)).mean(): "That makes the mean *size* 1. Which average does (3.4) ask for?",
    lambda f, z: 1 / np.sqrt(np.abs(f(z)).mean()): "The average of the sizes is not it. Which one does (3.4) ask for?",
    lambda f, z: 1 / f(z).mean(): "The mean of f(z) may be 0, and says nothing of its size",
    lambda f, z: 1 / np.sqrt(f(z**2).mean()): "That squares z, and then applies f. Which of the two comes first?",
    lambda f, z: 1 / np.sqrt((f(z) ** 2).sum()): "That is a sum over the draws; with more draws it would change",
    lambda f, z: np.sqrt(2): "That is right for one activation only. What do f and z say?",
    lambda f, z: 1.0: "Then nothing is corrected. What does f leave of the mean square?",
    lambda f, z: np.sqrt(2 / (f(z) ** 2).mean()): "He's 2 makes up for what ReLU takes. Is what f takes not in the mean already?",
    lambda f, z: 5 / 3: "That is PyTorch's number for one activation. What do f and z say?",
    lambda f, z: 1 / np.sqrt((f(z) * z).mean()): "What of f(z) does the next layer need, (3.4)? Is z itself in it?",
}  # fmt: skip

FACTOR = "Which constant stands in the value, and what becomes of a constant when one differentiates?"


def scaled(value, of_x, of_weight):
    """The operation of 03.9 with these powers of n for its constants."""

    def operation(x, W):
        n = W.shape[1] + 0.0
        return x @ W.T * n**value, lambda dy: (dy @ W * n**of_x, dy.T @ x * n**of_weight)

    return operation


ONE_LACKS = "One of the two gradients lacks the constant of the value. What becomes of a constant when one differentiates?"
SCALE_TRAPS = {
    scaled(-0.5, 0, 0): "The value has a constant that neither gradient has. What becomes of it when one differentiates?",
    scaled(-0.5, 0, -0.5): ONE_LACKS,
    scaled(-0.5, -0.5, 0): ONE_LACKS,
    scaled(-0.5, 0.5, 0.5): "The way back multiplies where the way forward divides. The slope of c u is c, not 1/c",
    scaled(-1, -1, -1): "Everything is divided by one and the same number, but not by that of the exercise",
    scaled(-0.5, -1, -1): "The gradients have another constant than the value",
}  # fmt: skip


@dataclass(frozen=True)
class ScaledGradient(Gradient):
    """A Gradient that names a wrong factor by its cause: crosscheck's sentence on it would be the answer."""

    def words(self, wrong, rows):
        if wrong.diagnosis is None or wrong.diagnosis.kind not in ("factor", "named factor"):
            return super().words(wrong, rows)
        name = wrong.name.removeprefix("gradient of ")
        if name == "output":
            return "The value is off by a constant factor. What stands below the line in the exercise, and what is n?"
        return f"The value is right. The gradient of `{name}` is off by a constant factor. {FACTOR}"


def corrects_z_only(sizes, f, x, rng):
    weights, h = [], x
    for fan_in, fan_out in zip(sizes, sizes[1:]):
        weights.append(rng.normal(size=(fan_out, fan_in)))
        z = h @ weights[-1].T
        h = f(z / np.sqrt((z**2).mean()))
    return weights


BUILT = [
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
                ): "Right for a dense layer. Where is the kernel?",
                lambda shape: (
                    shape[0] * math.prod(shape[2:]),
                    shape[1] * math.prod(shape[2:]),
                ): "Fan-in and fan-out are exchanged: the shape begins with the outputs",
                lambda shape: (
                    shape[1] * math.prod(shape[2:]),
                    shape[0],
                ): "Fan-in is right. In how many places of the window can one input lie?",
                lambda shape: (
                    shape[1] * sum(shape[2:]),
                    shape[0] * sum(shape[2:]),
                ): "How many places has a kernel of 3 by 3? And a layer without a kernel?",
                lambda shape: (
                    math.prod(shape),
                    math.prod(shape),
                ): "Does one output know how many others there are?",
                lambda shape: (
                    math.prod(shape[1:]),
                    math.prod(shape[1:]),
                ): "Fan-in is right. Into how many sums does one input go?",
                lambda shape: (
                    shape[0],
                    shape[1],
                ): "Two things: the shape begins with the outputs, and where is the kernel?",
                lambda shape: (
                    shape[1] * math.prod(shape[2:3]),
                    shape[0] * math.prod(shape[2:3]),
                ): "Right for a kernel with one axis. How many places has one of 3 by 3?",
                lambda shape: (
                    shape[-1],
                    shape[0],
                ): "Which axis holds the inputs when there is a kernel behind it?",
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
        Function(gain_for, cases=[(np.tanh, FIVE), (relu, FIVE), (np.abs, FIVE)], traps=GAIN_TRAPS),
        hints=(
            "With LeCun's weights the next mean square of z is that of f(z). The gain must undo it.",
            "The gain squared, times the mean of f(z) squared, is 1.",
        ),
        solution=gain_for,
        after="For ReLU this gives the root of 2, for tanh about 1.59; PyTorch uses 5/3, a little more.",
    ),
    Exercise(
        "03.9",
        "The scale outside",
        ScaledGradient(
            lambda x, W: x @ W.T / W.shape[1] ** 0.5,
            [random(1, (5, 3), (4, 3)), random(2, (1, 2), (2, 2))],
            names=("x", "W"),
            traps=SCALE_TRAPS,
        ),
        hints=(
            "Without the factor this is the layer of section 1.4. A constant factor of the value is a factor of each gradient.",
        ),
        solution=scaled_linear,
        wrong=(
            Edit("return dy @ W / np.sqrt(n)", "return dy @ W", "one of the two gradients lacks"),
            Edit("dy.T @ x / np.sqrt(n)", "dy.T @ x", "one of the two gradients lacks"),
            Edit("dy.T @ x / np.sqrt(n)", "x.T @ dy / np.sqrt(n)"),
            Edit("y = x @ W.T / np.sqrt(n)", "y = x @ W.T / n", "the value is off by a constant factor"),
            Edit("y = x @ W.T / np.sqrt(n)", "y = x @ W.T / 2", "the value is off by a constant factor"),
            Edit("return dy @ W / np.sqrt(n)", "return dy @ W * np.sqrt(n)", "is off by a constant factor"),
            Edit("dy.T @ x / np.sqrt(n)", "dy.T @ x / n", "is off by a constant factor"),
            Edit("dy.T @ x / np.sqrt(n)", "(dy.T @ x).sum(0) / np.sqrt(n)"),
        ),
        after="The signal starts the same; the steps differ, since the gradient of `W` is smaller by the root of n.",
    ),
    Exercise(
        "03.11",
        "Build: a start by measuring",
        UnitStart(),
        hints=(
            "Draw the weights of one layer at any size, for instance with `rng.normal(size=(fan_out, fan_in))`, and compute `z = h @ weight.T`.",
            "Multiplying the weights by c multiplies z by c, and its mean square by c squared. Which c makes it 1?",
            "What the next layer sees is `f` of the corrected z.",
        ),
        solution=measured_start,
        wrong=(
            Edit("h = f(h @ weight.T)", "h = h @ weight.T", "without the activation"),
            Edit("h = f(h @ weight.T)", "h = f(z)", "before its correction"),
            Edit("h = f(h @ weight.T)", "h = f(h @ weight.T)\n        return weights", "inside the loop"),
            Edit("weights, h = [], x", "weights, h = [], f(x)", "applied to the inputs"),
            Edit("rng.normal(size=(fan_out, fan_in))", "np.random.normal(size=(fan_out, fan_in))", "the same rng"),
            Edit("np.sqrt((z**2).mean())", "z.std()", "the variance of z is 1"),
            Edit("np.sqrt((z**2).mean())", "(z**2).mean()", "with their square"),
            Edit("weight = weight / np.sqrt((z**2).mean())", "z = z / np.sqrt((z**2).mean())", "the mean square of z is"),
            Edit("(z**2).mean()", "(f(z) ** 2).mean()", "mean square of f(z)"),
            corrects_z_only,
            Edit("rng.normal(size=(fan_out, fan_in))", "np.ones((fan_out, fan_in))", "twins"),
            Edit("rng.normal(size=(fan_out, fan_in))", "np.random.default_rng(0).normal(size=(fan_out, fan_in))", "another rng"),
        ),
        after="This is the idea of LSUV (Mishkin & Matas 2016, *All you need is a good init*). For wide layers of ReLU it comes out near He, and no formula was needed.",
    ),
]  # fmt: skip
