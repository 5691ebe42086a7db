"""Explorables of chapter 01: their mathematics without a figure."""

import itertools
import re

import numpy as np
import pytest

from utils.chapters.backprop import explore, runs
from utils.chapters.backprop.explore import (
    deep_signal,
    finite_differences,
    matrix_layer,
    travelling_run,
    two_modes,
    worked_graph,
)
from utils.chapters.backprop.worked import INPUTS, PARAMS, TARGETS, worked_network
from utils.explorable import columns
from utils.explorable.bake import frame_key
from utils.nn.linear import linear


@pytest.fixture(scope="module")
def histories():
    return {2: runs.travelling(2, epochs=4), 6: runs.travelling(6, epochs=4)}


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


def test_the_way_back_by_hand_is_the_gradient():
    values, gradients, _ = worked_graph.compute(worked_network, PARAMS)
    known = {**values, **TARGETS}
    exec(worked_graph.BACK, {}, known)
    found = {name: known[f"d{name}"] for name in gradients if name != "loss"}
    assert found == pytest.approx({name: gradients[name] for name in found})
    wrong = dict(values, **TARGETS)
    exec(worked_graph.BACK.replace("w8 * dz_o2", "w10 * dz_o2"), {}, wrong)
    assert wrong["dh1"] != pytest.approx(gradients["h1"])


def drawn(**values):
    explorable = explore.worked()
    start = explorable.values()
    return explorable.painter.compute(**(start | values))


def test_the_slopes_on_the_edges_times_the_gradients_make_every_gradient():
    found = drawn()
    totals = np.zeros(len(worked_graph.NODES))
    for (a, b), slope in zip(worked_graph.EDGES, found["slopes_of_edges"]):
        totals[worked_graph.NODES[a]] += slope * found["gradients"][worked_graph.NODES[b]]
    for name, k in worked_graph.NODES.items():
        if name not in INPUTS and name != "loss":
            assert totals[k] == pytest.approx(found["gradients"][k]), name
    for k, (a, b) in enumerate(worked_graph.WEIGHTS.values()):
        product = found["nodes"][worked_graph.NODES[a]] * found["gradients"][worked_graph.NODES[b]]
        assert product == pytest.approx(found["slopes"][k])


def test_a_pulse_runs_along_every_edge_forward_and_back():
    forth = [worked_graph.running(step) for step in range(1, len(worked_graph.FORWARD) + 1)]
    back = [worked_graph.running(step) for step in range(len(worked_graph.FORWARD) + 1, worked_graph.LAST)]
    assert (np.sum(forth, axis=0) == 1).all() and np.max(back) == 0  # each edge once on the way there
    seen = np.min(back, axis=0) == -1
    assert seen[: len(worked_graph.WEIGHTS)].all() and seen[len(worked_graph.ON_EDGES) :].all()
    assert not worked_graph.running(0).any() and not worked_graph.running(worked_graph.LAST).any()


def test_symbols_say_what_the_numbers_are():
    """Each node's formula, read as code, gives its value; the names of slopes their numbers."""
    values, _, _ = worked_graph.compute(worked_network, PARAMS)
    known = {**values, **TARGETS, "sigmoid": lambda z: 1 / (1 + np.exp(-z))}
    read = lambda text: eval(
        text.replace("\u00b7", "*").replace("\u2212", "-").replace("half of ", "0.5*(").replace("\u00b2", "**2")
        .replace("1(", "1*(").replace("2(", "2*(") + (")" if "half" in text else ""), known
    )  # fmt: skip
    for name, made in zip(worked_graph.PLACES, worked_graph.made_of()):
        if made:
            assert read(made) == pytest.approx(values[name]), name
    for text, slope in zip(worked_graph.SLOPE_NAMES, drawn()["slopes_of_edges"]):
        assert read(text) == pytest.approx(slope), text


def test_lines_of_code_know_what_they_assign():
    lines = worked_graph.lines_of("def f(p):\n    h1, h2 = a, b\n    loss = 1\n    return h1 == 2")
    node = lambda name: ("nodes", (worked_graph.NODES[name],))
    assert lines == {2: (node("h1"), node("h2")), 3: (node("loss"),)}
    assert worked_graph.lines_of("dw1, dh1 = 1, 2", "d") == {1: (node("h1"), ("weights", (0,)))}
    everywhere = {e for found in worked_graph.lines_of(worked_graph.BACK, "d").values() for e in found}
    assert {("weights", (k,)) for k in range(10)} <= everywhere and node("b1") in everywhere


def test_a_function_without_source_has_no_code_beside_it():
    made_here = eval("lambda p, x, y: worked_network(p, x, y)", {"worked_network": worked_network})
    assert worked_graph.codes(made_here) == []
    assert '"""' not in worked_graph.body_of(worked_network)


def test_a_step_lowers_the_loss_and_both_are_said():
    explorable = explore.worked()
    message = {"kind": "action", "name": "take a step of 0.5 gradients", "seq": 1, "values": explorable.start}
    reply, _ = explorable.handle(message)
    now, first = map(float, re.findall(r"loss ([\d.]+), at the start ([\d.]+)", reply["readout"])[0])
    assert now < first == 0.593245


# ---- the matrix layer

WRONG_LAYERS = {
    "the weights not transposed back": (lambda x, w, dy: (dy @ w[::-1], dy.T @ x, dy.sum(0)), "the gradient of X"),
    "the mean of the examples": (lambda x, w, dy: (dy @ w, dy.T @ x / len(x), dy.sum(0)), "the gradient of W"),
    "the bias not summed": (lambda x, w, dy: (dy @ w, dy.T @ x, dy[0]), "the gradient of b"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG_LAYERS)
def test_the_readers_own_layer_moves_the_picture_and_is_told(wrong):
    back, words = WRONG_LAYERS[wrong]
    mine = lambda x, weight, bias: (x @ weight.T + bias, lambda dy: back(x, weight, dy))
    made, as_it_is = explore.layer(mine), explore.layer()
    drawn, true = made.painter.compute(**made.values()), as_it_is.painter.compute(**as_it_is.values())
    name = {"X": "dx", "W": "dweight", "b": "dbias"}[words[-1]]
    assert not np.allclose(drawn[name], true[name]) and np.allclose(drawn["y"], true["y"])
    assert f"not the sum that the formula says: {words}, in" in drawn["readout"]
    assert "not the sum" not in true["readout"]


@pytest.mark.parametrize(
    "returned, words",
    [
        (lambda x, w, b: (x @ w.T + b, lambda dy: (dy @ w, None, dy.sum(0))), "linear's pullback must return a gradient of weight in floats, (4, 3); it returned None"),
        (lambda x, w, b: (x @ w.T * np.nan, lambda dy: None), "linear must return a value of finite numbers; it holds NaN"),
        (lambda x, w, b: (x, lambda dy: None), "linear must return a value in floats, (2, 4); it returned an array of shape (2, 3)"),
        (3, "linear raised TypeError"),
    ],
)  # fmt: skip
def test_a_layer_that_does_not_fit_gets_a_sentence(returned, words):
    said = explore.layer(returned).readout().partition(": ")[2]
    assert said.startswith(words)


def test_a_layer_cannot_change_what_is_drawn():
    def greedy(x, weight, bias):
        y, back = linear(x, weight, bias)
        x[:] = weight[:] = 0
        return y, back

    explorable = explore.layer(greedy)
    explorable.readout()
    assert matrix_layer.X.any() and explorable.painter.arrays["weight"].any()


# ---- costs


def test_a_network_is_drawn_unit_by_unit():
    there = two_modes.places([3, 8, 1])
    assert there.shape == (8, 10) and there.sum(0).tolist() == [3, 8, 1] + [0] * 7
    assert np.flatnonzero(there[:, 0]).tolist() == [2, 3, 4]


def test_forward_mode_fills_columns_and_reverse_mode_rows():
    """After two sweeps: two columns of one table and two rows of the other, the newest in full colour."""
    found = two_modes.compute(inputs=4, width=3, depth=2, outputs=3, progress=4)
    columns, rows = found["columns"], found["rows"]
    assert (columns[:3, :4] > 0).sum(1).tolist() == [2, 2, 2] and (columns[:, 1] == 1).sum() == 3
    assert (rows[:3, :4] > 0).sum(1).tolist() == [4, 4, 0] and (rows[1] == 1).sum() == 4
    assert (columns > 0).sum() == 3 * 2 and (rows > 0).sum() == 2 * 4
    # a sweep starts at one unit and passes all layers after it, or before it
    tangents, gradients = found["tangents"], found["gradients"]
    assert (tangents[:, 0] > 0).sum() == 1 and (tangents[:, 1:4] > 0).sum() == 3 + 3 + 3
    assert (gradients[:, 3] > 0).sum() == 1 and (gradients[:, :3] > 0).sum() == 4 + 3 + 3


@pytest.mark.parametrize("inputs, outputs", [(6, 1), (1, 6), (5, 5), (3, 7)])
def test_at_the_end_both_tables_are_full_and_before_it_they_are_empty(inputs, outputs):
    for progress, full in ((0, 0), (two_modes.MOST, inputs * outputs)):
        found = two_modes.compute(inputs, 4, 3, outputs, progress)
        assert (found["columns"] > 0).sum() == (found["rows"] > 0).sum() == full
        assert found["area"].sum() == inputs * outputs


def test_one_more_layer_adds_to_the_modes_and_multiplies_the_paths():
    found = two_modes.compute(inputs=6, width=4, depth=3, outputs=1, progress=8)
    for name, sweeps in (("forward mode", 6), ("reverse mode", 1)):
        np.testing.assert_allclose(np.diff(found[name]), sweeps * 4 * 4)
    paths = found["path by path"] / (1 + two_modes.DEPTHS)
    np.testing.assert_allclose(paths[1:] / paths[:-1], 4)
    assert found["path by path now"] == [[3, 6 * 4**3 * 4]]


def test_the_read_out_names_the_cheaper_mode():
    explorable = explore.modes()
    assert "Reverse mode is cheaper, by a factor of 8." in explorable.at(inputs=8, outputs=1)[1]
    assert "Forward mode is cheaper, by a factor of 8." in explorable.at(inputs=1, outputs=8)[1]
    said = explorable.at(inputs=4, outputs=4)[1]
    assert "cost the same" in said
    places = {line.index("=") for line in said.splitlines()[:3]}
    assert len(places) == 1, "the numbers stand below each other"


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
    """Eq. (1.17a), for exp at 1: within a decade of the step of the smallest error, and of that error."""
    eps = np.finfo(float).eps / 2
    central, forward = (3 * eps) ** (1 / 3), (4 * eps) ** (1 / 2)
    assert (central, forward) == pytest.approx((6.9e-6, 2.1e-8), rel=0.02)
    left = {"central": central**2 / 6 + eps / central, "forward": forward / 2 + 2 * eps / forward}
    assert (left["central"], left["forward"]) == pytest.approx((2.4e-11, 2.1e-8), rel=0.02)
    found = finite_differences.errors(finite_differences.FUNCTIONS["exp"])
    for kind, step in (("central", central), ("forward", forward)):
        best = finite_differences.STEPS[np.argmin(found[kind])]
        assert abs(np.log10(best / step)) < 1 and found[kind].min() < 2 * left[kind]


@pytest.mark.parametrize("name", finite_differences.FUNCTIONS)
def test_the_glass_keeps_the_tangent_and_shows_curve_stairs_and_one_stair(name):
    chosen, look = finite_differences.FUNCTIONS[name], finite_differences.magnified
    for step in (1.0, 1e-3, 1e-15):
        np.testing.assert_allclose(look(chosen, step)["tangent"], finite_differences.NEAR)
    smooth, stairs, one = (look(chosen, step)["curve"] for step in (1e-4, 1e-15, 1e-20))
    np.testing.assert_allclose(smooth, finite_differences.NEAR, atol=2e-3)
    assert len(np.unique(smooth)) > 300 and len(np.unique(stairs)) < 50 and not one.any()


@pytest.mark.parametrize("step", [1.0, 1e-5, 1e-15])
def test_secants_pass_through_the_dots_with_the_slope_of_their_formula(step):
    chosen = finite_differences.FUNCTIONS["exp"]
    found, said = (
        finite_differences.magnified(chosen, step),
        finite_differences.slopes(chosen.f, chosen.x, step),
    )
    behind, here, ahead = found["ends"][:, 1]
    on = lambda line, place: np.interp(place, finite_differences.NEAR, found[line])
    assert on("forward", 0) == pytest.approx(here) and on("forward", 1) == pytest.approx(ahead)
    assert on("central", -1) == pytest.approx(behind) and on("central", 1) == pytest.approx(ahead)
    for line in ("forward", "central"):
        slope = np.ptp(found[line]) / np.ptp(finite_differences.NEAR)
        assert slope == pytest.approx(said[line] / chosen.slope(chosen.x), abs=1e-12)


def test_errors_are_drawn_only_as_far_as_one_went():
    found = finite_differences.compute(1e-5, "exp")
    for name in finite_differences.KINDS:
        shown = found[f"{name} error"] > 0
        assert shown.sum() == 11 and shown[:11].all()
        assert found[f"{name} now"][0][1] == finite_differences.ALL_ERRORS["exp"][name][10]
    assert (
        "step h = 10⁻⁵" in found["readout"]
        and "3·10⁻⁶" in finite_differences.compute(10**-5.5, "exp")["readout"]
    )


def test_short_steps_are_steps_of_their_own():
    """1e-15 was once taken for 1e-12, and 1e-20 too."""
    explorable = explore.differences()
    for name, power in (("too short", 15), ("no step at all", 20)):
        step = explorable.controls["step"].decode(explorable.presets[name]["step"])
        assert np.log10(step) == pytest.approx(-power)


# ---- depth


def test_what_the_pulse_has_reached():
    """Nothing, then values from the first layer on, then gradients from the last one back."""
    seen = [deep_signal.reached(4, pulse)[:5].tolist() for pulse in (0, 10, 20, 25, 30, 40)]
    assert seen == [
        [0, 0, 0, 0, -1], [1, 1, 0, 0, -1], [1, 1, 1, 1, -1], [1, 1, 1, 2, -1], [1, 1, 2, 2, -1], [2, 2, 2, 2, -1],
    ]  # fmt: skip
    assert (deep_signal.reached(30, 40) == 2).all()


def test_what_is_drawn_is_the_signal():
    found = deep_signal.compute(5, "tanh", 1.0, 40)
    signal = deep_signal.signal(5, "tanh", 1.0)
    sizes = 10.0 ** found["sizes"][:, :5]
    np.testing.assert_allclose(sizes[0], deep_signal.root_mean_square(signal.activations))
    np.testing.assert_allclose(sizes[1], deep_signal.root_mean_square(signal.gradients))
    np.testing.assert_allclose(sizes[2], [deep_signal.difference(signal, k) for k in range(1, 6)])
    some = signal.gradients[:, : deep_signal.UNITS]
    np.testing.assert_array_equal(np.sign(found["gradients"][:5]), np.sign(some))
    order = np.argsort(np.abs(some).ravel())
    assert (np.diff(np.abs(found["gradients"][:5]).ravel()[order]) >= 0).all(), "a larger number is darker"
    assert not found["gradients"][5:].any()


def test_the_axis_holds_what_is_shown():
    for activation, gain in itertools.product(deep_signal.ACTIVATIONS, (0.25, 1.0, 4.0)):
        found = deep_signal.compute(30, activation, gain, 40)
        low, high = found["limits"]
        known = found["sizes"][found["sizes"] > columns.NOTHING]
        assert low < high and low % 4 == high % 4 == 0
        assert low <= max(known.min(), columns.LOWEST) and high >= min(known.max(), columns.HIGHEST)
        assert known.min() - 1 - low < 4, "no smaller axis would do"


def test_the_read_out_follows_the_pulse():
    explorable = explore.depth()
    assert "waits at layer 1" in explorable.at(pulse=0)[1]
    half = explorable.at(pulse=10)[1]
    assert "0.51 in layer 10" in half and "Back" not in half
    assert "in layer 11" in explorable.at(pulse=30)[1]
    assert "the gradient vanishes, by a factor of 0.232 a layer" in explorable.readout()


def test_the_tables_of_the_chapter():
    said = deep_signal.factors(sigmoid=[1.0], relu=[2.0]).splitlines()
    assert len(said) == 3 and said[1].split()[:4] == ["sigmoid", "1.0", "0.24", "0.23"]
    assert float(said[2].split()[-1]) > 100
    law = deep_signal.power_law(layers=(1, 50)).splitlines()
    assert len(law) == 3 and "1/sqrt(2k) 0.100" in law[1]


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
    """Eq. (1.19a), within five percent, for the networks of the table; a factor of D alone would miss the gain."""
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
    """Eq. (1.19b): q = 4/15, a slope of 7/30; the measured slopes and activations are near."""
    found = deep_signal.signal(30, "sigmoid", 1.0, width=256)
    activations = deep_signal.root_mean_square(found.activations)[2:]
    assert activations.mean() ** 2 == pytest.approx(4 / 15, rel=0.05)
    assert deep_signal.root_mean_square(found.slopes)[2:].mean() == pytest.approx(7 / 30, rel=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_tanh_of_gain_one_shrinks_by_a_power_and_not_exponentially(seed):
    """Eq. (1.19c): 1 / sqrt(2 k) after 10, 20, 50 layers; the gradient by about 1 / sqrt(k)."""
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


def step(explorable, state, name="train"):
    """Press a button as the page does: the new state and the read-out."""
    reply, _ = explorable.handle({"kind": "action", "name": name, "values": state, "seq": 0})
    assert reply["kind"] == "frame", reply
    return reply["values"], reply


def test_before_anybody_trains_the_runs_of_the_chapter_are_shown(histories):
    explorable = explore.travelling(histories)
    for layers, history in histories.items():
        said = explorable.at(layers=layers)[1]
        assert "The run of the table" in said and "needs Python" in said
        assert f"Training loss {history.train_loss[-1]:.3f}" in said and f"{history.scores[-1]:.1%}" in said
        sizes = 10 ** explorable.painter.arrays["sizes"][:, :layers]
        np.testing.assert_allclose(sizes[0], history.snapshots[-1].activation_rms, rtol=1e-6)
        np.testing.assert_allclose(sizes[1], history.snapshots[-1].gradient_rms, rtol=1e-6)


def test_what_is_trained_without_steering_is_the_run_of_the_chapter(histories):
    explorable = explore.travelling(histories)
    state, epochs = dict(explorable.start), 2
    for _ in range(epochs * runs.EPOCH // travelling_run.SLICE):
        state, reply = step(explorable, state)
    assert "Your run, seed 0:  6 layers, epoch  2.0" in reply["readout"]
    losses = explorable.painter.arrays["loss 6"]
    np.testing.assert_allclose(losses[[0, 3, 6]], histories[6].train_loss[:3], rtol=1e-12)
    assert (losses[6:] == losses[6]).all(), "what is still to come is not drawn"


def test_rate_and_depth_change_while_it_runs(histories):
    """A rate counts from the next step on; every depth and seed keeps a run of its own."""
    explorable = explore.travelling(histories)
    rates = explorable.controls["rate"]
    state, _ = step(explorable, dict(explorable.start))
    state, _ = step(explorable, state | {"rate": rates.encode(0.01)})
    ours = explorable.painter.arrays["loss 6"][:3].copy()
    plain = runs.Run(6)
    plain.go_on(travelling_run.SLICE, 0.5)
    plain.go_on(travelling_run.SLICE, 0.01)
    np.testing.assert_allclose(ours, [loss for _, loss in plain.losses], rtol=1e-12)
    state, other = step(explorable, state | {"layers": 0})
    assert " 2 layers, epoch  0.3" in other["readout"]
    np.testing.assert_array_equal(explorable.painter.arrays["loss 6"][:3], ours)
    again = explorable.frame(state | {"layers": 1}, "png")["readout"]
    assert " 6 layers, epoch  0.7" in again
    assert "epoch  0.0" in explorable.frame(state | {"seed": 3}, "png")["readout"]


def test_start_again_and_the_end(histories):
    explorable = explore.travelling(histories)
    state, _ = step(explorable, dict(explorable.start))
    state, reply = step(explorable, state, "start again")
    assert "epoch  0.0" in reply["readout"] and not reply["done"]
    run = runs.Run(2, data=runs.examples())
    steered = travelling_run.Steered(histories)
    steered.own[2, 0] = run
    run.done = travelling_run.MOST * travelling_run.SLICE
    assert steered.train(2, 0.5, 0, np.array([1.0])) is None


def test_every_moment_has_a_picture_of_its_own(histories):
    """The page keeps pictures by the values of the controls: what Python changed must change one of them."""
    explorable = explore.travelling(histories)
    state, seen = dict(explorable.start), []
    for _ in range(3):
        state, reply = step(explorable, state)
        seen.append((frame_key(state), reply["readout"]))
    assert len(set(seen)) == len({key for key, _ in seen}) == 3


def test_travelling_refuses_what_does_not_fit(histories):
    short = runs.Trained(train_loss=histories[6].train_loss[:2])
    for wrong in ({}, {2: runs.Trained()}, {2: histories[2], 6: short}):
        with pytest.raises(ValueError, match="histories must hold runs with equally many epochs"):
            explore.travelling(wrong)


# ---- wrong versions that the tests above must reject


def by_the_other_axis(done, rows, columns, by):
    return RIGHT["table"](done, rows, columns, 1 - by)


def sweep_of_everything(there, last, source, done):
    return RIGHT["swept"](there, last, source, done) + 0.1 * there


def secant_through_x(chosen, step):
    found = RIGHT["magnified"](chosen, step)
    return found | {"central": found["central"] - found["central"][len(finite_differences.NEAR) // 2]}


def not_magnified(chosen, step):
    found = RIGHT["magnified"](chosen, step)
    return found | {"curve": found["curve"] * step}


def back_from_the_first(layers, pulse):
    found = RIGHT["reached"](layers, pulse)
    return np.concatenate([found[:layers][::-1], found[layers:]])


def without_signs(numbers, limits):
    return np.abs(columns.shades(numbers, limits))


def always_large(powers, step=4):
    return np.array([columns.LOWEST, columns.HIGHEST], float)


RIGHT = {
    **{name: getattr(two_modes, name) for name in ("table", "swept")},
    **{"magnified": finite_differences.magnified, "reached": deep_signal.reached},
}
GLASS = test_the_glass_keeps_the_tangent_and_shows_curve_stairs_and_one_stair
MUTANTS = [
    (two_modes, "table", by_the_other_axis, test_forward_mode_fills_columns_and_reverse_mode_rows),
    (two_modes, "swept", sweep_of_everything, test_forward_mode_fills_columns_and_reverse_mode_rows),
    (finite_differences, "magnified", secant_through_x,
     lambda: test_secants_pass_through_the_dots_with_the_slope_of_their_formula(1.0)),
    (finite_differences, "magnified", not_magnified, lambda: GLASS("exp")),
    (deep_signal, "reached", back_from_the_first, test_what_the_pulse_has_reached),
    (deep_signal, "shades", without_signs, test_what_is_drawn_is_the_signal),
    (deep_signal, "axis", always_large, test_the_axis_holds_what_is_shown),
]  # fmt: skip


@pytest.mark.parametrize(
    "module, name, wrong, rejects", MUTANTS, ids=lambda given: getattr(given, "__name__", None)
)
def test_wrong_versions_are_rejected(module, name, wrong, rejects, monkeypatch):
    deep_signal.drawn.cache_clear()
    monkeypatch.setattr(module, name, wrong)
    with pytest.raises(AssertionError):
        rejects()
    deep_signal.drawn.cache_clear()


@pytest.mark.parametrize("wrong", [
    {"train": lambda steered, layers, rate, seed, moment: steered.run(layers, seed).go_on(14, 0.5) or steered.later()},
    {"run": lambda steered, layers, seed: steered.own.setdefault(seed, runs.Run(layers, seed, steered.data))},
], ids=["deaf to the rate", "one run for all depths"])  # fmt: skip
def test_wrong_ways_to_steer_are_rejected(wrong, histories, monkeypatch):
    for name, function in wrong.items():
        monkeypatch.setattr(travelling_run.Steered, name, function)
    with pytest.raises(AssertionError):
        test_rate_and_depth_change_while_it_runs(histories)


def test_the_first_picture_ends_at_the_loss_and_shows_no_gradient():
    """Or it would answer the chapter's first two predictions."""
    explorable = explore.worked(step=0, forward_only=True)
    shown = explorable.controls["step"].values
    assert shown[-1] == len(worked_graph.FORWARD)
    assert all(preset["step"] in shown for preset in explorable.presets.values())
    for at in shown:
        drawn = worked_graph.numbers(worked_graph.worked_network, list(PARAMS.values()), at, "w1", False)
        assert max(drawn["shown"]) <= 1 and max(drawn["slopes_shown"]) <= 1 and "dL/d" not in drawn["readout"]
    assert not explorable.actions
    with pytest.raises(ValueError, match="step must be at most"):
        explore.worked(forward_only=True)
