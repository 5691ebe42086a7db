"""What the widgets of a notebook share: sent once, asked for by each, and indifferent to a notebook's sorted JSON."""

import json
import re
import subprocess
import sys

import ipywidgets
import numpy as np
import pytest

from utils.explorable import Explorable
from utils.explorable.engine import Canvas, Choice
from utils.widgets import EXPLORABLE, SCRIPTS, STYLES, CourseWidget, Library, joined, math_font


class Plain(CourseWidget):
    """A widget of the course that has nothing of its own."""


def test_the_module_is_sent_once_whatever_the_number_of_widgets():
    first, second = Plain(kind="a"), Plain(kind="b")
    assert first.library == second.library == Library.shared().model_id
    sent = [
        sum(len(value) for value in widget.get_state().values() if isinstance(value, str))
        for widget in (first, second)
    ]
    assert max(sent) < 1_600, "each one brings only the question for the module"
    whole = Library.shared().get_state()
    assert whole["source"] == joined(SCRIPTS) and whole["_css"] == joined(STYLES) + math_font()


def test_a_widget_tells_the_page_its_own_id():
    widgets = [Plain(), Plain()]
    assert [widget.own_id for widget in widgets] == [widget.model_id for widget in widgets]
    assert widgets[0].own_id != widgets[1].own_id


def test_a_library_that_was_closed_is_made_anew():
    before = Plain().library
    ipywidgets.Widget.close_all()
    after = Plain().library
    assert after != before and after == Library.shared().model_id


@pytest.mark.parametrize("file", [*SCRIPTS, *STYLES, "widgets/ask.js"])
def test_no_file_names_anything_outside(file):
    """What runs in Jupyter runs in a file without network too: it imports nothing and loads nothing."""
    assert not re.search(
        r"https?:|^\s*import |url\(|fetch\(",
        joined([file]).replace("http://www.w3.org/", "").replace("url(#", ""),
        re.MULTILINE,
    )


def test_the_parts_join_to_one_module():
    source = joined(SCRIPTS)
    names = re.findall(r"^(?:async )?(?:function\*? |const )(\w+)", source, re.MULTILINE)
    assert len(names) == len(set(names)), "no part defines what another one does"
    assert source.count("export ") == 1 and "export " not in joined(EXPLORABLE)
    assert all(len(joined([file]).splitlines()) <= 450 for file in SCRIPTS)


def test_what_has_an_order_travels_as_a_list():
    """A saved notebook sorts the names of every dict."""
    explorable = Explorable(
        lambda fig: fig.subplots(), lambda ax, **values: "fine", title="order", presets={"z": {"b": 1}, "a": {"b": 2}},
        zeta=range(3), b=range(3), alpha=Choice(["y", "x"], label="the first letter"), digit=Canvas((2, 2), np.eye(2)),
    )  # fmt: skip
    spec = json.loads(json.dumps(explorable.spec, sort_keys=True))
    assert [control["name"] for control in spec["controls"]] == ["zeta", "b", "alpha", "digit"]
    assert [control["label"] for control in spec["controls"]] == ["zeta", "b", "the first letter", "digit"]
    assert [preset["name"] for preset in spec["presets"]] == ["z", "a"]
    assert spec["controls"][2]["texts"] == ["y", "x"]


def test_widgets_wait_for_neither_torch_nor_matplotlib():
    code = "import sys, utils.widgets; print('torch' in sys.modules, 'matplotlib' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20
    )
    assert answer.stdout.split() == ["False", "False"] and answer.stderr == ""
