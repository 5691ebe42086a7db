"""recolour: the shades of letters in formulas, and nothing else; what check complains of is gone afterwards."""

from tests.notebooks.tiny_course import BACKPROP, sentences
from utils import style
from utils.notebooks.__main__ import main
from utils.notebooks.recolour import recolour, recoloured
from utils.notebooks.rules.prose import LETTERS

PALE = r" ${\color{#D55E00}{\bar x}} + {\color{#009e73}{w}}$"


def test_the_shades_are_those_of_the_style():
    assert dict(style.MEANINGS.values()) == LETTERS


def test_a_notebook_is_put_right_once(course, capsys):
    with course.edit() as notebook:
        notebook.cells[7].source += PALE
    assert [told.split(";")[0] for told in course.problems()] == [
        f"{BACKPROP}, cell 8: colours letters #009E73",
        f"{BACKPROP}, cell 8: colours letters #D55E00",
    ]
    assert sentences(recolour(course.root, [course.path()])) == [f"{BACKPROP}: 2 colours changed in cells 8"]
    assert course.problems() == []
    assert course.read().cells[7].source.endswith(r"${\color{#C25400}{\bar x}} + {\color{#008560}{w}}$")
    before = course.path().read_bytes()
    assert main(["--root", str(course.root), "recolour"]) == 0 and capsys.readouterr().out == "Done.\n"
    assert course.path().read_bytes() == before


def test_code_and_other_colours_stay():
    kept = r"`{\color{#D55E00}{x}}` ${\color{#123456}{x}}$ the colour #D55E00"
    assert recoloured(kept) == (kept, 0)
