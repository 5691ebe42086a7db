"""What the rules take apart and what they must not take for a problem: paths, references, names, Markdown."""

import pytest
from nbformat.v4 import new_output

from tests.notebooks.tiny_course import BACKPROP, python, shown, stdout
from utils.notebooks.markdown import Document, anchor
from utils.notebooks.rules import code, prose
from utils.notebooks.shown import digest


@pytest.mark.parametrize(
    "text",
    [
        "a/b/c, 1/2, and/or, km/h, n_in/n_out/2",
        "see https://example.org/home/user/x and /dev/null",
        "</p></div> <br/> ~/notes/x.txt ./a/b ../a/b",
        r"f:\mathbb{R} \to \mathbb{R}",
        "左/右/上",
        "x = a // b // c",
        '<img src="data:image/png;base64,iVBOR/home/user/w0K">',
    ],
)
def test_what_is_no_absolute_path(course, text):
    with course.edit() as notebook:
        notebook.cells[4].outputs = [stdout(text), new_output("display_data", {"text/html": text})]
        notebook.cells[4].source += f"\n{text!r}"
    assert course.problems() == []


def test_a_formula_holds_no_path(course):
    with course.edit() as notebook:
        notebook.cells[7].source += r" $T:\alpha\to\beta$ and $ /a/b $"
    assert course.problems() == []


@pytest.mark.parametrize(
    "path",
    ["/usr/lib/x", '"/var/a.png"', "C:/data/x", r"D:\\data\\x", "file:///x", "(/etc/hosts)", "A=/usr/x"],
)
def test_what_is_an_absolute_path(course, path):
    with course.edit() as notebook:
        notebook.cells[4].outputs = [stdout(f"in {path}\n")]
    assert len(course.problems()) == 1


@pytest.mark.parametrize(
    "text, expected",
    [
        ("eq. (1.4)", {"1.4"}),
        ("Eqs. (1.4), (1.7) and (2.11).", {"1.4", "1.7", "2.11"}),
        ("equations 1.4, 1.5 and 1.7 hold", {"1.4", "1.5", "1.7"}),
        ("(chain rule, eq. 1.4)", {"1.4"}),
        ("eq. 1.4, 0.5 of it", {"1.4"}),
        ("equation (4.7b)", {"4.7b"}),
        ("By (2.13) the answer is zero", {"2.13"}),
        ("follows from (1.4), and (1.5)", {"1.4", "1.5"}),
        ("由式（2.3）得", {"2.3"}),
        ("eq.\n(1.4)", {"1.4"}),
        ("shares (0.644, 0.237)", set()),
        ("the best (0.7) and (1.5) in size", set()),
        ("in (0.5) of the cases", set()),
        ("by (0.258) at T", set()),
        ("PyTorch 2.13.0, section 2.4, torch.eq (1.2)", set()),
        ("eq. 2.13.0", set()),
    ],
)
def test_what_refers_to_an_equation(text, expected):
    assert set(prose.references(text)) == expected


def test_code_refers_to_equations_only_after_eq():
    assert set(prose.references("# by (1.4), eq. (1.5)", is_prose=False)) == {"1.5"}


def test_shown_code_may_refer_to_chapters_that_do_not_exist_yet(course):
    course.edit_module("eq. (1.1)", "eqs. (1.1), (3.1)")
    with course.edit() as notebook:
        notebook.cells[3].source = notebook.cells[3].source.replace("eq. (1.1)", "eqs. (1.1), (3.1)")
        notebook.cells[3].metadata.shown.hash = digest(notebook.cells[3].source)
    assert course.problems() == []


def test_names_that_code_binds_and_uses():
    source = """
import a.b, c as d
from e import f as g
%magic
def h(x: i, y=j):
    global k
    k = x + l
    return [m for n in y if (o := n)]
class P(Q):
    r = s
    def t(self): return u, r
for v, w in z: pass
"""
    bound, used = code.names(source)
    assert bound == {"a", "d", "g", "h", "k", "P", "v", "w"}
    assert used >= {"i", "j", "l", "m", "Q", "s", "u", "r", "z"}
    assert not used & {"x", "y", "n", "o", "self", "a", "k", "P"}
    assert code.names("def f(:") == (set(), set())


def test_two_shown_definitions_may_use_each_other(course):
    even = "def even(n):\n    return n == 0 or odd(n - 1)"
    odd = "def odd(n):\n    return n != 0 and even(n - 1)"
    course.module.write_text(course.module.read_text() + f"\n\n{even}\n\n\n{odd}\n")
    with course.edit() as notebook:
        for place, name, source in [(7, "odd", odd), (7, "even", even)]:
            cell = python(name, source, 0, **shown(source, f"show:nn/backprop.py::{name}"))
            notebook.cells.insert(place, cell)
        notebook.cells[7].execution_count, notebook.cells[8].execution_count = 6, 7
    assert course.problems() == []
    with course.edit() as notebook:
        notebook.cells[8].metadata.tags = []  # an ordinary cell
        del notebook.cells[8].metadata["shown"]
    assert course.problems() == [
        f"{BACKPROP}, cell 8: even uses odd, which no cell up to here defines or imports; "
        "add `from utils.nn.backprop import odd` above, or show it there"
    ]


def test_plain_symbols_are_no_emoji():
    assert not prose.EMOJI.search("→ ✓ ✗ × · ¼ ∂ ▶ ★ 𝑥 要点，")


def test_the_prose_of_markdown():
    document = Document.parse("# A ![b](c.png) d\n\ne\nf $g$ `h`\n\n* i <sup>j</sup>\n\n```\nk\n```\n")
    assert document.headings == ["A  d"]
    assert document.text.split("\n\n") == ["A b d", "e\nf   ", "i j", ""]
    assert Document.parse("x <a href='y'>z</a> <img src=w>").links == ["y"]
    assert Document.parse("x <a href='y'>z</a> <img src=w>").images == ["w"]


def test_markdown_taken_apart():
    document = Document.parse(
        "# A *b* `c<d` $x_i *y*$ · 中\n\n`{x}` and `$no$` cost \\$5, $a_i < b$ <https://a.org>\n\n"
        "```python\nx = '<div> $no$ [a](b)'\n```\n\n> | a | b |\n> |---|---|\n> | [z](t.md) | $|x|$ |\n\n"
        "[q][r] ![i](j.png) <a id='here'></a>\n\n[r]: foo.md\n\n\\begin{align}a &= b \\\\ <p>\\end{align}\n"
    )
    assert document.headings == ["A b c<d $x_i *y*$ · 中"]
    assert (document.links, document.images) == (["https://a.org", "t.md", "foo.md"], ["j.png"])
    assert document.math == ["$x_i *y*$", "$a_i < b$", "$|x|$", "\\begin{align}a &= b \\\\ <p>\\end{align}"]
    assert (document.html_tags, document.html_ids, document.myst) == (["a", "a"], ["here"], [])


@pytest.mark.parametrize(
    "link", ["#1.2-A-plain-heading", "#here", "../README.md#A-title", "../README.md#a-title"]
)
def test_anchors_as_jupyterlab_makes_them(course, link):
    assert anchor("1.2 A plain heading") == "1.2-A-plain-heading"
    with (course.root / "README.md").open("a") as readme:
        readme.write("\n\n# A title\n")
    with course.edit() as notebook:
        notebook.cells[7].source += f"\n\n### 1.2 A plain heading\n\n<a id='here'></a> [x]({link})"
    assert course.problems() == []
