"""Exercises of chapter 01 that build something: right answers of many kinds pass, wrong ones are told why, nothing raises."""

from collections import deque

import numpy as np
import pytest

from utils.chapters.backprop.exercises import building, graphs
from utils.exercises import registry
from utils.exercises.engine import examine
from utils.nn.reverse_mode import Value

GRAPHS = pytest.mark.parametrize(
    "graph", graphs.GRAPHS, ids=[f"{i} {g.formula}" for i, g in enumerate(graphs.GRAPHS)]
)


def judged(number, answer):
    return examine(registry.exercises("01")[number].checker, answer)


def told(number, answer):
    outcome = judged(number, answer)
    assert outcome.status == "wrong"
    return outcome.message[0].lower() + outcome.message[1:]


# ---- the graphs


@GRAPHS
def test_value_and_pytorch_agree_on_every_graph(graph):
    nodes, inputs = graph.nodes()
    at = [nodes.index(node) for node in inputs.values()]
    np.testing.assert_allclose(graph.truth()[at], graph.torch_truth(), rtol=1e-12)


@GRAPHS
def test_nodes_are_the_graph_of_the_value(graph):
    nodes, inputs = graph.nodes()
    assert [node.data for node in inputs.values()] == list(graph.inputs.values())
    for i, node in enumerate(nodes):
        assert node.grad == 0 and len(node.parents) == len(node.slopes)
        assert all(nodes.index(parent) < i for parent in node.parents)


def test_random_graphs_share_numbers_and_leave_none_out():
    for graph in graphs.GRAPHS[4:10]:
        nodes, _ = graph.nodes()
        uses = [sum(node is parent for child in nodes for parent in child.parents) for node in nodes]
        assert max(uses) >= 2 and uses[-1] == 0 and min(uses[:-1]) >= 1


# ---- 01.12 a backward pass


def by_stack(root):
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        number, done = stack.pop()
        if done:
            order.append(number)
        elif id(number) not in seen:
            seen.add(id(number))
            stack += [(number, True), *((parent, False) for parent in number.parents)]
    root.grad = 1.0
    for number in order[::-1]:
        for parent, slope in zip(number.parents, number.slopes):
            parent.grad = parent.grad + slope * number.grad


def by_counting_children(root):
    """Kahn's way: a number is done when all that was made from it is done."""
    children, queue = {id(root): 0}, deque([root])
    while queue:
        for parent in queue.popleft().parents:
            if id(parent) not in children:
                children[id(parent)] = 0
                queue.append(parent)
            children[id(parent)] += 1
    root.grad, queue = 1.0, deque([root])
    while queue:
        number = queue.popleft()
        for parent, slope in zip(number.parents, number.slopes):
            parent.grad += number.grad * slope
            children[id(parent)] -= 1
            if not children[id(parent)]:
                queue.append(parent)


@pytest.mark.parametrize("answer", [building.my_backward, by_stack, by_counting_children])
def test_every_right_backward_pass_is_accepted(answer):
    outcome = judged("01.12", answer)
    assert outcome.status == "right" and "PyTorch" in outcome.message


def with_queue(root):
    """Breadth first, written otherwise than the trap: a number is handed on when it is first met."""
    root.grad, queue, seen = 1.0, deque([root]), set()
    while queue:
        number = queue.popleft()
        if id(number) in seen:
            continue
        seen.add(id(number))
        for parent, slope in zip(number.parents, number.slopes):
            parent.grad += number.grad * slope
            queue.append(parent)


def arrays_for_numbers(root):
    building.my_backward(root)
    for parent in root.parents:
        parent.grad = np.ones(2)


def grad_with_respect_to_itself(root):
    root.grad = root.data
    building.hand_on(reversed(building.sorted_numbers(root)))


@pytest.mark.parametrize(
    "answer, words",
    [
        (with_queue, "before all of it has arrived"),
        (grad_with_respect_to_itself, "the gradient of the root itself is"),
        (arrays_for_numbers, "became an array of shape (2,)"),
        (lambda root: root.parents[0].nothing, "AttributeError"),
        (lambda root, more: None, "it must accept 1 input: root"),
        (3.0, "expected a function"),
    ],
)
def test_wrong_backward_passes_are_told_why(answer, words):
    assert words in told("01.12", answer)


def test_a_walk_over_all_paths_ends():
    """Two to the forty visits: it is stopped, even where the reader catches every Exception."""

    def stubborn(root, arrived=1.0):
        root.grad += arrived
        for parent, slope in zip(root.parents, root.slopes):
            try:
                stubborn(parent, arrived * slope)
            except Exception:
                stubborn(parent, arrived * slope)

    assert "without end where paths fork" in told("01.12", stubborn)


def test_the_reply_shows_the_smallest_graph_that_goes_wrong():
    assert "for `(w * x + b).sigmoid()`" in told("01.12", lambda root: setattr(root, "grad", 1.0))


# ---- 01.13 a training loop


def zero_at_the_end(parameters, loss_of, backward, learning_rate, steps):
    losses = []
    while len(losses) < steps:
        loss = loss_of(parameters)
        backward(loss)
        losses.append(float(loss.data))
        for p in parameters:
            p.data, p.grad = p.data - learning_rate * p.grad, 0.0
    return np.array(losses)


@pytest.mark.parametrize("answer", [building.train, zero_at_the_end])
def test_every_right_loop_is_accepted(answer):
    outcome = judged("01.13", answer)
    assert outcome.status == "right" and "falls from" in outcome.message


def half_a_step(parameters, loss_of, backward, learning_rate, steps):
    return building.train(parameters, loss_of, backward, learning_rate / 2, steps)


def twice_each_step(parameters, loss_of, backward, learning_rate, steps):
    return building.train(parameters, loss_of, backward, learning_rate, 2 * steps)[::2]


def last_loss_only(parameters, loss_of, backward, learning_rate, steps):
    return building.train(parameters, loss_of, backward, learning_rate, steps)[-1]


def no_return(parameters, loss_of, backward, learning_rate, steps):
    building.train(parameters, loss_of, backward, learning_rate, steps)


@pytest.mark.parametrize(
    "answer, words",
    [
        (half_a_step, "expected"),
        (twice_each_step, "expected"),
        (last_loss_only, "expected a list"),
        (no_return, "it returns None"),
        (lambda parameters, loss_of, backward, learning_rate, steps: loss_of(), "TypeError"),
        (lambda parameters: [], "it must accept 5 inputs"),
    ],
)
def test_wrong_loops_are_told_why(answer, words):
    assert words in told("01.13", answer)


def test_backward_of_the_loop_adds_as_pytorchs_does():
    from utils.chapters.backprop.exercises.checkers import adding_backward

    x = Value(3.0)
    for _ in range(2):
        adding_backward(x * x + x)
    assert x.grad == 2 * 7


# ---- 01.14 a gradient that hides a bug


@pytest.mark.parametrize(
    "mean, product",
    [
        ([1.0, -1.0, 0.0, 0.0], [1, 2, -1]),
        (np.array([0.3, -0.1, -0.1, -0.1]), np.array([-2.5, -5.0, 2.5])),
        ((5, 5, -4, -6), [0.001, 0.002, -0.001]),
    ],
)
def test_every_gradient_that_hides_the_bugs_is_accepted(mean, product):
    assert judged("01.14", {"forgotten_mean": mean, "not_transposed": product}).status == "right"


def test_what_hides_them_is_what_the_mathematics_says():
    """A vector without a mean; and for z = W x the axis of the rotation in W^T - W."""
    right, wrong, _ = building.BUGS["not_transposed"]
    dz = np.array([1.0, 2.0, -1.0])
    np.testing.assert_array_equal(right(dz), wrong(dz))
    rank = np.linalg.matrix_rank(building.W.T - building.W)
    assert rank == 2  # so there is one such direction, and its opposite
    right, wrong, _ = building.BUGS["forgotten_mean"]
    dy = np.array([1.0, 2.0, -1.0, 0.0])
    np.testing.assert_allclose(right(dy - dy.mean()), wrong(dy - dy.mean()))


@pytest.mark.parametrize(
    "mean, product, words",
    [
        ([1.0, 0, 0, 0], ..., "everybody sees it"),
        ([0.0] * 4, ..., "zero hides every bug"),
        ([1.0] * 4, ..., "ones hid the bug of section 1.5"),
        ([1.0, -1.0], ..., "its shape is (2,); expected (4,)"),
        ([1.0, -1.0, np.nan, 0.0], ..., "not finite"),
        ("1 -1 0 0", ..., "a text"),
        ([1.0, -1, 0, 0], [1.0, 2.0, 1.0], "everybody sees it"),
        ([1.0, -1, 0, 0], [1.0, 1.0, 1.0], "the rows of"),
        ([1.0, -1, 0, 1e-3], ..., "everybody sees it"),
    ],
)
def test_gradients_that_hide_nothing_are_told_why(mean, product, words):
    assert words in told("01.14", {"forgotten_mean": mean, "not_transposed": product})


def test_one_of_two_is_half_the_way():
    outcome = judged("01.14", {"forgotten_mean": [1.0, -1.0, 0, 0], "not_transposed": ...})
    assert (
        outcome.status == "todo"
        and "`forgotten_mean` is hidden; `not_transposed` is not written yet" in outcome.message
    )


# ---- replies that name the cause


def test_a_rounded_answer_is_asked_for_more_digits_and_not_taken_for_another_gradient():
    """0.12 may be the right 0.1183 or the 0.1199 at z_o2."""
    assert "two digits are too few" in told("01.1", 0.12)
    assert "that is the gradient at z_o2" in told("01.1", 0.1199)
    assert judged("01.1", 0.118).status == "right"


def test_no_reply_and_no_early_hint_of_swish_gives_the_slope_away():
    exercise = registry.exercises("01")["01.3"]
    said = [*exercise.checker.traps.values(), *exercise.checker.explain.values(), *exercise.hints[:2]]
    assert all("s'" not in text and "(1 - s)" not in text and "1 - s" not in text for text in said)
    assert len(exercise.hints) == 3


def test_h2_in_the_place_of_h1_is_named_and_not_taken_for_a_missing_slope():
    assert "you took h2" in told("01.1", 0.11928846) and "you took h2" in told("01.1", 0.1193)
    assert "that is the gradient at z_o2" in told("01.1", 0.1198839)


@pytest.mark.parametrize("count, words", [(2723, "one bias a layer"), (2768, "ten outputs")])
def test_parameters_that_were_counted_wrongly_are_named(count, words):
    assert words in told("01.11", count)


def test_the_product_of_the_edges_is_named():
    assert "edges of the layers" in told("01.10", {"paths": 5000, "forward": 220, "reverse": 110})
