"""Exercises of chapter 01 in which one builds: a backward pass, a training loop, a gradient that hides a bug."""

import numpy as np

from utils.chapters.backprop.exercises.checkers import Backward, Hiding, Training
from utils.exercises.engine import Edit, Exercise

# ---- a backward pass, and how it goes wrong


def my_backward(root):
    order, seen = [], set()

    def visit(number):
        if id(number) not in seen:
            seen.add(id(number))
            for parent in number.parents:
                visit(parent)
            order.append(number)

    visit(root)
    root.grad = 1.0
    for number in reversed(order):
        for parent, slope in zip(number.parents, number.slopes):
            parent.grad += number.grad * slope


def sorted_numbers(root, seen=None):
    """Parents before children, the root last."""
    seen = set() if seen is None else seen
    if id(root) in seen:
        return []
    seen.add(id(root))
    return [number for parent in root.parents for number in sorted_numbers(parent, seen)] + [root]


def with_repeats(root):
    """Parents before children, but a shared number as often as it is used."""
    return [number for parent in root.parents for number in with_repeats(parent)] + [root]


def by_breadth(root):
    """Nearest to the root first: a number may be met before all its children are done."""
    order, seen = [root], {id(root)}
    for number in order:
        for parent in number.parents:
            if id(parent) not in seen:
                seen.add(id(parent))
                order.append(parent)
    return order


def by_depth(root):
    """The root first, then everything behind its first parent, then behind its second."""
    order, seen, stack = [], set(), [root]
    while stack:
        number = stack.pop()
        if id(number) not in seen:
            seen.add(id(number))
            order.append(number)
            stack.extend(reversed(number.parents))
    return order


def hand_on(order, add=True):
    for number in order:
        for parent, slope in zip(number.parents, number.slopes):
            parent.grad = (parent.grad if add else 0.0) + number.grad * slope


def overwriting(root):
    root.grad = 1.0
    hand_on(reversed(sorted_numbers(root)), add=False)


def nearest_first(root):
    root.grad = 1.0
    hand_on(by_breadth(root))


def deepest_first(root):
    root.grad = 1.0
    hand_on(by_depth(root))


def forward_order(root):
    root.grad = 1.0
    hand_on(sorted_numbers(root))


def root_forgotten(root):
    hand_on(reversed(sorted_numbers(root)))


def handed_on_twice(root):
    root.grad = 1.0
    hand_on(reversed(with_repeats(root)))


def path_by_path(root, arrived=1.0):
    root.grad += arrived
    for parent, slope in zip(root.parents, root.slopes):
        path_by_path(parent, arrived * slope)


def whole_gradient_every_time(root):
    """Recursion that hands on all that a number has, each time something arrives."""

    def go(number):
        for parent, slope in zip(number.parents, number.slopes):
            parent.grad += number.grad * slope
            go(parent)

    root.grad = 1.0
    go(root)


TOO_EARLY = "A number hands its gradient on before all of it has arrived. In which order is everything that was made from it done first?"

# ---- a training loop, and how it goes wrong


def train(parameters, loss_of, backward, learning_rate, steps):
    losses = []
    for _ in range(steps):
        for p in parameters:
            p.grad = 0.0
        loss = loss_of(parameters)
        backward(loss)
        losses.append(loss.data)
        for p in parameters:
            p.data -= learning_rate * p.grad
    return losses


def training_with(*, zero=True, sign=1.0, rate=True, stale=False, graph_once=False, late=False, lost=False):
    """The loop with one mistake."""

    def loop(parameters, loss_of, backward, learning_rate, steps):
        losses, loss = [], loss_of(parameters)

        def step():
            for p in parameters:
                p.data -= sign * (learning_rate if rate else 1.0) * p.grad

        for _ in range(steps):
            if stale:
                step()
            for p in parameters:
                p.grad = 0.0 if zero else p.grad
            loss = loss if graph_once else loss_of(parameters)
            backward(loss)
            losses += [] if late else [loss.data]
            if lost:
                for p in parameters:
                    p.grad = 0.0
            if not stale:
                step()
            losses += [loss_of(parameters).data] if late else []
        return losses

    return loop


# ---- two bugs to hide

W = np.array([[1.0, 1.0, 2.0], [0.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
BUGS = {
    "forgotten_mean": (lambda dy: dy - dy.mean(), lambda dy: dy, (4,)),
    "not_transposed": (lambda dz: W.T @ dz, lambda dz: W @ dz, (3,)),
}

EXERCISES = [
    Exercise(
        "01.12",
        "A backward pass from nothing",
        Backward(
            traps={
                overwriting: "`=` where something may have arrived already: a number that is used twice keeps one path only",
                nearest_first: TOO_EARLY,
                deepest_first: TOO_EARLY,
                forward_order: "You begin at the inputs, when nothing has arrived there yet. From which end does (1.7) go?",
                root_forgotten: "Nothing arrives anywhere. What is the gradient of the root with respect to itself?",
                path_by_path: (
                    "It adds up every path by itself: right, but without end where paths fork again and again. "
                    "How often must a number be visited when its gradient is complete?"
                ),
                handed_on_twice: (
                    "A number that is used twice stands in your list twice, and hands its gradient on twice. "
                    "How can you know whom you have seen?"
                ),
                whole_gradient_every_time: (
                    "A number hands on all that it has each time something arrives, so the first arrival is handed on twice"
                ),
            }
        ),
        hints=(
            "Two parts: first a list of all numbers in which parents stand before their children, then (1.7) along that list, from its end.",
            "For the list: a number may be appended when all its parents are in it. Remember whom you have seen (`id(number)`), or shared numbers stand in it twice.",
            "Then: the root gets 1. For each number, from the end of the list, every parent gets what the number has, times the slope, added to what it has.",
        ),
        solution=my_backward,
        wrong=(
            Edit("parent.grad += ", "parent.grad = ", "keeps one path only"),
            Edit("reversed(order)", "order", "begin at the inputs"),
            Edit("root.grad = 1.0", "pass", "with respect to itself"),
            Edit("if id(number) not in seen:", "if True:", "in your list twice"),
            Edit("number.grad * slope", "slope", "expected"),
            Edit("number.grad * slope", "number.grad", "expected"),
        ),
        after="`Value.backward` in `utils/nn/reverse_mode.py` does this; PyTorch does it for arrays.",
    ),
    Exercise(
        "01.13",
        "A training loop from nothing",
        Training(
            train,
            traps={
                training_with(zero=False): (
                    "`backward` adds to what `.grad` holds, so the gradients of all steps before are still in it. "
                    "What must happen to `.grad` before each pass?"
                ),
                training_with(sign=-1.0): "The loss grows: the step goes uphill. Look at the sign in (1.20)",
                training_with(rate=False): "The learning rate is missing in the step",
                training_with(stale=True): (
                    "The step comes before the gradient it needs: the first one moves nothing, every other one uses the gradient of the step before"
                ),
                training_with(graph_once=True): (
                    "The loss was worked out once. A graph remembers the numbers it was made from; after a step it must be built anew"
                ),
                training_with(
                    late=True
                ): "The parameters are right. The losses are those after each step; asked for is the one before it",
                training_with(lost=True): (
                    "The parameters stay where they were. Is `.grad` set to zero before the step has used it, or does the step make a new number instead of changing `.data`?"
                ),
            },
        ),
        hints=(
            "Each step: forward, backward, then every parameter moves a little against its gradient, (1.20). Who empties `.grad`?",
            "In order: set every `.grad` to 0; `loss = loss_of(parameters)`; `backward(loss)`; keep `loss.data`; change every `p.data`.",
        ),
        solution=train,
        wrong=(
            Edit("p.grad = 0.0", "pass", "what must happen"),
            Edit("p.data -= ", "p.data += ", "uphill"),
            Edit("learning_rate * p.grad", "p.grad", "learning rate is missing"),
            Edit(
                "p.data -= learning_rate * p.grad", "p = p - learning_rate * p.grad", "stay where they were"
            ),
            Edit("losses.append(loss.data)", "losses.append(loss)", "keep the numbers"),
            Edit("range(steps)", "range(steps + 1)", "expected one for each step"),
        ),
        after="With arrays in the place of numbers this is `train.fit` of section 1.7, and the loop of every PyTorch program.",
    ),
    Exercise(
        "01.14",
        "A gradient that hides a bug",
        Hiding(
            BUGS,
            known={"forgotten_mean": (1.0, -1.0, 2.0, -2.0), "not_transposed": (1.0, 2.0, -1.0)},
            traps={
                "forgotten_mean": {
                    (0.0, 0.0, 0.0, 0.0): "zero hides every bug, for then nothing comes down at all",
                    (1.0, 1.0, 1.0, 1.0): (
                        "ones hid the bug of section 1.5, a pullback that returned zeros. This one returns `dy` itself: "
                        "what must `dy` be, so that subtracting its mean changes nothing?"
                    ),
                },
                "not_transposed": {
                    (0.0, 0.0, 0.0): "zero hides every bug, for then nothing comes down at all",
                    (
                        1.0,
                        1.0,
                        1.0,
                    ): "the rows of `W` add up to 4, 1, 2 and its columns to 1, 3, 3, so everybody sees it. Weighed with which numbers do rows and columns agree?",
                },
            },
        ),
        hints=(
            "Write down what the right pullback returns, minus what the wrong one returns. Which `dy` makes that zero?",
            "`forgotten_mean`: the difference is the mean of `dy`. `not_transposed`: it is `(W.T - W) @ dz`, three equations.",
            "`W.T - W` has zeros on its diagonal, and below it the numbers above it with the other sign. Choose one element of `dz` to be 1; two of the equations then give the other two.",
        ),
        solution='{"forgotten_mean": np.array([1.0, -1.0, 2.0, -2.0]), "not_transposed": np.array([1.0, 2.0, -1.0])}',
        wrong=(
            Edit("[1.0, -1.0, 2.0, -2.0]", "[1.0, 0.0, 0.0, 0.0]", "everybody sees it"),
            Edit("[1.0, 2.0, -1.0]", "[0.0, 0.0, 1.0]", "everybody sees it"),
            Edit("[1.0, 2.0, -1.0]", "[[1.0, 2.0, -1.0]]", "its shape is"),
        ),
        after="So a test with one fixed gradient from above proves little. A random one is one of those with probability 0.",
    ),
]
