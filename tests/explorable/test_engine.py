"""The explorable without a browser: messages, pictures, picks, the bundle, baking, offline files, and bad input."""

import base64
import gc
import io
import json
import re
import subprocess
import sys
import weakref

import matplotlib
import numpy as np
import pytest
from PIL import Image

from tests.explorable.made_up import everything
from utils import style
from utils.explorable import Canvas, Choice, Explorable, Slider, Switch, Text, page
from utils.explorable.bake import baked_states, frame_key

TEMPERATURES = [0.25, 0.5, 1.0, 2.0]
SCORES = np.random.default_rng(0).normal(size=(7, 7))


def setup(fig):
    left, right = fig.subplots(1, 2)
    image = style.heatmap(left, SCORES, kind="activation", limit=1)
    (row,) = right.plot(range(7), np.zeros(7), "o-")
    right.set_ylim(0, 1)
    return {"image": image, "row": row}


def update(artists, temperature, query, key):
    p = np.exp(SCORES / temperature)
    p /= p.sum(-1, keepdims=True)
    artists["image"].set_data(p)
    artists["row"].set_ydata(p[query])
    return f"p = {p[query, key]:.3f}"


def attention(update=update, **options):
    controls = {"temperature": TEMPERATURES, "query": range(7), "key": range(7)}
    defaults = {"title": "attention weights", "start": {"temperature": 1.0}, "pick": PICK}
    return Explorable(setup, update, **(defaults | controls | options))


PICK = {"axes": 0, "column": "key", "row": "query"}


def ask(explorable, seq="v:1", **values):
    state = explorable.start | values
    return explorable.handle({"kind": "values", "seq": seq, "values": state})


def decoded(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


# --- Messages ---


def test_a_message_is_answered_by_exactly_one_frame():
    reply, buffers = ask(attention(), seq="a:7", temperature=3, query=2)
    assert reply["kind"] == "frame" and reply["seq"] == "a:7" and reply["type"] == "image/png"
    p = np.exp(SCORES[2] / 2)
    assert reply["readout"] == f"p = {p[0] / p.sum():.3f}"
    assert len(buffers) == 1 and decoded(buffers[0]).shape == (340, 800, 3)
    json.dumps(reply)


def test_different_settings_give_different_pictures_and_the_same_the_same():
    explorable = attention()
    first, second, again = (ask(explorable, query=q)[1][0] for q in (1, 2, 1))
    assert first == again != second


STATE = {"temperature": 2, "query": 0, "key": 0}


@pytest.mark.parametrize(
    "message",
    [
        None,
        7,
        "values",
        [],
        {},
        {"kind": "values"},
        {"kind": "other", "values": STATE},
        {"kind": "values", "values": [2, 0, 0]},
        {"kind": "values", "values": {"temperature": 2, "query": 0}},
        {"kind": "values", "values": STATE | {"extra": 1}},
        {"kind": "values", "values": STATE | {"query": 7}},
        {"kind": "values", "values": STATE | {"query": -1}},
        {"kind": "values", "values": STATE | {"query": 1.5}},
        {"kind": "values", "values": STATE | {"query": True}},
        {"kind": "values", "values": STATE | {"query": "1"}},
        {"kind": "values", "values": STATE | {"query": None}},
    ],
)
def test_a_malformed_message_is_answered_by_exactly_one_error(message):
    explorable = attention()
    reply, buffers = explorable.handle(message)
    assert reply["kind"] == "error" and reply["error"].startswith("ValueError: ") and buffers == []
    assert explorable.handle({"kind": "values", "seq": 1, "values": STATE})[0]["kind"] == "frame"


def test_an_update_that_raises_is_answered_by_an_error_and_the_next_setting_is_fine():
    def fussy(artists, **values):
        if values["query"] == 3:
            raise KeyError("no such row")
        return update(artists, **values)

    explorable = attention(fussy)
    assert ask(explorable, query=3) == (
        {"kind": "error", "seq": "v:1", "error": "KeyError: 'no such row'"},
        [],
    )
    assert explorable.values()["query"] == 0
    assert ask(explorable, query=4)[0]["kind"] == "frame"
    assert explorable.values() == {"temperature": 1.0, "query": 4, "key": 0}


def test_an_interrupted_update_is_answered_by_an_error():
    def slow(artists, **values):
        raise KeyboardInterrupt

    assert ask(attention(slow))[0]["error"] == "KeyboardInterrupt"


def test_an_update_without_a_readout_is_told_so():
    error = ask(attention(lambda artists, temperature, query, key: None))[0]["error"]
    assert error == "TypeError: update must return the read-out, a text; it returned None"


def test_values_travel_and_come_back():
    got = {}

    def keep(artists, **values):
        got.update(values)
        return "kept"

    controls = {"digit": Canvas((2, 3)), "name": Text("a"), "on": Switch(True), "norm": Choice(["L1", "L2"])}
    explorable = Explorable(setup, keep, title="all", speed=Slider(["slow", "fast"]), **controls)
    ink = [0, 0.25, 0.5, 0.75, 1, 0.125]
    reply, _ = ask(explorable, digit=ink, name='bé, "x"', on=0, norm=1, speed=1)
    assert reply["kind"] == "frame"
    assert got["digit"].tolist() == [ink[:3], ink[3:]] and got["digit"].dtype == float
    assert (got["name"], got["on"], got["norm"], got["speed"]) == ('bé, "x"', False, "L2", "fast")


@pytest.mark.parametrize(
    "ink", [[0] * 5, [0] * 5 + [2], [0] * 5 + [None], [0] * 5 + [float("nan")], "000000"]
)
def test_a_malformed_drawing_is_an_error(ink):
    explorable = Explorable(setup, lambda artists, digit: "fine", title="drawing", digit=Canvas((2, 3)))
    assert ask(explorable, digit=ink)[0]["error"].startswith("ValueError: digit: expected")
    assert ask(explorable, digit=[0] * 6)[0]["readout"] == "fine"


def test_at_takes_values_not_positions():
    explorable = attention()
    data, readout = explorable.at(temperature=2.0, query=2)
    assert (data, readout) == (
        ask(explorable, temperature=3, query=2)[1][0],
        ask(explorable, temperature=3, query=2)[0]["readout"],
    )
    with pytest.raises(ValueError, match=r"at: temperature: expected one of 0.25, 0.5, 1, 2, got 3.0"):
        explorable.at(temperature=3.0)


# --- The picture ---


@pytest.mark.parametrize("fmt", ["png", "jpeg", "webp"])
def test_encodings_show_the_picture(fmt):
    explorable = attention(fmt=fmt)
    data, _ = explorable.at()
    assert Image.open(io.BytesIO(data)).format.lower() == fmt
    assert np.abs(decoded(data) - explorable.scene.pixels()[..., :3]).mean() < 2


def test_live_picture_follows_dpi_and_the_page_does_not():
    explorable = attention(dpi=200, figsize=(6, 3))
    assert decoded(explorable.at()[0]).shape == (600, 1200, 3)
    assert (explorable.spec["width"], explorable.spec["height"]) == (600, 300)
    assert decoded(explorable.poster()).shape == (300, 600, 3)


def test_what_an_update_makes_has_the_style_too():
    def restyle(artists, temperature, query, key):
        return f"{matplotlib.rcParams['lines.linewidth']}, {matplotlib.rcParams['legend.edgecolor']}"

    assert attention(restyle).at()[1] == "2.0, none"


def test_drawing_leaves_no_trace_in_the_settings():
    before = dict(matplotlib.rcParams)
    attention().at()
    assert dict(matplotlib.rcParams) == before


# --- Picks ---


def browser_cell(geometry, u, v):
    """The cell at fractions of the picture: what explorable.js works out."""
    (left, top, right, bottom), (x0, x1, _), (y0, y1, _) = geometry["box"], geometry["x"], geometry["y"]
    return round(x0 + (u - left) / (right - left) * (x1 - x0)), round(
        y0 + (bottom - v) / (bottom - top) * (y1 - y0)
    )


@pytest.mark.parametrize("size", [(8, 3.4), (5, 4)])
@pytest.mark.parametrize("dpi", [100, 173])
def test_geometry_finds_every_cell_again(size, dpi):
    explorable = attention(figsize=size, dpi=dpi)
    (geometry,) = ask(explorable)[0]["geometry"]
    ax = explorable.scene.figure.axes[0]
    height, width = explorable.scene.pixels().shape[:2]
    for column in range(7):
        for row in range(7):
            x, y = ax.transData.transform((column, row))
            assert browser_cell(geometry, x / width, 1 - y / height) == (column, row)


def test_geometry_points_at_the_pixels_of_a_cell():
    def one_hot(artists, temperature, query, key):
        artists["image"].set_data(np.eye(49)[7 * query + key].reshape(7, 7))
        return "one"

    explorable = attention(one_hot)
    reply, (data,) = ask(explorable, query=5, key=2)
    pixels = decoded(data)
    blue = np.abs(pixels - np.array(style.ACTIVATION_MAP(1.0, bytes=True)[:3])).max(-1) < 4
    v, u = np.argwhere(blue[:, :400]).mean(0) / [340, 800]
    assert browser_cell(reply["geometry"][0], u, v) == (2, 5)


def test_geometry_follows_the_limits():
    def zoom(line, left):
        line.axes.set_xlim(left, left + 1)
        return "zoomed"

    explorable = Explorable(
        lambda fig: fig.subplots().plot(range(9))[0],
        zoom,
        title="zoom",
        left=[0.0, 4.0],
        pick={"axes": 0, "x": "left"},
    )
    assert ask(explorable, left=0)[0]["geometry"][0]["x"] == [0, 1, "linear"]
    assert ask(explorable, left=1)[0]["geometry"][0]["x"] == [4, 5, "linear"]
    assert explorable.spec["picks"][0]["numbers"] == {"x": [0.0, 4.0]}


def test_geometry_of_log_axes_and_of_moving_points():
    def setup_points(fig):
        ax = fig.subplots()
        ax.set(xscale="log", xlim=(1, 1000), ylim=(0, 10))
        return ax.scatter([1], [1])

    def points(artists, point, shift):
        return [[1, shift], [1000, shift], [10**1.5, 10 - shift]]

    def update_points(artists, point, shift):
        artists.set_offsets(points(artists, point, shift))
        return f"{point}"

    explorable = Explorable(
        setup_points,
        update_points,
        title="points",
        point=range(3),
        shift=[0, 5],
        pick=[{"axes": 0, "nearest": "point", "points": points}, {"axes": 0, "y": "shift", "hover": True}],
    )
    for shift in (0, 1):
        near, scale = ask(explorable, shift=shift)[0]["geometry"]
        left, top, right, bottom = near["box"]
        assert near["points"][0] == pytest.approx([left, bottom - shift * (bottom - top) / 2], abs=1e-4)
        assert near["points"][2][0] == pytest.approx((left + right) / 2, abs=1e-4)
        assert scale["x"] == [1, 1000, "log"]
    assert [pick["hover"] for pick in explorable.spec["picks"]] == [False, True]


def test_points_without_a_place_travel_too():
    pick = {"axes": 1, "nearest": "query", "points": [[np.nan, 0.5], [0, np.inf], [3, 0.5]]}
    reply, _ = ask(attention(pick=pick, query=range(3)))
    points = json.loads(json.dumps(reply, allow_nan=False))["geometry"][0]["points"]
    assert np.abs(points[0]).max() > 9 and np.abs(points[1]).max() > 9 and np.abs(points[2]).max() < 1


def test_everything_that_travels_is_plain_json():
    explorable = attention(
        temperature=[np.float32(1), np.float32(2)],
        start={"query": np.int64(3)},
        query=list(np.arange(7)),
        presets={"a": {"key": np.int64(2)}},
        pick={"axes": 1, "x": "query"},
    )
    spec = json.loads(json.dumps(explorable.spec))
    assert spec["picks"][0]["numbers"] == {"x": [0, 1, 2, 3, 4, 5, 6]}
    assert (
        spec["start"] == {"temperature": 0, "query": 3, "key": 0} and spec["presets"][0]["values"]["key"] == 2
    )


# --- What Jupyter stores ---


def test_bundle_has_the_widget_the_picture_and_the_text():
    data, metadata = attention()._repr_mimebundle_()
    assert set(data) == {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"}
    assert data["text/plain"] == "<attention weights | temperature=1, query=0, key=0 | p = 0.106>"
    alt = metadata["image/png"]["alt"]
    assert alt == "attention weights: temperature=1, query=0, key=0; p = 0.106"
    picture = Image.open(io.BytesIO(data["image/png"]))
    assert picture.mode == "P" and picture.size == (800, 340) and len(data["image/png"]) <= 40_000


def test_text_is_the_same_each_time_and_does_not_follow_the_reader():
    explorable = attention()
    before = repr(explorable)
    ask(explorable, query=3)
    assert repr(explorable) == before == repr(attention())
    assert explorable._repr_mimebundle_()[0]["text/plain"] == before


def test_text_of_a_long_readout_is_one_line():
    explorable = attention(lambda artists, **values: "one\n  two \nthree\n")
    assert repr(explorable).endswith("| one; two; three>")


def test_displaying_draws_once_carries_the_first_frame_and_prints_nothing(capfd):
    calls = []

    def counting(artists, **values):
        calls.append(values)
        return update(artists, **values)

    explorable = attention(counting)
    assert calls == []
    bundles = [explorable._repr_mimebundle_() for _ in range(2)]
    assert len(calls) == 1 and bundles[0][0]["image/png"] == bundles[1][0]["image/png"]
    assert list(explorable.frames) == ["2,0,0"] and explorable.frames["2,0,0"]["readout"] == "p = 0.106"
    assert capfd.readouterr() == ("", "")


def test_the_first_frame_of_one_that_is_live_only_has_a_name_of_its_own():
    explorable = attention(stateful=True)
    explorable._repr_mimebundle_()
    assert list(explorable.frames) == ["start"] and not explorable.spec["cache"]


def test_an_update_that_raises_at_the_start_is_displayed_not_raised():
    explorable = attention(lambda artists, **values: 1 / 0)
    data, metadata = explorable._repr_mimebundle_()
    assert data["text/plain"].endswith("| ZeroDivisionError: division by zero>")
    assert "division by zero" in metadata["image/png"]["alt"]
    assert explorable.frames == {} and decoded(data["image/png"]).min() == 255


def test_own_words_for_the_picture():
    assert attention(alt="a map and a row")._repr_mimebundle_()[1]["image/png"]["alt"] == "a map and a row"


# --- Baked and offline ---


def test_baking_takes_every_setting_where_they_are_few():
    explorable = attention(temperature=[1.0, 2.0], query=range(3), key=range(4))
    assert explorable.bake() is explorable and explorable.baked
    assert len(explorable.frames) == 24
    frame = explorable.frames["1,2,3"]
    assert frame["readout"] == explorable.at(temperature=2.0, query=2, key=3)[1]
    assert (
        np.abs(decoded(frame["data"]) - decoded(explorable.at(temperature=2.0, query=2, key=3)[0])).mean() < 2
    )


def test_baking_takes_the_axes_through_the_start_and_the_presets():
    explorable = attention(presets={"corner": {"query": 6, "key": 6}}).bake()
    keys = set(explorable.frames)
    assert len(keys) <= 60
    assert {"2,0,0", "2,6,6"} <= keys
    assert {f"{t},0,0" for t in range(4)} | {f"2,{q},0" for q in range(7)} | {
        f"2,0,{k}" for k in range(7)
    } <= keys
    assert {f"2,{q},6" for q in range(7)} <= keys


@pytest.mark.parametrize("most", [3, 5, 10, 59])
def test_baking_never_takes_more_than_asked(most):
    explorable = attention(
        temperature=np.linspace(0.1, 2, 200), start={}, presets={"a": {"query": 1}, "b": {"key": 2}}
    )
    states = baked_states(explorable.controls, explorable.start, explorable.presets.values(), most)
    keys = [frame_key(state) for state in states]
    assert len(keys) == len(set(keys)) <= most and {"0,0,0", "0,1,0", "0,0,2"} <= set(keys)
    if most == 59:
        assert len(keys) > 40 and "199,0,0" in keys, "thinned evenly, the ends kept"


def test_what_cannot_be_baked_says_so():
    for options in ({"stateful": True}, {"query": Text("1")}):
        with pytest.raises(ValueError, match=r"bake: .* live only"):
            attention(pick=None, **options).bake()
    with pytest.raises(ValueError, match="max_frames: expected at least 2"):
        attention(presets={"a": {"query": 1}}).bake(max_frames=1)


def test_baking_names_the_setting_that_fails():
    def fussy(artists, temperature, query, key):
        if key == 5:
            raise ValueError("no five")
        return "fine"

    explorable = attention(fussy)
    with pytest.raises(ValueError, match="no five") as caught:
        explorable.bake()
    assert caught.value.__notes__ == ["while baking temperature=1, query=0, key=5"]
    assert not explorable.baked


def offline_state(html):
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)[1])


def test_offline_html_holds_everything():
    explorable = attention(title="</script><b>&", query=[0, 1], key=[0, 1])
    html = explorable.to_html()
    without_names = html.replace(
        "http://www.w3.org/", ""
    )  # the names of SVG and MathML, which nobody fetches
    assert not re.search(r"https?:|//cdn|@import|src=\"(?!data:)", without_names)
    poster = base64.b64encode(explorable.poster()).decode()
    assert f'src="data:image/png;base64,{poster}"' in html and "<b>" not in html
    state = offline_state(html)
    assert state["offline"] and state["baked"] and state["spec"]["title"] == "</script><b>&"
    assert len(state["frames"]) == 16
    data = base64.b64decode(state["frames"]["3,1,0"]["data"])
    assert np.abs(decoded(data) - decoded(explorable.at(temperature=2.0, query=1)[0])).mean() < 2
    assert not explorable.baked and explorable.frames == {}, "making a file must not change the live one"


def test_offline_html_of_a_live_only_one_is_its_picture():
    html = attention(stateful=True).to_html()
    assert "needs a running notebook" in html and "data:image/png;base64," in html and "<script" not in html


def test_a_page_holds_several():
    html = page([attention(), "<p>between</p>", attention(title="other")], "two & more")
    assert html.startswith("<!doctype html>") and "<title>two &amp; more</title>" in html
    assert html.count('<div data-explorable="picture">') == 2 and "<p>between</p>" in html
    assert html.count('<script type="module">') == html.count("<style>") - 1 == 1, "one module for both"
    assert "module" not in page([attention(stateful=True), "<p>alone</p>"], "two pictures")
    assert "marksStage(" not in html and "marksStage(" in page(
        [attention(), everything().bake()], "drawn too"
    )


# --- Bad input ---


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": {"temperature": 3.0}}, "start: temperature: expected one of 0.25, 0.5, 1, 2, got 3.0"),
        ({"start": {"heat": 1.0}}, "start: no control is called 'heat'; there are: temperature, query, key"),
        ({"start": [1.0, 2.0]}, "start: expected a dict"),
        ({"presets": {"a": {"heat": 1}}}, "presets: a: no control is called 'heat'"),
        ({"presets": {"a": {"query": 9}}}, "presets: a: query: expected one of"),
        ({"presets": [1, 2]}, "presets: expected a dict"),
        ({"pick": {"axes": 0, "column": "heat"}}, "pick: column names 'heat', which is no slider"),
        ({"pick": {"axes": 2, "column": "key"}}, "pick: expected axes from 0 to 1, got 2"),
        ({"pick": {"column": "key"}}, "pick: expected dict"),
        ({"pick": {"axes": 0}}, "pick: expected dict"),
        ({"pick": {"axes": 0, "colum": "key"}}, "pick: expected dict"),
        ({"pick": {"axes": 0, "nearest": "key"}}, "pick: 'nearest' and 'points' go together"),
        (
            {"pick": {"axes": 0, "nearest": "key", "points": [1, 2]}},
            r"pick: expected points of shape \(n, 2\)",
        ),
        ({"pick": {"axes": 0, "x": "key"}, "key": ["a", "b"]}, "pick: x needs a slider of numbers"),
        ({"pick": 3}, "pick: expected dict"),
        ({"play": ["heat"]}, "play: no slider is called 'heat'"),
        ({"play": 3}, "play: expected names of sliders, got 3"),
        ({"query": []}, "query: expected at least one value, got an empty sequence"),
        ({"query": 3}, "query: expected a sequence of values or a control, got 3"),
        ({"query": "abc"}, "query: .*a line of text is Text"),
        ({"query": True}, "query: .*a box to tick is Switch"),
        ({"title": ""}, "title: expected a few words"),
        ({"title": [1, 2]}, "title: .*a control cannot be called title"),
        ({"dpi": [100, 200]}, r"dpi: .*got \[100, 200\]; a control cannot be called dpi"),
        ({"figsize": 8}, "figsize: expected"),
        ({"fmt": "gif"}, "fmt: expected one of png, jpeg, webp, got 'gif'"),
        ({"alt": 3}, "alt: expected"),
        ({"stateful": Slider([1, 2])}, "stateful: .*a control cannot be called stateful"),
        ({"artists": [1, 2]}, "artists: a control cannot be called like the first argument of update"),
        ({"extra": [1, 2]}, "update: expected .* but got an unexpected keyword argument 'extra'"),
        ({"update": 3}, "setup, update: expected two functions"),
    ],
)
def test_bad_input_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        attention(**options)


def test_no_control_is_an_error():
    with pytest.raises(ValueError, match="controls: expected at least one"):
        Explorable(setup, lambda artists: "nothing", title="nothing to move")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Switch(1), "expected True or False, got 1"),
        (lambda: Text("x" * 201), "expected a text of at most 200 characters"),
        (lambda: Canvas((8,)), "shape: expected"),
        (lambda: Canvas((2, 2), value=np.full((2, 2), 3)), "values from 0 to 1"),
        (lambda: Canvas((2, 2), value=np.zeros((3, 3))), r"expected an array of shape \(2, 2\)"),
        (lambda: Choice([]), "empty sequence"),
    ],
)
def test_bad_controls_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_start_may_differ_in_the_last_bits():
    explorable = attention(temperature=np.linspace(0.1, 1, 10), start={"temperature": 0.3})
    assert explorable.values()["temperature"] == pytest.approx(0.3) and explorable.start["temperature"] == 2


def test_labels_and_formats():
    explorable = attention(
        temperature=Slider([0.001, 1e-6], format="{:.0e}"), query=Slider([1, 2], label="which row"), start={}
    )
    temperature, query, _ = explorable.spec["controls"]
    assert temperature["texts"] == ["1e-03", "1e-06"] and query["label"] == "which row"
    assert attention(key=[0.1 + 0.2, 1 / 3]).spec["controls"][2]["texts"] == ["0.3", "0.333333"]


# --- House rules ---


def test_closing_lets_go_of_the_figure_and_answers_with_an_error():
    explorable = attention()
    explorable.at()
    figure = weakref.ref(explorable.scene.figure)
    explorable.close()
    explorable.close()
    gc.collect()
    assert figure() is None
    assert "closed" in ask(explorable)[0]["error"] and repr(explorable) == "<attention weights | closed>"


def test_the_state_that_a_notebook_may_store_is_small():
    explorable = attention()
    explorable._repr_mimebundle_()
    frames = explorable.frames.values()
    assert sum(len(frame["data"]) for frame in frames) < 40_000


def test_importing_it_is_quick_and_does_not_import_torch():
    code = "import sys, utils.explorable; print('torch' in sys.modules, 'matplotlib.pyplot' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20
    )
    assert answer.stdout.split() == ["False", "False"] and answer.stderr == ""
