"""Marks: what the page is told of them, the arrays' way there, links by rule, formulas, and the picture without a page."""

import io
import itertools
import json
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.explorable.made_up import everything, numbers
from utils.explorable import (
    Array,
    Bars,
    Code,
    Curve,
    Explorable,
    Formula,
    Graph,
    Grid,
    Layers,
    Link,
    Points,
    Window,
)
from utils.explorable.arrays import BAKED, LIVE, pack, unpack
from utils.explorable.columns import HIGHEST, LOWEST, NOTHING, axis, exponents, filled, in_powers, shades
from utils.explorable.formula import to_mathml
from utils.explorable.links import Pairs, linked
from utils.explorable.sweep import SweepError, sweep

SHAPES = {"x": (3, 4), "w": (2, 4), "y": (3, 2), "b": (2,), "nodes": (3,), "edges": (2,), "dots": (5, 2)}


# ---- arrays on their way


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.sampled_from([LIVE, BAKED]))
def test_arrays_arrive(values, kind):
    arrays = {"a": np.resize(values, 100), "b": np.array(values[:1]), "c": np.zeros((20, 5))}
    manifest, data = pack(arrays, kind)
    assert [entry["name"] for entry in manifest] == ["a", "b", "c"] and len(data) % 4 == 0
    assert json.loads(json.dumps(manifest)) == manifest
    reach = np.abs(values).max()
    for name, found in unpack(manifest, data).items():
        assert found.shape == arrays[name].shape
        np.testing.assert_allclose(
            found, arrays[name], rtol=1e-6, atol=max(reach / 60_000 if kind == BAKED else 0, 1e-37)
        )


@pytest.mark.parametrize(
    "array, words",
    [([1, np.nan], "finite numbers, got nan"), ([np.inf], "got inf"), (["a"], "numbers, got list"), ([1j], "numbers, got list")],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused_by_name(array, words):
    with pytest.raises(ValueError, match=f"loss: expected .*{words}"):
        pack({"loss": array})


# ---- links


def test_a_link_by_letters_is_what_a_product_uses():
    spec = Link("ni,oi->no", "x", "w", "y").spec(SHAPES)
    assert linked(spec, "y", (1, 0)) == {f"x:1,{i}" for i in range(4)} | {f"w:0,{i}" for i in range(4)}
    assert linked(spec, "w", (1, 2)) == {f"x:{n},2" for n in range(3)} | {f"y:{n},1" for n in range(3)}
    assert linked(spec, "elsewhere", (0, 0)) == set()


@pytest.mark.parametrize("stride, padding, dilation", [*itertools.product([1, 2, 3], [0, 1, 2], [1, 2])])
def test_a_window_is_what_moves_an_output(stride, padding, dilation):
    """An input and an output are linked exactly where torch's gradient of the one by the other is not zero."""
    import torch
    import torch.nn.functional as F

    x = torch.ones(1, 1, 7, 7, requires_grad=True)
    k = torch.ones(1, 1, 2, 3)
    y = F.conv2d(x, k, stride=stride, padding=padding, dilation=dilation)
    shapes = {"x": (7, 7), "k": (2, 3), "y": tuple(y.shape[2:])}
    spec = Window("y", "x", "k", stride=stride, padding=padding, dilation=dilation).spec(shapes)
    for place in np.ndindex(*shapes["y"]):
        slopes = torch.autograd.grad(y[(0, 0, *place)], x, retain_graph=True)[0][0, 0].numpy()
        seen = {key for key in linked(spec, "y", place) if key.startswith("x:")}
        assert seen == {f"x:{i},{j}" for i, j in zip(*np.nonzero(slopes))}
        for key in seen:
            back = linked(spec, "x", tuple(map(int, key[2:].split(","))))
            assert f"y:{place[0]},{place[1]}" in back


def test_pairs_go_both_ways():
    spec = Pairs(((("edges", (1,)), ("w", (0, 3))),)).spec(SHAPES)
    assert linked(spec, "edges", (1,)) == {"w:0,3"} and linked(spec, "w", (0, 3)) == {"edges:1"}


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: Link("ni,oi", "x"), "speaks of 2 marks, and 1 are named"),
        (lambda: Link("n1,n1", "x", "y"), "expected letters"),
        (lambda: Link("n,no", "x", "y").spec(SHAPES), "gives x 1 axes; its shape is"),
        (lambda: Link("no,no", "x", "y").spec(SHAPES), "o in 'no,no' is both 4 and 2"),
        (lambda: Link("no,no", "x", "z").spec(SHAPES), "no mark is called 'z'"),
        (lambda: Window("y", "x", size=(2, 2)).spec(SHAPES), "gives y a length of"),
    ],
)
def test_links_that_do_not_fit(make, words):
    with pytest.raises(ValueError, match=words):
        make()


# ---- what the page is told


@pytest.mark.parametrize(
    "mark, words",
    [
        (Grid("x", rows=("a",)), "rows: expected 3 names for x, got 1"),
        (Grid("cube"), "no mark is called 'cube'"),
        (Bars("x"), r"Bars\('x'\): expected 1 axes, got shape \(3, 4\)"),
        (Bars("b", names=("a",)), "names: expected 2 names"),
        (Points("x"), r"expected shape \(points, 2\)"),
        (Curve("y", x="b", log="y"), None),
        (Curve("x", x="b"), r"x: b has shape \(2,\); expected \(4,\)"),
        (Graph("nodes", places=((0, 0),)), "expected 3 for the nodes"),
        (Graph("nodes", places=((0, 0),) * 3, edges=((0, 3),)), "pairs of nodes from 0 to 2"),
        (
            Graph("nodes", places=((0, 0),) * 3, edges=((0, 1),), weights="edges"),
            "edges: expected at most 1 weights, got 2",
        ),
        (Code(numbers, {99: "x"}), "there is no line 99"),
        (Formula("x", of="z"), "no mark is called 'z'"),
    ],
)
def test_marks_that_do_not_fit(mark, words):
    if words is None:
        assert mark.spec(SHAPES)["log"] == "y"
        return
    with pytest.raises(ValueError, match=words):
        mark.spec(SHAPES)


def test_a_kind_that_has_no_colour():
    with pytest.raises(
        ValueError, match="kind: expected one of value, gradient, parameter, data, got 'blue'"
    ):
        Grid("x", kind="blue")


def test_small_grids_show_numbers_and_large_ones_are_painted_on_a_canvas():
    assert Grid("a").spec({"a": (5, 5)})["numbers"] and not Grid("a").spec({"a": (12, 12)})["numbers"]
    assert not Grid("a").spec({"a": (40, 40)})["canvas"] and Grid("a").spec({"a": (41, 40)})["canvas"]


# ---- formulas


def test_terms_are_elements_with_a_name_and_a_colour():
    mathml = to_mathml(r"\term{y}{\frac{a}{b_{i}}} = \sum_i \term{x}{x_{i}} + c", {"y": "gradient"})
    terms = {
        node.get("data-of"): node for node in ElementTree.fromstring(mathml).iter() if node.get("data-of")
    }
    assert list(terms) == ["y", "x"] and terms["y"].get("class") == "marks-gradient"
    assert "".join(terms["x"].itertext()) == "xi" and "term" not in mathml.replace("data-of", "")


@pytest.mark.parametrize(
    "latex, words", [(r"\term{x}{a", "is never closed"), (r"\term{x}{\term{y}{a}}", "inside another")]
)
def test_formulas_that_cannot_be_read(latex, words):
    with pytest.raises(ValueError, match=words):
        to_mathml(latex)


# ---- an explorable of marks


def test_sweep():
    assert sweep(everything()) > 50


def test_a_frame_holds_the_numbers():
    explorable = everything()
    reply, (data,) = explorable.handle({"kind": "values", "seq": 1, "values": explorable.start | {"size": 2}})
    found = unpack(reply["manifest"], data)
    np.testing.assert_allclose(found["bars"], [3, -6, 1.5])
    assert reply["readout"].startswith("size 3") and reply["type"] == "arrays"
    assert repr(explorable).endswith("size=1 | size 1, largest output 1.80>")


def test_dragged_numbers_travel_in_whole_steps():
    array = Array([[0.1, -0.25]], step=0.05, low=-1, high=1)
    assert array.encode([[0.1, -0.25]]) == [2, -5] and array.decode([2, -5]).tolist() == [[0.1, -0.25]]
    for bad in ([1], "ab", [1.0, 2], [True, 1], [21, 0], [2**50, 0]):
        with pytest.raises(ValueError, match="expected"):
            array.decode(bad)
    for bad in ([0.1], [[2.0, 0]], [[np.nan, 0]]):
        with pytest.raises(ValueError, match="expected"):
            array.encode(bad)


def test_what_may_be_missing_from_compute_is_named():
    make = lambda compute: Explorable(compute, title="t", marks=[Grid("x")], size=[1, 2])
    with pytest.raises(TypeError, match='under "readout"'):
        make(lambda size: {"x": [1.0]})
    with pytest.raises(ValueError, match="the marks draw 'x'; it returned y, readout"):
        make(lambda size: {"y": [1.0], "readout": ""})
    with pytest.raises(ValueError, match="expected compute, got 2 functions"):
        Explorable(lambda fig: None, lambda size: {}, title="t", marks=[Grid("x")], size=[1])
    with pytest.raises(ValueError, match="compute: expected"):
        make(lambda other: {})
    with pytest.raises(ValueError, match="marks: expected at least one"):
        Explorable(lambda size: {"readout": ""}, title="t", marks=[], size=[1])


def test_an_array_that_changes_its_shape_is_refused():
    grows = Explorable(
        lambda size: {"x": np.ones(size), "readout": "x"}, title="t", marks=[Grid("x")], size=[1, 2]
    )
    reply, _ = grows.handle({"kind": "values", "seq": 1, "values": {"size": 1}})
    assert reply["error"] == "ValueError: x: expected shape (1,), as at the start, got (2,)"


def test_a_function_that_fails_at_the_start_is_told_on_the_page():
    def fails(size):
        raise ValueError("no such thing")

    failing = Explorable(fails, title="t", marks=[Grid("x")], size=[1, 2])
    assert failing.readout() == "ValueError: no such thing" and failing.spec["page"]["marks"] == []


def test_an_action_leads_to_a_state():
    def more(size):
        return {"size": size + 1} if size < 3 else None

    explorable = Explorable(
        lambda size: {"x": [size], "readout": f"{size}"}, title="t", marks=[Grid("x")], size=[1, 2, 3],
        actions={"more": more}, play=("more",),
    )  # fmt: skip
    message = {"kind": "action", "name": "more", "seq": 1, "values": {"size": 1}}
    reply, _ = explorable.handle(message)
    assert (reply["values"], reply["done"], reply["readout"]) == ({"size": 2}, False, "3")
    reply, _ = explorable.handle(message | {"values": {"size": 2}})
    assert (reply["values"], reply["done"]) == ({"size": 2}, True)
    assert "error" in explorable.handle(message | {"name": "less"})[0]


def test_a_mark_that_never_changes_is_a_dead_control():
    still = Explorable(lambda size: {"x": [1.0], "readout": "x"}, title="t", marks=[Grid("x")], size=[1, 2])
    with pytest.raises(SweepError, match="size changes neither"):
        sweep(still)


def test_numbers_that_are_not_finite_fail_the_sweep():
    bad = Explorable(lambda size: {"x": [1 / (2 - size) if size != 2 else np.inf], "readout": f"{size}"},
                     title="t", marks=[Grid("x")], size=[1, 2])  # fmt: skip
    with pytest.raises(SweepError, match="at size=2: ValueError: x: expected finite numbers"):
        sweep(bad)


def test_baked_states_are_small_and_include_the_presets():
    presets = {"reset": {}, "kernel off": {"kernel": np.zeros((3, 3))}}
    explorable = everything(presets=presets).bake()
    assert len(explorable.frames) == 6  # three sizes, each with both kernels
    small = Explorable(
        lambda size: {"x": np.ones((10, 10)), "readout": f"{size}"},
        title="t",
        marks=[Grid("x")],
        size=range(50),
    )
    assert sum(len(frame["data"]) for frame in small.bake().frames.values()) == 50 * 200
    assert "data-explorable" in explorable.to_html() and "needs a running" not in explorable.to_html()


# ---- the picture without a page


def test_the_poster_shows_every_mark():
    explorable = everything()
    poster = explorable.poster()
    assert poster.startswith(b"\x89PNG") and len(poster) <= 40_000
    picture = np.asarray(Image.open(io.BytesIO(poster)).convert("RGB")).astype(int)
    for colour in ((0, 114, 178), (213, 94, 0), (0, 158, 115)):
        assert (np.abs(picture - colour).sum(-1) < 30).any(), f"nothing is drawn in {colour}"


def test_the_poster_of_what_compute_refuses_says_why():
    fails = Explorable(
        lambda size: {"x": [1.0], "readout": "a"} if size < 2 else 1 / 0,
        title="t",
        marks=[Grid("x")],
        size=[1, 2],
    )
    fails.start = {"size": 1}
    assert fails.readout() == "ZeroDivisionError: division by zero" and fails.poster().startswith(b"\x89PNG")


# ---- layers as columns


def network(layers=3, shown=(2.0, 1.0, 0.0, -1.0), size=1.0):
    """What Layers draws, for four layers of two units."""
    sizes = np.array([[1.0, 1.0, 1.0, 1.0], [1e-3, 0.0, 1e-30, 1.0]]) * size
    return dict(
        v=np.full((4, 2), 0.5), g=np.full((4, 2), -0.25), s=exponents(sizes), k=np.array(shown),
        lim=np.array([-8.0, 4.0]), readout="three layers",
    )  # fmt: skip


def columns_of(**more):
    mark = Layers("v", gradients="g", sizes="s", shown="k", limits="lim")
    return Explorable(network, title="layers", marks=[mark], layers=range(1, 4), size=[1.0, 2.0], **more)


def test_the_page_is_told_of_layers_and_links_count_them_by_one_number():
    explorable = columns_of()
    (spec,) = explorable.painter.specs
    assert spec["shape"] == [4] and spec["units"] == 2 and spec["names"] == ["activations", "gradients"]
    assert explorable.poster() != columns_of(start={"size": 2.0}).poster()


@pytest.mark.parametrize("name, shape", [("g", (4, 3)), ("s", (2, 3)), ("k", (3,)), ("lim", (3,))])
def test_layers_whose_arrays_do_not_fit_are_refused_by_name(name, shape):
    shapes = {"v": (4, 2), "g": (4, 2), "s": (2, 4), "k": (4,), "lim": (2,)} | {name: shape}
    with pytest.raises(ValueError, match=f"{name}: expected shape .*, got "):
        Layers("v", gradients="g", sizes="s", shown="k", limits="lim").spec(shapes)


def test_exponents_shades_and_axis():
    assert exponents([100.0, 0.0, 1e-7]).tolist() == pytest.approx([2, NOTHING, -7])
    assert shades([1.0, -1e-8, 0.0, 1e-9, 1e9], (-8, 0)).tolist() == [1, 0, 0, 0, 1]
    assert shades([-1e-4], (-8, 0)).tolist() == [-0.5]
    assert axis([-7.0, NOTHING, 0.3]).tolist() == [-8, 4] and axis([NOTHING]).tolist() == [-4, 4]
    assert exponents([1e-300, 5e-324]).tolist() == [-80, -80] and axis([200.0]).tolist() == [
        HIGHEST - 4,
        HIGHEST,
    ]
    assert axis([-80.0, 200.0]).tolist() == [LOWEST, HIGHEST] and axis([0.0]).tolist() == [-4, 0]
    assert filled([[1, 2]], 3).tolist() == [[1, 2], [0, 0], [0, 0]]


@pytest.mark.parametrize("number, words", [(0, "0.00"), (0.5549, "0.55"), (12.0, "12.00"), (8.6e-13, "8.6\u00b710\u207b\u00b9\u00b3"), (7.2e3, "7.2\u00b710\u00b3")])  # fmt: skip
def test_sizes_as_a_reader_writes_them(number, words):
    assert in_powers(number) == words


# ---- grids of changing size, dots beyond the axes, an axis that sets a slider


def test_a_grid_says_where_its_cells_are():
    spec = Grid("x", shown="there", bar=False).spec({"x": (3, 4), "there": (3, 4)})
    assert spec["shown"] == "there" and spec["bar"] is False and "there" in Grid("x", shown="there").arrays()
    with pytest.raises(ValueError, match=r"shown: expected shape \(3, 4\), got \(4,\)"):
        Grid("x", shown="there").spec({"x": (3, 4), "there": (4,)})


def dotted(**more):
    compute = lambda x: dict(y=np.array([1.0, x]), at=np.array([[0.5, x]]), readout=f"{x}")
    also = (Points("at", names=("here",)),)
    return Explorable(
        compute, title="dots", marks=[Curve("y", ylim=(0, 2), also=also, **more)], x=[1.0, 5.0, 9.0]
    )


def test_a_dot_beyond_the_axis_is_hollow_at_its_edge():
    """In the poster: the filled dot, and the one with a hole, wherever beyond the edge it would lie."""
    inside, beyond, further = (pixels(dotted(), x) for x in (1.0, 5.0, 9.0))
    assert (inside != beyond).any() and (beyond == further).mean() > 0.99


def pixels(explorable, x):
    explorable.start = explorable.start | {"x": explorable.controls["x"].encode(x)}
    return np.array(Image.open(io.BytesIO(explorable.poster())).convert("RGB"))[150:400]


def test_what_is_not_above_zero_is_left_out_of_a_log_axis():
    log = lambda last: Explorable(
        lambda k: dict(y=np.array([1.0, 10.0, last]), readout="x"), title="log", marks=[Curve("y", log="y", ylim=(0.1, 100))], k=[1, 2],
    ).poster()  # fmt: skip
    assert log(0.0) == log(-1.0) != log(1.0)


def test_cells_that_are_not_there_leave_the_paper_white():
    """In the poster: no cell and no outline, where all cells would give a mesh."""
    made = lambda there: Explorable(
        lambda k: dict(x=np.ones((4, 4)), there=there * k, readout="x"),
        title="cells", marks=[Grid("x", shown="there", numbers=False)], k=[1, 2],
    ).poster()  # fmt: skip
    ink = lambda poster: (np.array(Image.open(io.BytesIO(poster)).convert("L"))[90:240, :250] < 250).mean()
    corner = np.zeros((4, 4))
    corner[0, 0] = 1
    assert ink(made(corner)) < 0.15 * ink(made(np.ones((4, 4))))
