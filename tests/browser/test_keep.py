"""What a saving keeps of the widgets, in Chromium, with a notebook that is the test's."""

import base64

import pytest

from utils.widgets import SCRIPTS, joined

MODULE = joined(SCRIPTS) + "\nObject.assign(window, { register, touch });"
STATE = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"

# A notebook as JupyterLab gives it to its widget manager: a context, a model with cells, signals.
NOTEBOOK = """
window.open = (views, metadata) => {
    const told = [];
    const outputs = (ids) => ({ length: ids.length, get: (i) => ({ data: ids[i] && { [VIEW]: { model_id: ids[i] } } || {} }) });
    const model = {
        dirty: false,
        cells: views.map((ids) => (ids ? { outputs: outputs(ids) } : {})),
        getMetadata: (key) => structuredClone(metadata[key]),
        setMetadata: (key, value) => { metadata[key] = value; },
        deleteMetadata: (key) => { delete metadata[key]; },
    };
    const context = { model, saveState: { connect: (slot) => told.push(slot) } };
    window.notebook = { context, model, metadata, show: (ids) => { model.cells = [{ outputs: outputs(ids) }]; } };
    notebook.save = (...stages) => stages.forEach((stage) => told.forEach((slot) => slot(context, stage)));
};
window.widget = (attributes, manager = { context: notebook.context }) => {
    const own = { _model_name: "AnyModel", _model_module: "anywidget", _model_module_version: "~0.11.*", ...attributes };
    return { get: (name) => own[name], widget_manager: manager, model_id: own.own_id };
};
window.library = (id) => widget({ own_id: id, source: id.slice(0, 3), _esm: "nothing" });
"""


@pytest.fixture
def notebook(new_page):
    """notebook(ids of the views in each cell, metadata) -> page with that notebook."""

    def make(views, metadata=None):
        page = new_page()
        page.set_content("<!doctype html>")
        page.add_script_tag(content=f'window.VIEW = "{VIEW}";{NOTEBOOK}')
        page.add_script_tag(content=MODULE, type="module")
        page.wait_for_function("typeof window.register === 'function'")
        page.evaluate("([views, metadata]) => open(views, metadata)", [views, metadata or {}])
        return page

    return make


def register(page, own_id, library="lib", **attributes):
    page.evaluate(
        """([attributes, library]) => {
            for (const frame of Object.values(attributes.frames ?? {})) frame.data = new DataView(new Uint8Array(frame.data).buffer);
            if (attributes.left?.frame) attributes.left.frame.data = new Uint8Array([0, 0, 1, 2, 250]).subarray(2);
            register(widget(attributes), window.library(library));
        }""",
        [{"own_id": own_id, "library": library} | attributes, library],
    )


def saved(page, *stages):
    """The state of the widgets after a saving."""
    page.evaluate("stages => notebook.save(...stages)", stages or ["started", "completed"])
    return page.evaluate("notebook.metadata").get("widgets", {}).get(STATE, {}).get("state", {})


def test_a_saving_keeps_what_outputs_show_and_the_library_once(notebook):
    page = notebook([["one"], None, ["two", None]])
    for own_id in ("one", "two", "three"):
        register(page, own_id, kind="quiz", given="a", spec={"z": [2, 1], "a": None})
    assert saved(page, "completed", "failed") == {}
    state = saved(page, "started")
    assert set(state) == {"one", "two", "lib"}
    assert state["one"] == {
        "model_name": "AnyModel", "model_module": "anywidget", "model_module_version": "~0.11.*", "buffers": [],
        "state": state["one"]["state"],
    }  # fmt: skip
    assert state["one"]["state"]["spec"] == {"z": [2, 1], "a": None} and state["one"]["state"]["given"] == "a"
    assert [one for one in state if "source" in state[one]["state"]] == ["lib"]
    whole = page.evaluate("notebook.metadata.widgets")[STATE]
    assert (whole["version_major"], whole["version_minor"]) == (2, 0)
    assert saved(page) == state, "saving again changes nothing"


def test_bytes_are_kept_apart_with_the_path_to_their_place(notebook):
    page = notebook([["one"]])
    frame = {"readout": "r", "geometry": [[1, 2]], "type": "image/webp", "data": [250, 1, 2]}
    register(page, "one", baked=True, frames={"0,0": frame, "1,0": dict(frame)})
    entry = saved(page)["one"]
    assert entry["state"]["frames"]["0,0"] == {"readout": "r", "geometry": [[1, 2]], "type": "image/webp"}
    data = base64.b64encode(bytes([250, 1, 2])).decode()
    paths = [["frames", key, "data"] for key in ("0,0", "1,0")]
    assert entry["buffers"] == [{"path": path, "encoding": "base64", "data": data} for path in paths]


@pytest.mark.parametrize("is_baked", [True, False])
def test_of_one_that_is_alive_only_the_picture_that_was_left_is_kept(notebook, is_baked):
    page = notebook([["moved"], ["unmoved"]])
    frames = {"0": {"readout": "start", "data": [7]}}
    register(
        page, "moved", baked=is_baked, frames=frames, left={"values": {"a": 1}, "frame": {"readout": "r"}}
    )
    register(page, "unmoved", baked=is_baked, frames=frames, left={})
    state = saved(page)
    assert ("frames" in state["moved"]["state"]) == is_baked and "frames" in state["unmoved"]["state"]
    assert state["moved"]["state"]["left"] == {"values": {"a": 1}, "frame": {"readout": "r"}}
    # a view of a larger buffer: only what it shows
    assert base64.b64decode(state["moved"]["buffers"][-1]["data"]) == bytes([1, 2, 250])


def test_what_no_output_shows_any_more_goes_and_the_library_with_the_last(notebook):
    page = notebook([["one"], ["two"]])
    register(page, "one")
    register(page, "two", library="other")
    assert set(saved(page)) == {"one", "two", "lib", "other"}
    page.evaluate("notebook.show(['two'])")
    assert set(saved(page)) == {"two", "other"}
    page.evaluate("notebook.show([])")
    assert saved(page) == {} and page.evaluate("'widgets' in notebook.metadata") is False
    page.evaluate("notebook.show(['one'])")  # undone
    assert set(saved(page)) == {"one", "lib"}


def test_the_picture_behind_a_quiz_goes_with_its_quiz(notebook):
    page = notebook([["quiz"], ["other"]])
    register(page, "quiz", kind="quiz", then="covered")
    register(page, "covered")
    register(page, "other", kind="quiz", then="")
    assert set(saved(page)) == {"quiz", "covered", "other", "lib"}
    page.evaluate("notebook.show(['other'])")
    assert set(saved(page)) == {"other", "lib"}


def test_libraries_that_hold_the_same_are_kept_once(notebook):
    page = notebook([["one"], ["two"], ["three"]])
    for own_id, library in [("one", "lib-yesterday"), ("two", "lib-today"), ("three", "older")]:
        register(page, own_id, library=library)
    state = saved(page)
    assert set(state) == {"one", "two", "three", "lib-yesterday", "older"}
    homes = [state[own_id]["state"]["library"] for own_id in ("one", "two", "three")]
    assert homes == ["lib-yesterday", "lib-yesterday", "older"]


def test_what_others_keep_there_is_left_alone(notebook):
    box = {"model_name": "VBoxModel", "state": {"children": ["IPY_MODEL_two", "IPY_MODEL_foreign"]}}
    others = {"box": box, "foreign": {"model_name": "IntSliderModel", "state": {"value": 1}}}
    metadata = {
        "widgets": {STATE: {"version_major": 2, "version_minor": 0, "state": dict(others)}, "mine": 1}
    }
    page = notebook([["box"], ["one"]], metadata)
    for own_id in ("one", "two", "three"):
        register(page, own_id)
    state = saved(page)
    assert set(state) == {"box", "foreign", "one", "two", "lib"}, "a box of somebody else shows one of ours"
    assert {name: state[name] for name in others} == others
    assert page.evaluate("notebook.metadata.widgets.mine") == 1
    page.evaluate("notebook.show([])")
    assert set(saved(page)) == {"box", "foreign", "two", "lib"}


def test_where_the_front_end_does_not_tell_its_notebook_nothing_happens(notebook):
    page = notebook([["one"]])
    for manager in (
        "{}",
        "null",
        "{ context: {} }",
        "{ context: { saveState: { connect() {} }, model: {} } }",
    ):
        page.evaluate(f"register(widget({{ own_id: 'one' }}, {manager}), library('lib'))")
        page.evaluate(f"touch(widget({{ own_id: 'one' }}, {manager}))")
    assert saved(page) == {} and page.errors == []


def test_only_what_the_reader_changes_marks_the_notebook_as_changed(notebook):
    page = notebook([["one"]])
    register(page, "one")
    saved(page)
    assert page.evaluate("notebook.model.dirty") is False
    page.evaluate("touch(widget({ own_id: 'one' }))")
    assert page.evaluate("notebook.model.dirty") is True
