"""A whole chapter: the skeleton filled in passes; every part that is then taken away, or left as it was, is refused."""

import re

import pytest

from tests.notebooks.tiny_course import stdout
from utils.notebooks import course as course_module
from utils.notebooks import new as making
from utils.notebooks import skeleton
from utils.notebooks.check import check
from utils.notebooks.files import ROOT
from utils.notebooks.index import index
from utils.notebooks.new import new
from utils.notebooks.sync import sync

TOYS = "chapters/05_toys.ipynb"
AGREES, WRONG = (
    "output  (2, 3)  agrees with PyTorch\n",
    "WRONG: gradient of x  (2, 3)  differs from PyTorch\n",
)
FILES = ("utils/nn", "utils/chapters", "tests/nn", "tests/chapters")


def fill_in(course):
    """What an author does with the skeleton, in the least words: every sentence, cell and definition is another one."""
    for path in [
        path for folder in FILES for path in (course.root / folder).rglob("*.py") if "toys" in str(path)
    ]:
        text = (
            path.read_text("utf-8")
            .replace("square", "cube_of")
            .replace("draw", "paint")
            .replace("GRID", "LINE")
        )
        text = (
            text.replace("my_cube", "my_fourth")
            .replace("EXERCISES = [", "EXERCISES = [*[],")
            .replace("QUIZZES = [", "QUIZZES = [*[],")
        )
        path.write_text(
            text.replace("def test_the_", "def test_of_").replace("def test_each", "def test_every"), "utf-8"
        )
    csv = course.chapters / "concepts.csv"
    csv.write_text(csv.read_text("utf-8").replace("square of Toys", "toy"), "utf-8")
    with course.edit("05_toys") as notebook:
        for cell in notebook.cells[:-1]:
            if cell.cell_type == "code":
                cell.source = cell.source.replace("square", "cube_of").replace("my_cube", "my_fourth")
                cell.source = cell.source.replace("default_rng(0)", "default_rng(1)").replace(
                    "range(4)", "range(5)"
                )
                cell.metadata.tags = [tag.replace("::square", "::cube_of") for tag in cell.metadata.tags]
            else:
                cell.source = "\n".join(map(another, cell.source.split("\n")))
    with course.edit("05_toys") as notebook:
        notebook.cells[0].source = re.sub(
            "(?m)^(> \\*\\*要点\\*\\*).*", "\\1 玩具很小。玩具很快。", notebook.cells[0].source
        )
    sync(course.root, [course.root / TOYS])
    with course.edit("05_toys") as notebook:
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for count, cell in enumerate(code, start=1):
            cell.execution_count = count
            if "crosscheck(" in cell.source:
                cell.outputs = [stdout(WRONG if "raises=False" in cell.source else AGREES)]
    index(course.root)


def another(line):
    """A line of the skeleton with other words; headings, marks and what a chapter may keep stay."""
    if line.startswith("> **要点**"):
        return "> **要点** 玩具很小。玩具很快。"
    if line.startswith("## 5.1"):
        return "## 5.1 Toys · 玩具"
    if line.startswith(("#", "$$", "[", "|---", "**What you", "**Time")) or not line.strip():
        line = line.replace("x^2", "x^3").replace("2x", "3x^2")  # of the formulas
        return line.replace(" Name the chapters and sections that this one rests on.", " Sums.")
    marks = re.match(r"- |\*\*Key terms:\*\* |\*\*References\.\*\* |\*\*05\.1|\*\*1\. ", line)
    return f"{marks[0] if marks else ''}toys are small and quick, and this line says so at some length"


@pytest.fixture
def whole(course, monkeypatch):
    """The little course with a chapter 05, written from the skeleton, that breaks no rule."""
    monkeypatch.setattr(making, "finish", lambda *arguments, **options: [])
    assert not [str(r) for r in new(course.root, 5, "toys", "Toys", "玩具") if r.refused]
    readme = course.root / "README.md"
    readme.write_text(readme.read_text("utf-8") + f"\n* [toys]({TOYS})", "utf-8")
    return course


def test_the_skeleton_is_refused_for_its_own_words_only(whole):
    sync(whole.root)
    found = [text for text in whole.problems() if not re.search("not executed|INDEX.md|utils_digest", text)]
    left = [text for text in found if "still the skeleton's" in text]
    told = {text.partition(": ")[0] for text in left}
    code = {f"{TOYS}, cell {n}" for n in (3, 6, 11, 13, 15)}
    files = {skeleton.fill(path, {"name": "toys"}) for path in skeleton.FILES if "__init__" not in path}
    assert told >= code | files | {"chapters/concepts.csv"} | {
        f"{TOYS}, cell {n}" for n in (1, 2, 4, 7, 9, 10, 12, 16, 17)
    }
    assert [text for text in found if text not in left and "lacks" not in text] == []


def test_a_chapter_that_was_filled_in_is_whole(whole):
    fill_in(whole)
    assert whole.problems() == []


def take_out(*words):
    """Delete the cells that hold any of these words."""

    def change(notebook):
        before = len(notebook.cells)
        notebook.cells = [cell for cell in notebook.cells if not any(word in cell.source for word in words)]
        assert len(notebook.cells) < before

    return change


def replace(old, new):
    def change(notebook):
        found = [cell for cell in notebook.cells if re.search(old, cell.source)]
        assert found, old
        found[0].source = re.sub(old, new, found[0].source, count=1)

    return change


def every(key, value, words=""):
    """Give all cells with these words other metadata."""

    def change(notebook):
        for cell in (cell for cell in notebook.cells if words in cell.source):
            cell.metadata[key] = value

    return change


def nothing_is_caught(notebook):
    for cell in notebook.cells:
        if cell.get("outputs"):
            cell.outputs = [stdout(AGREES)]


def erratum(notebook):
    notebook.cells[11].metadata["concepts"] = ["E05.1", "E05.77"]


HOLES = [
    *(
        ("has_its_parts", replace(rf"## (5\.\d )?{name}", "## Other"), f"has no section {name}; write ## {name} · 中文")
        for name in ("The question", "At work", "Misprint clinic", "Exercises", "Summary", "Appendix")
    ),
    ("has_its_parts", take_out("## Appendix"), "has no section Appendix; write ## Appendix · 中文"),
    ("has_its_parts", take_out("Misprint", "misprinted"), "has no section Misprint clinic"),
    ("has_its_parts", replace("(?s)(## Appendix[^\n]*).*", r"\1\n\nNone."), "the section Appendix says nothing"),
    ("has_its_parts", replace(r"\*\*Key terms:\*\* .*", "**Key terms:**"), "the first cell must say **Key terms:** and"),
    ("has_its_parts", replace(r"\*\*Time:\*\* .*", ""), "the first cell must say **Time:** and a number of minutes"),
    ("has_its_parts", replace(r"(?m)^- .*", ""), "the first cell must say **What you will be able to do**, a list"),
    ("has_its_parts", replace(r"\*\*What you need first.*", ""), "the first cell must say **What you need first.**"),
    ("has_its_parts", replace(r"explore\.\w+\(\)", "None"), "lacks a picture; call an explorable"),
    ("has_its_parts", take_out("quiz("), "lacks a prediction; ask one"),
    ("has_its_parts", take_out("def cube_of("), "lacks shown code; give a code cell the tag show:"),
    ("has_its_parts", replace(r"crosscheck\(cube_of, [^\n]*", "print('agrees')"), "lacks a proof in a numbered section"),
    ("has_its_parts", take_out("raises=False"), "lacks a wrong form that is caught in the clinic"),
    ("has_its_parts", nothing_is_caught, "lacks a wrong form that is caught in the clinic"),
    ("has_its_parts", replace(r"\*\*References.*", ""), "lacks references; write **References.**"),
    ("exercises_are_asked", replace(r"\*\*05\.1", "**"), "the text above does not ask 05.1; write **05.1"),
    ("headings_begin_their_cells", replace("^## 5.1", "More.\n\n## 5.1"), "holds a heading ## in its middle"),
    ("sections_have_their_point", replace(r"> \*\*要点\*\*", "> "), "the section of the title has no 要点"),
    ("lecture_has_its_cells", every("slideshow", {"slide_type": "-"}), "the section 5.1 Toys · 玩具 begins no slide"),
    ("proofs_are_compared", every("tags", ["core"], "crosscheck("), "proves something and has no tag nbval"),
    ("equation_tags_unique", replace(r"tag\{5.1\}", "tag{5.3}"), "its equations are not numbered 1, 2, 3, ... in"),
    ("equation_tags_unique", replace(r"\\tag\{5.1\}", ""), "its equations are not numbered 1, 2, 3, ... in"),
    ("concepts_known", erratum, "its errata leave out E05.2; number them"),
    ("pictures_listed", replace(r"explore\.cube_of_and", "explore.other_and"), "calls explore.other_and_slope, which"),
    ("quoted_numbers", replace("toys are", r"(5.99) toys are"), "5.99 names no source; if the equation (5.99) is meant"),
    ("nothing_of_the_skeleton", replace("toys are", "Explain after the guess. Toys are"), '"Explain after the guess."'),
    ("nothing_of_the_skeleton", replace("玩具很小。", "用两句中文写出这一章的要点。"), '"用两句中文写出这一章的要点。"'),
]  # fmt: skip


@pytest.mark.parametrize("rule, change, sentence", HOLES)
def test_a_hole_in_a_whole_chapter_is_refused(whole, rule, change, sentence):
    fill_in(whole)
    with whole.edit("05_toys") as notebook:
        change(notebook)
    index(whole.root)
    problems = [re.sub("^.*?ipynb(, cell \\d+)?: ", "", text) for text in whole.problems()]
    assert any(text.startswith(sentence) for text in problems), problems


def test_a_definition_of_the_skeleton_is_refused(whole):
    fill_in(whole)
    text = skeleton.fill(skeleton.FILES["utils/nn/@{name}.py"], {"title": "", "number": 5})
    whole.write_file(
        "utils/nn/toys.py",
        whole.root.joinpath("utils/nn/toys.py").read_text("utf-8") + text.partition('"""\n')[2],
    )
    (told,) = [text for text in whole.problems() if "stale" not in text]
    assert told.startswith("utils/nn/toys.py: square: still the skeleton's; replace it; delete file and uses")


def test_one_test_that_asserts_for_every_section(whole):
    fill_in(whole)
    for path in (whole.root / "tests/chapters/toys").glob("test_*.py"):
        path.write_text("def test_nothing():\n    pass\n", "utf-8")
    (told,) = whole.problems()
    assert told.startswith(
        "tests/chapters/toys: holds no test_*.py with enough tests (0 that asserts something, expected 2"
    )


def test_the_import_that_shown_code_lacks_is_told(whole):
    fill_in(whole)
    module = whole.root / "utils/nn/toys.py"
    text = module.read_text("utf-8").replace(
        "\n\n\ndef cube_of", "\n\nfrom utils.nn.guard import guarded\n\n\n@guarded\n@later\ndef cube_of"
    )
    module.write_text(text + "\n\ndef later(f):\n    return f\n", "utf-8")
    sync(whole.root)
    found = [text for text in whole.problems() if "cube_of uses" in text]
    assert found[0].endswith(
        "uses guarded, which no cell up to here defines or imports; add `from utils.nn.guard import guarded` above"
    )
    assert found[1].endswith(
        "uses later, which no cell up to here defines or imports; add `from utils.nn.toys import later` above, or show it there"
    )


def test_older_chapters_have_the_parts_of_a_whole_one(monkeypatch):
    """But for a second sentence under some headings of clinics."""
    monkeypatch.setattr(course_module, "WHOLE_FROM", 1)
    found = [str(remark) for remark in check(ROOT)]
    assert [
        text for text in found if "stale" not in text and "less than two Chinese sentences" not in text
    ] == []
