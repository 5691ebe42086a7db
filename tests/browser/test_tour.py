"""The tour in Chromium: every defect that it looks for is planted and found, and a clean page has none; then chapter 00."""

import numpy as np
import pytest

from tests.browser.conftest import MODULE
from tests.explorable.made_up import everything
from utils.explorable import Array, Arrows, Choice, Curve, Explorable, Grid, Slider
from utils.explorable.tour.complaints import KINDS, Complaints
from utils.explorable.tour.looking import look
from utils.explorable.tour.operating import Operator
from utils.explorable.tour.visits import Settings, Visit, visit_notebook
from utils.register import ROOT

# ---- looks

PLOT = """<svg width="300" height="200" aria-label="plot"><clipPath><rect x="20" y="8" width="260" height="164"/></clipPath>
<g class="marks-axes"><text class="marks-end" x="14" y="170">0</text><text class="marks-end" x="14" y="20">10</text></g>{}</svg>"""
LINE = PLOT.format('<path class="marks-line" d="{}"/>')
BAR = PLOT.format('<text class="marks-number" x="60" y="40">{}</text>')
CLEAN = """<p>some words</p><button style="width:60px;height:44px">go</button>
<svg width="300" height="60"><rect width="100" height="60" fill="#0072b2"/><text x="8" y="30" fill="#fff" font-size="14">1.00</text>
<text x="120" y="30" font-size="14">2.00</text></svg><div class="explorable-readout">loss 0.25, information</div>"""
GOOD_PLOTS = LINE.format("M20 100L40 60L60 40L80 30") + BAR.format(9.5)
# what is planted: (a piece of a page, what it lacks)
PLANTED = {
    "small": ["<p style='font-size:9px'>tiny</p>", "<svg viewBox='0 0 400 80' width='200'><text x='9' y='30' font-size='14'>tiny</text></svg>"],
    "overlap": ["<svg width='200' height='60'><text x='10' y='30'>0.1234</text><text x='40' y='32'>0.5678</text></svg>"],
    "clipped": [
        "<div style='overflow:hidden;width:40px;white-space:nowrap'>a rather long sentence</div>",
        "<svg width='60' height='40'><text x='30' y='20'>goes far beyond</text></svg>",
        "<svg width='200' height='60'><g><rect width='30' height='30' fill='#fff'/><text x='-4' y='20'>123.456</text></g></svg>",
        "<input type='text' value='more than it has room for' style='width:50px'>",
    ],
    "axis": [
        LINE.format("M20 0L40 -60L60 40L80 30"),
        LINE.format("M20 170L30 170L40 170L50 170L60 60L80 30"),
        BAR.format(14),
        PLOT.format('<circle class="marks-dot" cx="100" cy="400" r="3"/>'),
    ],
    "touch": ["<button style='width:60px;height:30px'>go</button>", "<label><input type='radio'>one</label>"],
    "sideways": [
        "<div style='overflow-x:auto;width:100px'><div style='width:300px'>wide</div></div>",
        "<div style='width:3000px'>wider than the page</div>",
    ],
    "contrast": [
        "<p style='color:#999'>pale</p>",
        "<p style='opacity:.4'>pale</p>",
        "<svg width='100' height='40'><rect width='100' height='40' fill='#0072b2'/><text x='5' y='20' fill='#333'>9</text></svg>",
    ],
    "nan": ["<div class='explorable-readout'>loss nan</div>"],
}  # fmt: skip


def found(page, body):
    page.set_content(f"<!doctype html><body style='font:14px sans-serif'><div id='root'>{body}</div>")
    complaints = Complaints()
    look(page, page.query_selector("#root"), complaints)
    return {one.kind for one in complaints}


def test_a_clean_page_has_nothing_to_complain_of(new_page):
    phone = new_page(viewport={"width": 390, "height": 800})
    assert found(phone, CLEAN) == found(phone, GOOD_PLOTS) == set()


@pytest.mark.parametrize("kind", PLANTED)
def test_what_is_planted_is_found(new_page, kind):
    page = new_page(viewport={"width": 390 if kind == "touch" else 1000, "height": 800})
    assert [found(page, CLEAN + body) for body in PLANTED[kind]] == [{kind}] * len(PLANTED[kind])


def test_a_straight_line_may_leave_its_axes_a_bent_or_level_one_may_not(new_page):
    lines = (
        "M20 -100L40 -20L60 60L80 140",
        "M20 -100L40 -20L60 -25L80 140",
        "M20 -100L40 -100L60 -100L80 -100",
    )
    kinds = [found(new_page(), LINE.format(line)) for line in lines]
    assert kinds == [set(), {"axis"}, {"axis"}]


def test_a_phone_wants_larger_letters_and_only_it_wants_wide_targets(new_page):
    phone, desk = (new_page(viewport={"width": width, "height": 800}) for width in (390, 1400))
    small, narrow = "<p style='font-size:11px'>words</p>", PLANTED["touch"][0]
    assert (found(phone, small), found(desk, small)) == ({"small"}, set())
    assert (found(phone, narrow), found(desk, narrow)) == ({"touch"}, set())
    shrunk = "<img width='800' style='width:300px' src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>"
    assert found(phone, shrunk) == {"small"}


def test_every_kind_is_planted_somewhere():
    operated = {"error", "dead", "blank", "idle", "stale", "left"}
    assert PLANTED.keys() | operated == KINDS.keys() and not PLANTED.keys() & operated


# ---- operating

X = np.array([[1.0, -2.0], [0.5, 0.25]])


def marks(compute, *, mark=None, **options):
    return Explorable(
        lambda **values: {"readout": "some words", "x": X} | compute(**values),
        title="made up",
        marks=[mark or Grid("x")],
        **options,
    )


def scene(update, **options):
    return Explorable(lambda fig: fig.subplots().plot([0, 1], [0, 1])[0], update, title="made up", **options)


def operated(live, explorable, **options):
    page = live(explorable, **options)
    visit = Visit("99")
    Operator(page, page.query_selector(".explorable"), visit, budget=20).everything()
    return visit


def words(visit, *kinds):
    return {f"{one.kind}: {one.words}" for one in visit.complaints if one.kind in kinds}


OPERATED = ("dead", "blank", "idle", "stale")


def test_a_sound_explorable_is_timed_and_found_sound(live):
    visit = operated(live, everything(presets={"reset": {}}, play="size"))
    assert words(visit, *OPERATED) == set()
    times = visit.times
    assert len(times.live) > 10 and len(times.hover) > 10 and times.baked and times.dragging > 0
    assert all(0 < time < 1000 for time in [*times.live, *times.baked, *times.hover])


def test_a_sound_picture_of_matplotlib(live):
    def update(line, slope, colour, sign):
        line.set_ydata([0, slope * sign])
        line.set_color(colour)
        return f"{slope} {sign}"

    visit = operated(
        live,
        scene(update, slope=Slider(range(1, 16)), colour=Choice(["black", "red"]), sign=[1, -1], play="slope"),
    )  # fmt: skip
    assert visit.kind == "scene" and words(visit, *OPERATED) == set()
    assert len(visit.times.live) >= 10 and visit.times.dragging > 0


def same(**_):
    return {}


DEAD = {
    "n changes nothing at any position": lambda: marks(same, n=range(4)),
    "n has one position only": lambda: marks(same, n=[1]),
    "x: nothing in it can be dragged, though it says so": lambda: marks(same, mark=Grid("x", drag="a"), a=Array(X)),
    "x: clicks on it change nothing": lambda: marks(same, mark=Grid("x", pick="n"), n=range(4)),
    "the button 'go' changes nothing": lambda: marks(
        lambda n: {"x": n * X}, n=range(1, 4), actions={"go": lambda n: None}
    ),
    "the button 'play go' plays nothing": lambda: marks(
        lambda n: {"x": n * X}, n=range(1, 4), actions={"go": lambda n: None}, play="go"
    ),
    "the button 'again' changes nothing": lambda: marks(same, n=range(4), presets={"again": {}}),
    "clicks on the picture change nothing, though the pointer is a cross": lambda: scene(
        lambda line, k: "some words", k=[0.0, 0.5, 1.0], pick=dict(axes=0, x="k")
    ),
}  # fmt: skip


@pytest.mark.parametrize("complaint", DEAD)
def test_what_is_dead_is_found(live, complaint):
    assert f"dead: {complaint}" in words(operated(live, DEAD[complaint]()), "dead")


@pytest.mark.parametrize("x", [-3, -1.6, 0, 3])
def test_the_texts_of_arrows_make_way(live, x):
    """Two arrows side by side, of two marks, whose names ask for the same place."""
    arrows = (Arrows("one", names=("from above",), digits=3), Arrows("two", names=("arrives",), digits=3))
    curve = Curve("y", x="x", xlim=(-4, 4), ylim=(-2, 2), also=arrows)
    both = {"one": [[x, 0, x, 1.0]], "two": [[x + 0.2, 0, x + 0.2, 1.1]]}
    line = {"x": np.linspace(-4, 4, 9), "y": np.zeros(9)}
    page = live(
        Explorable(lambda k: both | line | {"readout": "some words"}, title="arrows", marks=[curve], k=[1, 2])
    )
    texts = page.locator(".marks-arrow-text").evaluate_all("all => all.map((e) => e.textContent)")
    assert texts == ["from above 1.000", "arrives 1.100"]
    complaints = Complaints()
    look(page, page.query_selector(".explorable"), complaints)
    assert [one.words for one in complaints if one.kind in ("overlap", "clipped")] == []


def test_a_control_that_sleeps_in_one_state_is_idle_and_not_dead(live):
    compute = lambda mode, n: {"x": n * X if mode == "on" else X}
    visit = operated(live, marks(compute, mode=Choice(["on", "off"]), n=range(2, 5)))
    assert words(visit, *OPERATED) == {"idle: n does nothing"}
    assert [one.state for one in visit.complaints if one.kind == "idle"] == ["mode 2 of 2"]


def test_a_control_that_acts_only_far_from_the_start_is_not_dead(live):
    compute = lambda step, rate: {"x": X * rate**step}
    visit = operated(live, marks(compute, step=range(3), rate=[1.0, 0.5, 0.25]))
    assert words(visit, "dead") == set()


def test_what_cannot_be_seen_is_found(live):
    def failing(n):
        if n == 3:
            raise ZeroDivisionError("no such n")
        return {"x": n * X}

    said = words(operated(live, marks(failing, n=range(1, 4))), "blank")
    assert said and all("ZeroDivisionError: no such n" in one for one in said)

    def vanish(line, n):
        line.set_visible(False)
        line.axes.set_axis_off()
        return f"{n}"

    assert words(operated(live, scene(vanish, n=range(3))), "blank") == {
        "blank: the picture is of one colour"
    }


def test_a_picture_that_stays_behind_is_found(live):
    explorable = lambda: marks(lambda n: {"x": n * X}, n=range(1, 9))
    late = MODULE.replace("if (!newest) refresh();", "if (!newest) {}")
    assert late != MODULE
    assert words(operated(live, explorable()), "stale") == set()
    assert len(words(operated(live, explorable(), module=late), "stale")) == 1


# ---- notebooks


def test_a_notebook_with_defects(jupyter, chromium, tmp_path):
    cells = [
        "import numpy as np\nfrom utils.explorable import Explorable, Grid\nfrom utils.exercises import check, quiz",
        "picture = Explorable(lambda n, m: dict(x=n * np.ones((2, 2)), readout=f'n is {n}'), title='half dead',\n"
        "    marks=[Grid('x')], n=range(1, 5), m=range(3))\nquiz('01.a', then=picture)",
        "check('00.1', ...)",
        "1 / 0",
    ]
    name = jupyter.put("99_defects.ipynb", cells)
    visits = visit_notebook(chromium, jupyter, name, Settings(tmp_path, budget=2))
    assert [visit.kind for visit in visits] == ["notebook", "quiz", "marks", "card"]
    hard = [str(one) for visit in visits for one in visit.complaints if one.hard]
    assert hard == [
        "error: cell 3: ZeroDivisionError: division by zero",
        "dead: m changes nothing at any position",
    ]
    assert all((tmp_path / file).stat().st_size > 500 for visit in visits for _, file in visit.pictures)


def test_chapter_00(jupyter, chromium, tmp_path):
    name = "00_start_here.ipynb"
    (jupyter.root / name).write_bytes((ROOT / "chapters" / name).read_bytes())
    visits = visit_notebook(chromium, jupyter, name, Settings(tmp_path, budget=2))
    assert len([visit for visit in visits if visit.kind in ("marks", "scene")]) >= 2
    assert [str(one) for visit in visits for one in visit.complaints if one.hard] == []
