"""The ES module by itself, in Chromium, with a model whose kernel is the test: cache, back-pressure, play, picks."""

import json

import pytest

from utils.widgets import SCRIPTS, STYLES, joined

MODULE = joined(SCRIPTS) + "\nObject.assign(window, { render: explorable, register });"

# Everything that the module may ask of its surroundings, and a count of the object URLs that are alive.
SURROUNDINGS = """
window.urls = new Set();
const create = URL.createObjectURL, revoke = URL.revokeObjectURL;
URL.createObjectURL = (blob) => { const url = create.call(URL, blob); urls.add(url); return url; };
URL.revokeObjectURL = (url) => { urls.delete(url); revoke.call(URL, url); };

window.sent = [];
window.pings = 0;
window.listeners = {};
window.kernel = { status: "busy" };
window.reply = (i, more = {}) => {
    const { values, seq } = sent[i];
    const frame = { kind: "frame", seq, readout: "shown " + JSON.stringify(values), geometry, type: "image/png" };
    listeners["msg:custom"]({ ...frame, ...more }, [new Uint8Array([i])]);
};
window.start = ({ state, answering, ...options }) => {
    window.geometry = options.geometry ?? [];
    window.state = state;
    // a kernel and a saved notebook give bytes, a file on its own gives text
    const frames = state.offline ? [] : [...Object.values(state.frames), state.left.frame ?? {}];
    for (const frame of frames) frame.data = new Uint8Array(1);
    const get = (name) => state[name];
    const set = (name, value) => { state[name] = value; };
    const on = (name, heard) => { listeners[name] = heard; };
    const send = (message) => {
        if (options.deaf) throw Error("Cannot send");
        if (message.kind === "ping") return void (pings += 1);
        sent.push(message);
        if (answering) reply(sent.length - 1);
    };
    const el = document.body.appendChild(document.createElement("div"));
    if (options.restored) el.className = "jupyter-widgets-disconnected";
    window.end = render({ model: { get, set, on, send, widget_manager: { kernel } }, el });
};
"""


def slider(label, count):
    return {"kind": "slider", "label": label, "texts": [f"v{k}" for k in range(count)]}


def spec(**changes):
    base = {
        "title": "a title", "alt": "in words", "width": 400, "height": 200, "start": {"a": 0, "b": 0}, "presets": {},
        "play": [], "picks": [], "cache": True, "patience": 10,
        "controls": {"a": slider("first", 5), "b": slider("second", 1000)},
    }  # fmt: skip
    base |= changes
    controls = [{"name": name} | control for name, control in base["controls"].items()]
    presets = [{"name": name, "values": values} for name, values in base["presets"].items()]
    return base | {"controls": controls, "presets": presets}


def baked(*keys):
    frame = {"geometry": [], "type": "image/png", "data": "AAAA"}
    return {key: frame | {"readout": f"baked {key}"} for key in keys}


@pytest.fixture
def start(new_page):
    """start(spec, **options) -> page with one explorable on it, its clock in the test's hands."""

    def make(spec, frames=None, is_baked=False, media="no-preference", **options):
        page = new_page(reduced_motion=media)
        page.clock.install(time=0)
        page.clock.pause_at(1000)
        page.set_content(f"<!doctype html><style>{joined(STYLES)}</style>")
        page.add_script_tag(content=SURROUNDINGS)
        page.add_script_tag(content=MODULE, type="module")
        page.wait_for_function("typeof window.render === 'function'")
        state = {
            "spec": spec,
            "frames": frames or {},
            "baked": is_baked,
            "offline": options.pop("offline", False),
            "left": options.pop("left", {}),
        }
        page.evaluate("start", {"state": state} | options)
        return page

    return make


def move(page, label, *values):
    """Move a slider to one value after the other."""
    page.get_by_label(label, exact=True).evaluate(
        """(input, values) => {
            for (const value of values) {
                input.value = value;
                input.dispatchEvent(new Event("input"));
            }
        }""",
        values,
    )


def sent(page):
    return [message["values"] for message in page.evaluate("sent")]


def part(page, name):
    return page.locator(f".explorable-{name}").inner_text()


def shown(page):
    return json.loads(part(page, "readout").removeprefix("shown "))


# --- Asking ---


def test_small_messages_follow_a_request_until_it_is_answered(start):
    """The server's socket holds a reply back until it hears from the page again."""
    page = start(spec())
    page.clock.run_for(100)
    assert page.evaluate("[sent.length, pings]") == [1, 3]
    page.evaluate("reply(0)")
    move(page, "first", 1)
    page.evaluate("reply(1)")
    page.clock.run_for(100)
    assert page.evaluate("[sent.length, pings]") == [2, 3]


def test_one_question_at_a_time_and_the_newest_wins(start):
    page = start(spec())
    assert sent(page) == [{"a": 0, "b": 0}]
    move(page, "second", 1, 2, 3, 4, 5)
    assert len(sent(page)) == 1
    page.evaluate("reply(0)")
    assert sent(page)[1:] == [{"a": 0, "b": 5}] and shown(page) == {"a": 0, "b": 0}
    page.evaluate("reply(1)")
    assert len(sent(page)) == 2 and shown(page) == {"a": 0, "b": 5}


def test_answers_to_somebody_else_are_not_shown(start):
    page = start(spec())
    page.evaluate("reply(0, { seq: 'another:1' })")
    assert part(page, "readout") == ""
    page.evaluate("reply(0)")
    page.evaluate("reply(0, { readout: 'again' })")
    assert shown(page) == {"a": 0, "b": 0}


def test_settings_seen_before_are_not_asked_again(start):
    page = start(spec(), answering=True)
    for value in (3, 0, 3, 0):
        move(page, "first", value)
        assert shown(page) == {"a": value, "b": 0}
    assert len(sent(page)) == 2


def test_no_cache_where_settings_do_not_decide_the_picture(start):
    page = start(spec(cache=False), frames=baked("start"), answering=True)
    assert part(page, "readout") == "baked start" and sent(page) == []
    for value in (3, 0, 3, 0):
        move(page, "first", value)
        assert shown(page) == {"a": value, "b": 0}
    assert len(sent(page)) == 4


def test_a_text_is_not_taken_for_the_name_of_a_frame(start):
    controls = {"name": {"kind": "text", "label": "name", "max_length": 9}}
    live_only = spec(cache=False, controls=controls, start={"name": "x"})
    page = start(live_only, frames=baked("start"), answering=True)
    page.get_by_label("name").fill("start")
    assert shown(page) == {"name": "start"}


def test_the_cache_is_bounded_and_forgets_the_oldest(start):
    page = start(spec(), frames=baked("0,0"), answering=True)
    move(page, "second", *range(1, 450))
    assert page.evaluate("urls.size") == 400
    asked = len(sent(page))
    move(page, "second", 440)
    move(page, "second", 0)  # baked, so never forgotten
    assert len(sent(page)) == asked and part(page, "readout") == "baked 0,0"
    move(page, "second", 1)
    assert len(sent(page)) == asked + 1


@pytest.mark.parametrize("cache", [True, False])
def test_no_blob_outlives_the_view(start, cache):
    page = start(spec(cache=cache), frames=baked("start" if not cache else "0,0"), answering=True)
    move(page, "second", *range(1, 30))
    assert page.evaluate("urls.size") == (30 if cache else 1)
    page.evaluate("end()")
    assert page.evaluate("urls.size") == 0


def test_an_error_is_told_the_picture_stays_and_the_next_frame_clears_it(start):
    page = start(spec())
    page.evaluate("reply(0)")
    picture = page.locator("img").get_attribute("src")
    move(page, "first", 1)
    page.evaluate("reply(1, { kind: 'error', error: 'ValueError: too hot' })")
    assert page.get_by_role("alert").inner_text() == "This setting cannot be drawn. ValueError: too hot"
    assert page.locator("img").get_attribute("src") == picture and shown(page) == {"a": 0, "b": 0}
    move(page, "first", 2)
    page.evaluate("reply(2)")
    assert page.get_by_role("alert").inner_text() == "" and shown(page) == {"a": 2, "b": 0}


def test_the_error_of_a_setting_that_was_left_is_not_told(start):
    page = start(spec())
    move(page, "first", 2)
    page.evaluate("reply(0, { kind: 'error', error: 'ValueError: too hot' })")
    assert part(page, "alert") == "" and len(sent(page)) == 2
    page.evaluate("reply(1)")
    assert part(page, "alert") == "" and shown(page) == {"a": 2, "b": 0}


# --- No kernel, or none that answers ---


def test_a_busy_kernel_is_told_after_its_patience_and_waited_for(start):
    page = start(spec())
    page.clock.run_for(9_900)
    assert part(page, "note") == ""
    page.clock.run_for(200)
    assert part(page, "note").startswith("The kernel is busy")
    page.evaluate("reply(0)")
    assert part(page, "note") == "" and shown(page) == {"a": 0, "b": 0}
    move(page, "first", 1)
    page.evaluate("reply(1)")
    page.clock.run_for(20_000)
    assert part(page, "note") == "", "it has answered"


def test_a_busy_kernel_and_prepared_frames(start):
    page = start(spec(), frames=baked("0,0", "4,0"), is_baked=True)
    move(page, "first", 3)
    page.clock.run_for(600)
    assert part(page, "readout") == "baked 0,0"
    page.clock.run_for(200)
    assert part(page, "readout") == "baked 4,0"
    nearest = "Nearest prepared setting shown: first = v4, second = v0."
    assert part(page, "note") == f"The kernel is busy. {nearest}"
    page.evaluate("reply(0)")
    assert part(page, "note") == "" and shown(page) == {"a": 3, "b": 0}


def test_an_idle_kernel_that_does_not_answer_is_another_one(start):
    page = start(spec(), frames=baked("0,0"))
    move(page, "first", 3)
    page.clock.run_for(10_100)
    assert part(page, "note").startswith("The kernel is busy")
    page.evaluate("kernel.status = 'idle'")
    page.clock.run_for(10_000)
    assert part(page, "note") == f"Nearest prepared setting shown: first = v0, second = v0. {WAKE}"
    move(page, "first", 4)
    assert len(sent(page)) == 1 and part(page, "note").endswith(WAKE)


WAKE = "Run the cell to wake this picture."


@pytest.mark.parametrize("loss", [{"deaf": True}, {"restored": True, "is_baked": True}])
def test_a_lost_kernel_leaves_what_was_prepared(start, loss):
    page = start(spec(), frames=baked("0,0", "0,900"), **loss)
    move(page, "second", 800)
    assert part(page, "note") == f"Nearest prepared setting shown: first = v0, second = v900. {WAKE}"
    move(page, "second", 900)
    assert part(page, "note") == WAKE and part(page, "readout") == "baked 0,900"
    assert page.errors == [] and sent(page) == []


def test_a_kernel_lost_while_asked(start):
    page = start(spec(), frames=baked("0,0"))
    move(page, "first", 1)
    page.evaluate("listeners['comm_live_update']()")
    assert part(page, "note") == f"Nearest prepared setting shown: first = v0, second = v0. {WAKE}"
    assert page.locator("input:enabled").count() == 2


def test_what_only_a_kernel_can_draw_ends_with_it(start):
    page = start(spec(cache=False, play=["a"]), frames=baked("start"), answering=True)
    move(page, "first", 2)
    page.get_by_role("button", name="play first").click()
    page.evaluate("listeners['comm_live_update']()")
    page.clock.run_for(5_000)
    assert shown(page) == {"a": 2, "b": 0} and part(page, "note") == WAKE
    assert page.locator("input:enabled, button:enabled").count() == 0


# --- Left, and found again ---


def kept(page):
    """What the page left in the model, bytes as a list."""
    left = page.evaluate(
        "({ ...state.left, frame: { ...state.left.frame, data: [...state.left.frame?.data ?? []] } })"
    )
    return left["values"], left["frame"]


def test_what_was_left_is_the_setting_with_its_picture(start):
    page = start(spec(), frames=baked("0,0"), answering=True)
    assert page.evaluate("state.left") == {}, "nobody has moved anything"
    move(page, "first", 3)
    frame = {"readout": part(page, "readout"), "geometry": [], "type": "image/png", "data": [0]}
    assert kept(page) == ({"a": 3, "b": 0}, frame)
    move(page, "second", 7)
    assert kept(page) == ({"a": 3, "b": 7}, frame | {"readout": part(page, "readout"), "data": [1]})
    move(page, "second", 0)  # seen before, and not prepared
    assert kept(page) == ({"a": 3, "b": 0}, frame)
    move(page, "first", 0)
    assert kept(page) == ({"a": 0, "b": 0}, {"data": []}), "the prepared ones are kept anyway"


def test_a_setting_that_cannot_be_drawn_leaves_the_one_before(start):
    page = start(spec(), frames=baked("0,0"))
    move(page, "first", 3)
    page.evaluate("reply(0)")
    move(page, "first", 4)
    page.evaluate("reply(1, { kind: 'error', error: 'ValueError: too hot' })")
    assert kept(page)[0] == {"a": 3, "b": 0}


LEFT = {
    "values": {"b": 7, "a": 3},
    "frame": {"readout": "as it was", "geometry": [], "type": "image/png", "data": "AAAA"},
}


@pytest.mark.parametrize("cache", [True, False])
def test_who_comes_back_finds_the_controls_and_the_picture_and_one_line(start, cache):
    page = start(
        spec(cache=cache, play=["a"], presets={"zero": {"a": 0, "b": 0}, "left": {"a": 3, "b": 7}}),
        frames=baked("0,0" if cache else "start"), left=LEFT, restored=True,
    )  # fmt: skip
    assert part(page, "readout") == "as it was" and part(page, "note") == WAKE
    assert page.get_by_label("first", exact=True).input_value() == "3"
    assert page.get_by_label("second", exact=True).input_value() == "7"
    assert page.get_by_role("button", name="left").get_attribute("aria-pressed") == "true"
    assert page.locator("input:enabled, button:enabled").count() == 0, "nothing here could be answered"
    assert sent(page) == [] and page.errors == []


def test_a_drawing_that_was_left_cannot_be_drawn_on(start):
    controls = {"digit": {"kind": "canvas", "label": "digit", "shape": [2, 3]}}
    left = LEFT | {"values": {"digit": [1, 0, 0, 0, 0, 0]}}
    live_only = spec(controls=controls, start={"digit": [0] * 6}, cache=False)
    page = start(live_only, frames=baked("start"), left=left, restored=True)
    ink = """canvas => [...canvas.getContext("2d").getImageData(0, 0, 3, 2).data].filter((_, i) => i % 4 === 3)"""
    assert page.locator("canvas").evaluate(ink) == [255, 0, 0, 0, 0, 0]
    page.locator("canvas").press("Space")
    page.locator("canvas").click(force=True)
    assert page.locator("canvas").evaluate(ink) == [255, 0, 0, 0, 0, 0]


def test_what_was_baked_still_answers(start):
    pick = {"targets": {"column": "a"}, "hover": True, "numbers": {}}
    frames = baked("0,7", "1,7", "3,0")
    for frame in frames.values():
        frame["geometry"] = [LINEAR]
    page = start(spec(picks=[pick]), frames=frames, is_baked=True, left=LEFT, restored=True)
    assert part(page, "readout") == "as it was", "it was live and not among the prepared ones"
    move(page, "first", 0)
    assert part(page, "readout") == "baked 0,7" and part(page, "note") == WAKE
    box = page.locator("img").bounding_box()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.5 * box["height"])
    assert part(page, "readout") == "baked 1,7"
    move(page, "first", 3)
    assert part(page, "readout") == "as it was"
    move(page, "second", 0)
    assert part(page, "readout") == "baked 3,0" and kept(page)[0] == {"a": 3, "b": 0}
    assert sent(page) == []


def test_a_second_view_opens_where_the_first_was_left(start):
    page = start(spec(), frames=baked("0,0"), left=LEFT, answering=True)
    assert part(page, "readout") == "as it was" and part(page, "note") == ""
    move(page, "first", 4)
    assert shown(page) == {"a": 4, "b": 7}


def test_of_two_equally_near_settings_it_is_always_the_same(start):
    readouts = set()
    for order in (["1,0", "3,0"], ["3,0", "1,0"]):
        page = start(spec(), frames=baked(*order), is_baked=True, offline=True)
        move(page, "first", 2)
        readouts.add(part(page, "readout"))
    assert readouts == {"baked 1,0"}


def test_offline_the_control_moved_last_decides_what_is_nearest(start):
    page = start(spec(), frames=baked("0,0", "4,0", "0,500", "0,999"), offline=True, is_baked=True)
    move(page, "first", 4)
    assert part(page, "readout") == "baked 4,0" and part(page, "note") == ""
    move(page, "second", 520)
    assert part(page, "readout") == "baked 0,500"
    assert part(page, "note") == "Nearest prepared setting shown: first = v0, second = v500."
    move(page, "first", 3)
    assert part(page, "readout") == "baked 4,0"
    assert sent(page) == []


def test_frames_that_arrive_later_are_used(start):
    page = start(spec(), answering=True)
    page.evaluate("(frames) => { state.frames = frames; listeners['change:frames'](); }", baked("3,0"))
    move(page, "first", 3)
    assert part(page, "readout") == "baked 3,0" and len(sent(page)) == 1


# --- Play ---


def test_play_takes_every_step_waits_for_each_and_stops_at_the_end(start):
    page = start(spec(play=["a"]))
    page.evaluate("reply(0)")
    page.clock.run_for(5_000)
    assert sent(page) == [{"a": 0, "b": 0}], "nothing plays by itself"
    page.get_by_role("button", name="play first").click()
    page.clock.run_for(700)
    assert len(sent(page)) == 2
    page.clock.run_for(3_000)
    assert len(sent(page)) == 2, "no step before the picture has come"
    page.evaluate("reply(1)")
    for k in (2, 3, 4):
        page.clock.run_for(700)
        page.evaluate(f"reply({k})")
    assert sent(page) == [{"a": k, "b": 0} for k in range(5)]
    assert page.get_by_role("button", name="play first").count() == 1
    page.get_by_role("button", name="play first").click()
    assert shown(page) == {"a": 0, "b": 0}, "from the end it starts again"
    page.clock.run_for(700)
    page.get_by_role("button", name="pause first").click()
    page.clock.run_for(5_000)
    assert shown(page) == {"a": 1, "b": 0}


def test_play_is_slow_where_motion_is_unwelcome(start):
    page = start(spec(play=["b"]), media="reduce", answering=True)
    page.get_by_role("button", name="play second").click()
    page.clock.run_for(950)
    assert shown(page)["b"] == 0
    page.clock.run_for(100)
    assert shown(page)["b"] == 1


def test_steps_stop_at_the_ends_and_acting_stops_play(start):
    page = start(spec(play=["a", "b"]), answering=True)
    back, forward = (page.get_by_role("button", name=f"first: one step {way}") for way in ("back", "forward"))
    back.click()
    assert shown(page)["a"] == 0
    for _ in range(6):
        forward.click()
    assert shown(page)["a"] == 4
    page.get_by_role("button", name="play second").click()
    back.click()
    page.clock.run_for(2_000)
    assert shown(page) == {"a": 3, "b": 0}


def test_presets_are_whole_states_and_show_when_they_hold(start):
    page = start(spec(presets={"sharp": {"a": 4, "b": 7}}), answering=True)
    preset = page.get_by_role("group", name="presets").get_by_role("button", name="sharp")
    assert preset.get_attribute("aria-pressed") == "false"
    preset.click()
    assert shown(page) == {"a": 4, "b": 7} and preset.get_attribute("aria-pressed") == "true"
    move(page, "first", 0)
    assert preset.get_attribute("aria-pressed") == "false"


# --- Picks ---

LINEAR = {"box": [0.1, 0.2, 0.5, 0.8], "x": [-0.5, 4.5, "linear"], "y": [9.5, -0.5, "linear"]}
LOG = {"box": [0.6, 0.2, 1.0, 0.8], "x": [1, 1000, "log"], "y": [0, 1, "linear"]}


def click(page, u, v):
    box = page.locator("img").bounding_box()
    page.mouse.click(box["x"] + u * box["width"], box["y"] + v * box["height"])


def test_cells_on_an_axis_that_runs_downwards(start):
    pick = {"targets": {"column": "a", "row": "b"}, "hover": False, "numbers": {}}
    page = start(spec(picks=[pick]), geometry=[LINEAR], answering=True)
    for u, v, cell in [(0.11, 0.21, (0, 0)), (0.49, 0.79, (4, 9)), (0.3, 0.53, (2, 5)), (0.3, 0.47, (2, 4))]:
        click(page, u, v)
        assert shown(page) == {"a": cell[0], "b": cell[1]}
    click(page, 0.55, 0.5)
    assert shown(page) == {"a": 2, "b": 4}, "outside the axes nothing is picked"


def test_the_nearest_value_on_a_log_axis(start):
    # at 0.82 lies 45, which is nearer to 90 in ratio, to 10 in difference
    pick = {"targets": {"x": "a"}, "hover": False, "numbers": {"x": [1, 10, 90, 150, 1000]}}
    page = start(spec(picks=[pick]), geometry=[LOG], answering=True)
    for u, a in [(0.61, 0), (0.72, 1), (0.82, 2), (0.88, 3), (0.98, 4)]:
        click(page, u, 0.5)
        assert shown(page)["a"] == a


def test_the_nearest_point_is_measured_in_pixels(start):
    # 0.1 to the right is 40 px, 0.15 upwards only 30
    points = [[0.4, 0.5], [0.3, 0.35]]
    pick = {"targets": {"nearest": "a"}, "hover": False, "numbers": {}}
    page = start(spec(picks=[pick]), geometry=[LINEAR | {"points": points}], answering=True)
    click(page, 0.3, 0.5)
    assert shown(page)["a"] == 1
    click(page, 0.39, 0.5)
    assert shown(page)["a"] == 0


@pytest.mark.parametrize("hover", [True, False])
def test_passing_by_picks_only_where_it_should(start, hover):
    pick = {"targets": {"column": "a"}, "hover": hover, "numbers": {}}
    page = start(spec(picks=[pick]), geometry=[LINEAR], answering=True)
    box = page.locator("img").bounding_box()
    page.mouse.move(box["x"] + 0.45 * box["width"], box["y"] + 0.5 * box["height"])
    assert shown(page)["a"] == (4 if hover else 0)
    assert page.locator("img").evaluate("image => image.style.cursor") == "crosshair"
    page.mouse.down()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"])
    assert shown(page)["a"] == 2, "dragging picks"


def test_a_position_that_the_slider_does_not_have_is_not_picked(start):
    pick = {"targets": {"row": "a"}, "hover": False, "numbers": {}}
    page = start(spec(picks=[pick]), geometry=[LINEAR], answering=True)
    click(page, 0.3, 0.75)
    assert shown(page)["a"] == 0


# --- Keys and names ---

ALL = {
    "a": slider("first", 5),
    "few": {"kind": "choice", "label": "few", "texts": ["L1", "L2"], "segmented": True},
    "many": {"kind": "choice", "label": "many", "texts": ["one", "two", "three"], "segmented": False},
    "on": {"kind": "switch", "label": "on", "texts": ["off", "on"]},
    "name": {"kind": "text", "label": "name", "max_length": 5},
    "digit": {"kind": "canvas", "label": "digit", "shape": [2, 3]},
}
ALL_START = {"a": 0, "few": 0, "many": 1, "on": 1, "name": "x", "digit": [0] * 6}


def test_every_control_has_a_name_and_keeps_its_keys(start):
    page = start(
        spec(controls=ALL, start=ALL_START, cache=False, play=["a"], presets={"p": ALL_START}), answering=True
    )
    focusable = page.locator("button, input, select, canvas")
    assert focusable.count() == 4 + 1 + 2 + 1 + 1 + 1 + 2
    for element in focusable.all():
        assert element.get_attribute("data-lm-suppress-shortcuts") == "true"
        name = "e => e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent"
        assert element.evaluate(name).strip()
    assert page.locator("img").get_attribute("alt") == "in words"
    assert page.get_by_role("group", name="few").count() == 1


def test_while_ctrl_is_held_jupyter_may_have_the_keys_but_not_where_one_types(start):
    page = start(spec(controls=ALL, start=ALL_START, cache=False), answering=True)
    for label, given in [("first", False), ("name", True)]:
        control = page.get_by_label(label, exact=True)
        control.focus()
        page.keyboard.down("Control")
        assert (control.get_attribute("data-lm-suppress-shortcuts") == "true") == given
        page.keyboard.up("Control")
        assert control.get_attribute("data-lm-suppress-shortcuts") == "true"
        page.keyboard.down("Meta")
        control.blur()  # the key goes up elsewhere
        assert control.get_attribute("data-lm-suppress-shortcuts") == "true"
        page.keyboard.up("Meta")


def test_values_of_every_control(start):
    page = start(spec(controls=ALL, start=ALL_START, cache=False), answering=True)
    page.get_by_label("first", exact=True).press("ArrowRight")
    assert page.get_by_label("first", exact=True).get_attribute("aria-valuetext") == "v1"
    page.get_by_label("L2").press("Space")
    page.get_by_label("many").select_option("three")
    page.get_by_label("on", exact=True).uncheck()
    page.get_by_label("name", exact=True).fill("longer than five")
    assert shown(page) == ALL_START | {"a": 1, "few": 1, "many": 2, "on": 0, "name": "longe"}


def test_drawing_by_keys_and_pointer(start):
    page = start(spec(controls=ALL, start=ALL_START, cache=False), answering=True)
    canvas = page.locator("canvas")
    canvas.press("ArrowLeft")
    assert shown(page)["digit"] == [0] * 6, "moving does not draw"
    canvas.press("Space")
    # the cursor began in the middle cell (1, 1) and went one to the left
    assert shown(page)["digit"] == [0.3, 0, 0, 1, 0.3, 0]
    page.get_by_role("button", name="clear").click()
    assert shown(page)["digit"] == [0] * 6
    box = canvas.bounding_box()
    y = box["y"] + box["height"] / 4
    page.mouse.move(box["x"] + box["width"] / 6, y)
    page.mouse.down()
    page.mouse.move(box["x"] + 5 * box["width"] / 6, y)
    page.mouse.up()
    page.mouse.move(box["x"] + box["width"] / 2, y + box["height"] / 2)
    ink = shown(page)["digit"]
    assert min(ink[:3]) > 0.9 and max(ink[3:]) < 0.5, (
        "a fast stroke leaves no gap, and ends when the button is up"
    )
