"""Formulas of a page: every one of the chapters becomes MathML, set as TeX sets it, in a font that has its letters."""

import re
from xml.etree import ElementTree

import pytest
from fontTools.ttLib import TTFont

from utils.explorable.formula import MATHML, for_page, in_lines, to_mathml
from utils.notebooks.files import ROOT, find_notebooks, read_chapter
from utils.widgets import HERE

FONT = HERE.parent / "explorable" / "fonts" / "math.woff"


def tree(latex, **options):
    return ElementTree.fromstring(for_page(latex, **options)[0])


def words(latex, **options):
    return "".join(tree(latex, **options).itertext())


def tags(latex, **options):
    return [node.tag.removeprefix(f"{{{MATHML}}}") for node in tree(latex, **options).iter()]


def formulas(root=ROOT):
    for path in find_notebooks(root):
        chapter = read_chapter(root, path)
        for number, document in chapter.documents.items():
            for piece in document.math:
                yield f"{path.name}, cell {number}", piece


def test_every_formula_of_the_chapters_is_converted():
    found = list(formulas())
    assert len(found) > 1300
    letters = set()
    for where, piece in found:
        mathml, tag = for_page(piece.strip("$"), piece.startswith("$$"))
        text = "".join(ElementTree.fromstring(mathml).itertext())
        assert "\\" not in text and "&" not in text and "$" not in text, where
        assert (tag == "") == (r"\tag" not in piece), where
        assert text.strip(), where
        letters |= set(text)
    assert {"ℝ", "∂", "∑"} <= letters


def test_the_font_has_every_letter_of_the_formulas_and_is_small():
    font = TTFont(FONT)
    known = set(font.getBestCmap())
    assert FONT.stat().st_size < 60_000 and "MATH" in font
    assert font["name"].getDebugName(1) == "Course Math", "the licence reserves the name of the whole font"
    assert "SIL OPEN FONT LICENSE" in FONT.with_name("LICENSE.txt").read_text(encoding="utf-8")
    # what the browser draws for one letter alone is the italic one; text may hold words of other scripts
    for where, piece in formulas():
        node = ElementTree.fromstring(for_page(piece.strip("$"))[0])
        for one in node.iter():
            if not one.tag.endswith("mtext"):
                assert {ord(letter) for letter in (one.text or "").strip()} <= known, (where, one.text)
    italic = {0x1D434 + i for i in range(26)} | {0x1D44E + i for i in range(26) if i != 7} | {0x210E}
    assert italic <= known


def test_a_tag_stands_apart():
    mathml, tag = for_page(r"y = x \tag{4.7a}", display=True)
    assert tag == "4.7a" and "4.7a" not in mathml and 'display="block"' in mathml
    assert for_page("y")[1] == ""


def test_aligned_lines_meet_at_their_sign():
    node = tree(r"\begin{aligned} a &= b, & c &= d \\[2pt] e &= f, & g &= h \end{aligned}")
    table = node.find(f".//{{{MATHML}}}mtable")
    assert len(table) == 2 and all(len(row) == 4 for row in table)
    assert [cell.get("style") for cell in table[0]][:2] == [
        "text-align:-webkit-right;text-align:right;padding-right:0",
        "text-align:-webkit-left;text-align:left;padding-left:0",
    ]
    assert "[" not in "".join(node.itertext()), "the space between lines is no text"


@pytest.mark.parametrize(
    "latex, expected",
    [
        (r"\begin{pmatrix} a & b\\ c & d\end{pmatrix}", ["mtable", "mtr", "mtd"]),
        (r"\begin{cases} 1 & z > 0\\ 0 & z < 0\end{cases}", ["mtable", "mtd"]),
        (r"\underbrace{a+b}_{\text{both}}", ["munder", "mtext"]),
        (r"\sqrt{\frac{a}{b}}", ["msqrt", "mfrac"]),
    ],
)
def test_what_formulas_are_made_of(latex, expected):
    assert set(expected) <= set(tags(latex))


def test_blackboard_letters_need_no_braces():
    assert words(r"x \in \mathbb R^n") == words(r"x \in \mathbb{R}^n") == "x∈ℝn"


def test_colours_become_classes_and_others_stay():
    node = tree(r"{\color{#C25400}{\bar x}} + {\color{#123456}{y}}", classes={"#c25400": "gradient"})
    styles = [style.attrib for style in node.iter(f"{{{MATHML}}}mstyle")]
    assert styles == [{"class": "gradient"}, {"mathcolor": "#123456"}]


def operators(latex):
    return {node.text: node.attrib for node in tree(latex).iter() if node.tag.endswith("}mo")}


def test_spaces_are_those_of_tex():
    assert "mspace" in tags(r"2\log x") and "mspace" not in tags(r"\log(x)")
    assert "mo" not in tags(r"\operatorname{diag} x"), "an operator would keep wide distance"
    assert operators("a = -1")["−"]["form"] == "prefix" and "form" not in operators("a - 1")["−"]
    assert "form" not in operators("(a) - 1")["−"], "after a bracket it is a difference"
    assert operators("|a|/b")["/"] == {"lspace": "0", "rspace": "0"}
    assert "msup" not in tags("f'") and words("f'") == "f′"


def test_a_long_formula_may_break_before_a_relation_and_after_a_comma():
    long = for_page(r"x = (1, 4, 5) = a + b + c + d + e + f")[0]
    pieces = re.findall("<math.*?</math>", in_lines(long))
    told = ["".join(ElementTree.fromstring(piece).itertext()) for piece in pieces]
    assert told == ["x", "=(1,", "4,", "5)", "=a+b+c+d+e+f"]
    short = for_page("x = 1")[0]
    assert in_lines(short) == short


@pytest.mark.parametrize("latex", [r"\unknownmacro x", r"\begin{wrong} a \end{wrong} \foo"])
def test_what_cannot_be_converted_is_told(latex):
    with pytest.raises(ValueError, match="latex: "):
        for_page(latex)


def test_terms_keep_their_names_where_spaces_are_set():
    mathml = to_mathml(r"\term{y}{y} = \log \term{x}{x}", {"x": "value"})
    assert 'data-of="y"' in mathml and 'class="marks-value"' in mathml and "mspace" in mathml
