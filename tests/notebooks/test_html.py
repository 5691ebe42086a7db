"""html: a chapter as one page, without its browser: what stands in it, where links lead, and what it refuses."""

import base64
import re

import pytest
from nbformat.v4 import new_output
from pygments.formatters import HtmlFormatter

from tests.notebooks.tiny_course import BACKPROP, markdown, python, sentences
from utils.notebooks import html as pages
from utils.notebooks.__main__ import main
from utils.notebooks.files import ROOT, read_chapter
from utils.notebooks.html import DARK_CODE, LIGHT_CODE, html, page_of, prose
from utils.widgets import OFFLINE

ELSEWHERE = re.compile(
    r"""(?:src\s*=\s*["']?|@import\s+|url\(\s*["']?|<link[^>]+href=["']?)(?!data:)([^\s"')>]+)"""
)


@pytest.fixture
def page(course, monkeypatch):
    """page() -> the page of the course's chapter 1 as it is, its outputs taken for fresh ones."""
    monkeypatch.setattr(pages, "repository", lambda path: "https://github.com/a/b")
    return lambda: page_of(read_chapter(course.root, course.path()), course.root)


def test_a_page_is_whole_and_asks_nobody(page):
    text = page()
    assert text.startswith("<!doctype html>") and "<title>01 Back-propagation · 反向传播</title>" in text
    assert [found for found in ELSEWHERE.findall(text) if not found.startswith("data:")] == []
    for kept in ("(2, 4)", "linear", 'id="cell-id=rule"', "data:image/png;base64,", "1.1 Chain rule"):
        assert kept in text
    assert "Error" in text and "tags" not in text


def test_headings_have_jupyters_anchors_and_a_list(page):
    text = page()
    assert '<h2 id="1.1-Chain-rule-·-链式法则">' in text
    contents = text[text.index("<nav>") : text.index("</nav>")]
    assert re.findall('href="#([^"]+)"', contents) == ["1.1-Chain-rule-·-链式法则", "Summary-·-小结"]
    assert 'href="#cell-id=rule"' in text, "what the notebook links to is there"


def test_links_lead_to_pages_pictures_are_taken_in_and_the_rest_is_in_the_repository(course, page):
    (course.chapters / "a.png").write_bytes(b"picture")
    with course.edit() as notebook:
        notebook.cells[
            7
        ].source += " [x](02_activations.ipynb#Summary) ![y](a.png) [z](../utils/nn/backprop.py#L3) [i](INDEX.md#A) [o](https://c.org/d.ipynb)"
    text = page()
    for address in (
        "02_activations.html#Summary",
        "https://github.com/a/b/blob/main/utils/nn/backprop.py#L3",
        "index.html#A",
        "https://c.org/d.ipynb",
        "00_start_here.html",
    ):
        assert f'href="{address}"' in text
    assert base64.b64encode(b"picture").decode() in text


def test_formulas_have_their_tag_at_the_side_and_the_colours_of_the_page(page):
    text = page()
    equation = re.search('<span class="equation">(.*?)</span></span>', text, re.DOTALL)[0]
    assert "<math" in equation and '<span class="tag">(1.1)</span>' in equation
    assert '<mstyle class="value">' in equation and "mathcolor" not in text


def test_markdown_inside_of_details_is_set_too():
    text, _ = prose(
        "<details><summary>More</summary>\n\n**bold** $x^2$\n\n| a | b |\n|---|---|\n| 1 | $y$ |\n\n</details>"
    )
    assert "<strong>bold</strong>" in text and text.count("<math") == 2 and "<table>" in text
    assert text.index("<details>") < text.index("<table>") < text.index("</details>")


def test_code_is_highlighted_and_output_is_escaped(course, page):
    with course.edit() as notebook:
        notebook.cells[4].outputs = [new_output("stream", name="stdout", text="<b>\x1b[31mred\x1b[0m")]
    text = page()
    assert '<span class="k">return</span>' in text
    assert '&lt;b&gt;<span class="ansi-red-fg">red</span>' in text


def state(kind, **more):
    return {"kind": kind, "spec": {"title": "t"}, "frames": {}, **more}


def alive(kind, **more):
    data = {"text/plain": "<t | a>", "text/html": "<p>still</p>", OFFLINE: state(kind, **more)}
    return new_output("execute_result", data, execution_count=3)


def test_one_module_for_all_that_lives(course, page):
    with course.edit() as notebook:
        notebook.cells[4].outputs = [alive("explorable"), alive("explorable")]
    text = page()
    assert text.count('<script type="module">') == 1 and text.count('<div data-explorable="picture">') == 2
    assert "function marksPage" not in text and "function board" not in text, "what nobody needs is left out"
    with course.edit() as notebook:
        notebook.cells[4].outputs = [
            alive("quiz", picture=state("explorable") | {"spec": {"page": {"marks": []}}})
        ]
    text = page()
    assert "function marksPage" in text and "function gate" in text


def test_a_fragment_in_an_output_shares_the_module(course, page):
    from tests.explorable.made_up import everything

    with course.edit() as notebook:
        data = {"text/html": everything().to_html(max_frames=5), "text/plain": "x"}
        notebook.cells[4].outputs = [new_output("execute_result", data, execution_count=3)]
    text = page()
    assert text.count('<script type="module">') == 1 and text.count('<div data-explorable="marks">') == 1
    assert text.count("@font-face") == 1


def test_a_formula_that_cannot_be_shown_is_told_with_its_cell(course, capsys, monkeypatch):
    monkeypatch.setattr(pages, "execute", lambda chapter, **variables: (None, None, 1.0))
    with course.edit() as notebook:
        notebook.cells[7].source += r" $\nosuchmacro x$"
    assert main(["--root", str(course.root), "html", "1"]) == 1
    out = capsys.readouterr().out
    assert f"{BACKPROP}: cell 8: latex: " in out and "nosuchmacro" in out


def test_a_chapter_that_fails_becomes_no_page(course, monkeypatch):
    monkeypatch.setattr(pages, "execute", lambda chapter, **variables: (5, "raised ValueError: no", 1.0))
    assert sentences(html(course.root, "01")) == [
        f"{BACKPROP}: cannot become a page: cell 5 raised ValueError: no"
    ]
    assert not (course.root / "build/html/01_backprop.html").exists()


def test_a_page_that_is_too_large_is_refused(course, monkeypatch):
    monkeypatch.setattr(pages, "execute", lambda chapter, **variables: (None, None, 1.0))
    monkeypatch.setattr(pages, "repository", lambda path: "https://github.com/a/b")
    monkeypatch.setattr(pages, "MOST_PAGE", 1000)
    told = list(html(course.root, "01"))
    assert [remark.refused for remark in told] == [False, True] and "the limit is" in told[1].text


def test_all_of_them_and_the_first_page(course, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(
        pages, "execute", lambda chapter, **variables: asked.append(variables) or (None, None, 1.0)
    )
    monkeypatch.setattr(pages, "repository", lambda path: "https://github.com/a/b")
    before = course.path().read_bytes()
    told = sentences(html(course.root, "all", tmp_path / "out"))
    assert len(told) == 4 and asked == [{"GRADIENTS_OFFLINE": "1"}] * 3
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["00_start_here.html", "01_backprop.html", "02_activations.html", "index.html"]
    first = (tmp_path / "out/index.html").read_text(encoding="utf-8")
    assert 'href="01_backprop.html"' in first and "The chain rule." in first and "链式法则" in first
    assert 'href="01_backprop.html#cell-id=rule"' in first
    assert course.path().read_bytes() == before


def test_a_chapter_that_is_not_there(course):
    assert "has no chapter 77" in sentences(html(course.root, "77"))[0]


# ---- what is read on what


def luminance(colour):
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


LOOKS = (ROOT / "utils/notebooks/page.css").read_text(encoding="utf-8")
BOTH = {name: pair for name, *pair in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", LOOKS)}


@pytest.mark.parametrize("theme", [0, 1])
def test_words_of_the_page_can_be_read(theme):
    papers = [BOTH[name][theme] for name in ("jp-layout-color1", "jp-layout-color2")]
    for name in ("jp-content-font-color1", "jp-content-font-color2", "link"):
        assert min(contrast(BOTH[name][theme], paper) for paper in papers) >= 4.5, name
    for name in ("value-text", "gradient-text", "parameter-text"):
        assert contrast(BOTH[name][theme], papers[0]) >= 4.5, name
    ansi = re.findall(r"color: light-dark\((#\w{6}), (#\w{6})\)", LOOKS)
    assert len(ansi) == 4 and min(contrast(pair[theme], papers[0]) for pair in ansi) >= 4.5


@pytest.mark.parametrize("theme", [0, 1])
def test_code_can_be_read(theme):
    paper = BOTH["jp-layout-color1"][theme]
    formatter = HtmlFormatter(style=(LIGHT_CODE, DARK_CODE)[theme])
    colours = {token: f"#{look['color']}" for token, look in formatter.style if look["color"]}
    used = {
        token: colour
        for token, colour in colours.items()
        if not re.search("Generic|Error|Whitespace|Linenos", str(token))
    }
    worst = min(used, key=lambda token: contrast(used[token], paper))
    assert contrast(used[worst], paper) >= 4.5, (worst, used[worst], contrast(used[worst], paper))


def test_cells_of_the_course_that_a_page_marks_are_found(course, page):
    with course.edit() as notebook:
        notebook.cells = [markdown("a", "# 01 One"), python("b", "", None)]
    assert 'id="cell-id=b"' in page()
