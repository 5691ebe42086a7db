"""Explorables of chapter 01: their mathematics without a figure."""

import numpy as np
import pytest

from utils import train
from utils.chapters.backprop import explore, runs
from utils.chapters.backprop.explore import deep_signal, finite_differences, two_modes, worked_graph
from utils.chapters.backprop.worked import PARAMS, worked_network


@pytest.fixture(scope="module")
def histories():
    return {"shallow": runs.travelling(2, epochs=4), "deep": runs.travelling(6, epochs=4)}


# ---- the worked network


def test_values_gradients_and_paths():
    values, gradients, graph = worked_graph.compute(worked_network, PARAMS)
    assert values["loss"] == pytest.approx(0.5932448719) and values["x2"] == 4.0
    assert gradients["w1"] == pytest.approx(0.00198391187)
    paths = worked_graph.paths(graph, "w1")
    assert [[name for name, _ in path] for path in paths] == [
        ["o1", "z_o1", "h1", "z_h1", "w1"],
        ["o2", "z_o2", "h1", "z_h1", "w1"],
    ]
    products = [np.prod([slope for _, slope in path]) for path in paths]
    assert products == pytest.approx([7.171986e-4, 1.2667132e-3], rel=1e-6)


@pytest.mark.parametrize("name", PARAMS)
def test_the_paths_of_every_parameter_add_up_to_its_gradient(name):
    _, gradients, graph = worked_graph.compute(worked_network, PARAMS)
    paths = worked_graph.paths(graph, name)
    assert len(paths) == {"w": 2 if int(name[1:]) <= 6 else 1, "b": 4 if name == "b1" else 2}[name[0]]
    assert sum(np.prod([s for _, s in path]) for path in paths) == pytest.approx(gradients[name])


def test_steps_reveal_everything_in_an_order_that_respects_the_graph():
    _, gradients, graph = worked_graph.compute(worked_network, PARAMS)
    known, back, _ = worked_graph.revealed(worked_graph.LAST)
    assert known == set(graph) and back == set(gradients)
    for step in range(1, worked_graph.LAST + 1):
        known, back, latest = worked_graph.revealed(step)
        for name in latest:
            if not back:
                assert {n for n in graph[name] if n in graph} <= known
            else:
                assert {c for c, g in graph.items() if name in g} <= back


def test_the_readers_network_moves_the_picture():
    def halved(p, x, y):
        found = worked_network(p, x, y)
        return {**found, "loss": found["loss"] * 0.5}

    assert explore.worked(halved).at(parameter="w7")[1] != explore.worked().at(parameter="w7")[1]
    assert "0.296622" in explore.worked(halved).at(step=9)[1]


def test_each_step_says_what_it_computed():
    explorable = explore.worked()
    assert "h1 = 0.986613" in explorable.at(step=2)[1]
    assert "dL/do1 = 0.789551" in explorable.at(step=11)[1]
    last = explorable.at(step=worked_graph.LAST, parameter="w1")[1]
    assert "0.00071720" in last and "0.00126671" in last and "0.00198391" in last


# ---- costs


def test_drawn_edges_join_neighbouring_layers():
    places = two_modes.layer_places([3, 100, 2])
    assert [len(p) for p in places] == [3, 7, 2]
    assert len(two_modes.drawn_edges(places)) == 3 * 7 + 7 * 2


def test_the_read_out_names_the_cheaper_mode():
    explorable = explore.modes()
    assert "cheaper: reverse, by a factor 1024" in explorable.at(inputs=1024, width=64, outputs=1)[1]
    assert "cheaper: forward, by a factor 1024" in explorable.at(inputs=1, width=64, outputs=1024)[1]
    assert "cheaper: neither" in explorable.at(inputs=4, outputs=4)[1]


# ---- finite differences


@pytest.mark.parametrize("name", finite_differences.FUNCTIONS)
def test_slopes_are_right_and_the_curves_have_their_valleys(name):
    function = finite_differences.FUNCTIONS[name]
    assert finite_differences.slopes(function.f, function.x, 1e-20)["complex"] == pytest.approx(
        function.slope(function.x)
    )
    found = finite_differences.errors(function)
    best = {kind: finite_differences.STEPS[np.argmin(error)] for kind, error in found.items()}
    assert 1e-10 < best["forward"] < 1e-6 and 1e-7 < best["central"] < 1e-3
    assert found["central"].min() < found["forward"].min() / 10
    assert (found["complex"][finite_differences.STEPS < 1e-8] < 1e-14).all()
    assert found["forward"][-1] == found["central"][-1] == 1.0  # x + h rounds to x


def test_errors_fall_with_the_power_that_the_text_claims():
    found = finite_differences.errors(finite_differences.FUNCTIONS["exp"])
    at = lambda h: int(np.argmin(np.abs(finite_differences.STEPS - h)))
    for kind, power in (("forward", 1), ("central", 2), ("complex", 2)):
        ratio = found[kind][at(1e-2)] / found[kind][at(1e-3)]
        assert ratio == pytest.approx(10**power, rel=0.05)


def test_the_best_steps_are_the_roots_that_the_text_derives():
    """Eq. (1.15a), for exp at 1: within a decade of the step of the smallest error, and of that error."""
    eps = np.finfo(float).eps / 2
    central, forward = (3 * eps) ** (1 / 3), (4 * eps) ** (1 / 2)
    assert (central, forward) == pytest.approx((6.9e-6, 2.1e-8), rel=0.02)
    left = {"central": central**2 / 6 + eps / central, "forward": forward / 2 + 2 * eps / forward}
    assert (left["central"], left["forward"]) == pytest.approx((2.4e-11, 2.1e-8), rel=0.02)
    found = finite_differences.errors(finite_differences.FUNCTIONS["exp"])
    for kind, step in (("central", central), ("forward", forward)):
        best = finite_differences.STEPS[np.argmin(found[kind])]
        assert abs(np.log10(best / step)) < 1 and found[kind].min() < 2 * left[kind]


# ---- depth


def test_signal_shapes_and_rates():
    found = deep_signal.signal(12, "sigmoid", 1.0)
    assert found.activations.shape == found.gradients.shape == (12, deep_signal.BATCH * deep_signal.WIDTH)
    sizes = deep_signal.root_mean_square(found.gradients)
    rates = sizes[:-1] / sizes[1:]
    assert (rates < 0.25).all() and rates.mean() == pytest.approx(0.23, abs=0.02)


@pytest.mark.parametrize("activation, gain", [
    ("sigmoid", 1.0), ("tanh", 1.0), ("tanh", 2.0), ("tanh", 4.0), ("none", 0.7), ("none", 1.2), ("relu", 0.7),
    ("relu", 2.0),
])  # fmt: skip
def test_the_factor_of_a_layer_is_the_gain_times_the_size_of_the_slopes(activation, gain):
    """Eq. (1.17a), within five percent, for the networks of the table; a factor of D alone would miss the gain."""
    found = deep_signal.signal(20, activation, gain)
    sizes, slopes = (deep_signal.root_mean_square(part) for part in (found.gradients, found.slopes))
    measured = (sizes[0] / sizes[-1]) ** (1 / 19)
    assert measured == pytest.approx(gain * slopes[1:].mean(), rel=0.05)


def test_slopes_are_those_of_the_activation():
    for name, slope in (
        ("sigmoid", lambda y: y * (1 - y)),
        ("tanh", lambda y: 1 - y**2),
        ("none", np.ones_like),
    ):
        found = deep_signal.signal(3, name, 1.0)
        np.testing.assert_allclose(found.slopes, slope(found.activations), atol=1e-15)
    found = deep_signal.signal(3, "relu", 1.0)
    np.testing.assert_array_equal(found.slopes, found.activations > 0)


def test_where_the_factor_of_the_sigmoid_comes_from():
    """Eq. (1.17b): q = 4/15, a slope of 7/30; the measured slopes and activations are near."""
    found = deep_signal.signal(30, "sigmoid", 1.0, width=256)
    activations = deep_signal.root_mean_square(found.activations)[2:]
    assert activations.mean() ** 2 == pytest.approx(4 / 15, rel=0.05)
    assert deep_signal.root_mean_square(found.slopes)[2:].mean() == pytest.approx(7 / 30, rel=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_tanh_of_gain_one_shrinks_by_a_power_and_not_exponentially(seed):
    """Eq. (1.17c): 1 / sqrt(2 k) after 10, 20, 50 layers; the gradient by about 1 / sqrt(k)."""
    found = deep_signal.signal(50, "tanh", 1.0, seed=seed, width=512)
    sizes = deep_signal.root_mean_square(found.activations)
    slopes, gradients = (deep_signal.root_mean_square(part) for part in (found.slopes, found.gradients))
    for k in (10, 20, 50):
        assert sizes[k - 1] == pytest.approx((2 * k) ** -0.5, rel=0.12)
        assert slopes[k - 1] == pytest.approx(1 - 1 / (2 * k), abs=0.01)
    assert 0.1 < gradients[0] / gradients[-1] < 0.3 and 0.93**49 < 0.03


def test_differences_between_examples_fade_with_the_gradient():
    found = deep_signal.signal(20, "sigmoid", 1.0)
    first, last = deep_signal.difference(found, 1), deep_signal.difference(found, 20)
    assert first > 0.1 and last < 1e-10 and np.abs(found.activations[-1]).mean() > 0.3


def test_verdicts():
    said = [deep_signal.verdict(ratio) for ratio in (1e-5, 0.1, 1.0, 10.0, 1e5)]
    assert said == ["vanishes", "shrinks", "survives", "grows", "explodes"]


def test_a_linear_network_of_gain_one_keeps_the_length():
    sizes = deep_signal.root_mean_square(deep_signal.signal(10, "none", 1.0).gradients)
    assert 0.5 < sizes[0] / sizes[-1] < 2


def test_the_signal_depends_on_its_seed_alone():
    found, again, other = (deep_signal.signal(3, "tanh", 1.0, seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(found.gradients, again.gradients)
    assert not np.allclose(found.gradients, other.gradients)


# ---- the travelling network


def test_travelling_reads_the_history(histories):
    explorable = explore.travelling(histories)
    said = explorable.at(run="deep", epoch=2)[1]
    assert f"training loss {histories['deep'].train_loss[2]:.3f}" in said
    assert f"{histories['deep'].scores[2]:.1%}" in said


def test_travelling_refuses_what_does_not_fit(histories):
    short = train.History(snapshots=histories["deep"].snapshots[:2])
    for wrong in ({}, {"a": train.History()}, {"a": histories["deep"], "b": short}):
        with pytest.raises(ValueError, match="histories must hold runs with equally many snapshots"):
            explore.travelling(wrong)
