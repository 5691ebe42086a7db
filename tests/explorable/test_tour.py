"""The tour without a browser: complaints, times against their bars, what differs on coming back, the page, the command line."""

from pathlib import Path

import pytest

from utils.explorable.tour import __main__ as command
from utils.explorable.tour.complaints import KINDS, Complaint, Complaints
from utils.explorable.tour.latencies import Times, median_and_95th, row
from utils.explorable.tour.operating import Operator
from utils.explorable.tour.report import as_html, as_text, counted, summary
from utils.explorable.tour.visits import Settings, Visit, compare

SLOW = Times(live=[20.0] * 19 + [90.0], baked=[3.0], hover=[12.0, 14.0], dragging=29.0)


def visit(kind="marks", title="a <picture>", complaints=(), times=None):
    found = Visit("01", 4, kind, title, times=times or Times(live=[1.0]))
    for one in complaints:
        found.complaints.add(*one)
    return found


def test_a_complaint_counts_once_with_the_state_that_showed_it_first():
    complaints = Complaints()
    assert complaints.add("small", "“n” is 9 px", "as opened")
    assert not complaints.add("small", "“n” is 9 px", "dragged")
    assert complaints.add("overlap", "“n” is 9 px", "dragged")
    assert str(complaints[0]) == "small: “n” is 9 px [as opened]"


def test_a_complaint_of_no_kind_is_refused():
    with pytest.raises(ValueError, match=r"kind: expected one of error, dead, .*, got 'ugly'"):
        Complaint("ugly", "")


def test_hard_are_errors_what_is_dead_and_what_cannot_be_seen():
    assert [kind for kind in KINDS if Complaint(kind, "").hard] == ["error", "dead", "blank"]


def test_median_and_95th_percentile():
    assert median_and_95th([]) is None
    assert median_and_95th([*range(1, 101)]) == (50.5, 96)
    assert median_and_95th([7.0]) == (7.0, 7.0)


def test_times_against_their_bars():
    live, baked, hover, pictures = row("marks", SLOW)
    assert live == ("20 / 90", False) and baked == ("3 / 3", True)
    assert hover == ("13 / 14", False) and pictures == ("29", False)
    assert row("scene", SLOW)[0] == ("20 / 90", True), "a scene may take twice as long"
    assert row("marks", Times()) == [("", None)] * 4


def test_a_press_is_live_or_was_there_already():
    times = Times()
    times.note({"changed": 2.0, "painted": 15.0, "live": True})
    times.note({"changed": 3.0, "painted": 16.0, "live": False})
    times.note(None)
    assert (times.live, times.baked) == ([15.0], [3.0])


def test_what_is_not_as_it_was_left():
    one = {"title": "t", "readout": "loss 1", "picture": "AAAA"}
    quiz = {"controls": [], "text": ["Quiz 01.a", "Right."]}
    visits = [Visit("01"), visit(title="t")]
    before = {"explorables": [one], "cards": [quiz]}
    compare(before, before, visits)
    assert not visits[0].complaints and not visits[1].complaints
    after = {"explorables": [one | {"readout": "loss 2"}], "cards": [quiz | {"text": ["Quiz 01.a", ""]}]}
    compare(before, after, visits)
    assert [str(found.complaints[0]) for found in visits] == [
        "left: text of 'Quiz 01.a' differ [coming back]",
        "left: readout of 't' differ [coming back]",
    ]


def test_the_page_has_times_pictures_and_complaints(tmp_path):
    drawn = visit(complaints=[("dead", "n <does> nothing"), ("small", "tiny")], times=SLOW)
    drawn.pictures.append(("as opened", "pictures/one.png"))
    page = as_html([Visit("01", title="01_x.ipynb"), drawn], Settings(tmp_path, theme="dark", width=390))
    assert "The tour: lab, dark, 390 px" in page and '<img src="pictures/one.png"' in page
    assert "a &lt;picture&gt;" in page and "<picture>" not in page
    assert (
        '<li class="hard">dead: n &lt;does&gt; nothing</li>' in page
        and '<li class="">small: tiny</li>' in page
    )
    assert '<td class="number over">20 / 90</td>' in page and '<td class="number">3 / 3</td>' in page


def test_the_text_for_a_terminal():
    visits = [visit(complaints=[("dead", "n does nothing"), ("small", "tiny")], times=SLOW), visit("card")]
    text = as_text(visits)
    assert (
        "20 / 90*" in text
        and "3 / 3 " in text
        and "  ! dead: n does nothing" in text
        and "    small: tiny" in text
    )
    assert counted(visits) == {"dead": 1, "small": 1}
    assert summary(visits) == "Complaints: 1 dead, 1 small; 1 of them hard."
    assert summary([visit()]) == "Complaints: none; 0 of them hard."


@pytest.mark.parametrize(
    ("complaints", "arguments", "code"),
    [
        ([], [], 0),
        ([("small", "tiny")], [], 1),
        ([("small", "tiny")], ["--hard"], 0),
        ([("blank", "nothing there")], ["--hard"], 1),
    ],
)
def test_the_exit_code(monkeypatch, tmp_path, capsys, complaints, arguments, code):
    seen = []

    def tour(names, settings):
        seen.append((names, settings))
        return [visit(complaints=complaints)]

    monkeypatch.setattr(command, "tour", tour)
    assert command.main(["00", "--out", str(tmp_path), "--width", "390", *arguments]) == code
    assert seen == [(["00_start_here.ipynb"], Settings(tmp_path, width=390))]
    assert str(tmp_path / "index.html") in capsys.readouterr().out


def test_chapters_are_those_with_a_notebook(tmp_path, capsys):
    (tmp_path / "chapters").mkdir()
    for name in ("02_b.ipynb", "00_a.ipynb", "INDEX.md"):
        (tmp_path / "chapters" / name).touch()
    assert command.chapters([], tmp_path) == ["00_a.ipynb", "02_b.ipynb"]
    assert command.chapters(["02"], tmp_path) == ["02_b.ipynb"]
    with pytest.raises(ValueError, match="expected some of 00, 02, got 7"):
        command.chapters(["7"], tmp_path)
    assert command.main(["nowhere"]) == 2 and "got nowhere" in capsys.readouterr().out


def test_without_a_browser_it_says_what_is_missing(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("utils.explorable.tour.opening.find_chromium", lambda: None)
    assert command.main(["00", "--out", str(tmp_path)]) == 2
    assert "The tour needs Chromium on the PATH" in capsys.readouterr().out


def test_the_page_of_a_phone_and_of_a_system_with_forced_colours():
    options = Settings(
        Path("out"), theme="dark", width=390, forced_colors=True, reduced_motion=True
    ).page_options()
    assert options["has_touch"] and options["viewport"]["width"] == 390
    assert (options["color_scheme"], options["forced_colors"], options["reduced_motion"]) == (
        "dark",
        "active",
        "reduce",
    )
    assert "has_touch" not in Settings(Path("out")).page_options()


def test_dead_controls_are_not_called_idle_too():
    found = visit(complaints=[("idle", "n does nothing"), ("idle", "m does nothing")])
    operator = Operator.__new__(Operator)
    operator.visit, operator.acted = found, {"n": False, "m": True}
    operator.sum_up()
    assert [str(one) for one in found.complaints] == [
        "idle: m does nothing",
        "dead: n changes nothing at any position",
    ]
