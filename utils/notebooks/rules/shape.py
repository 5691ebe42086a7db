"""Rules about the shape of a chapter: what every section has, the cells of a lecture, the summary, the tests."""

import ast
import re

from utils.notebooks.course import is_whole
from utils.notebooks.files import Remark, tags
from utils.notebooks.index import CHINESE

POINT = re.compile(r"要点\W*(?s:(.*?))(?:\n\s*\n|\n>\s*\n|\Z)")
SECTION = re.compile(r"(\d+)\.(\d+) ")
NO_SLIDE = [{"slide_type": kind} for kind in ("-", "fragment", "notes", "skip")]
STOPS = re.compile(r"[。？！]")
HEAD = {  # what the first cell says
    "**What you will be able to do**, a list": r"\*\*What you will be able to do.*?\n- \w",
    "**What you need first.** and what that is": r"\*\*What you need first\.?\*\*\.? *\S",
    "**Time:** and a number of minutes": r"\*\*Time[:.]?\*\*:?.*?\d+ minutes",
    "**Key terms:** and some": r"\*\*Key terms[:.]?\*\*:? *\w",
}
SECTIONS = ("The question", "At work", "Misprint clinic", "Exercises", "Summary", "Appendix")
# (what, where: in a section whose heading begins so, in its source, in its outputs, how to get it)
PARTS = (
    ("a picture", "", r"\bexplore\.\w+\(", "", "call an explorable of the chapter: explore.name()"),
    ("a prediction", "", r"\bquiz\(", "", 'ask one before a picture: quiz("NN.a")'),
    ("shown code", "", "", "", "give a code cell the tag show:nn/file.py::name"),
    (
        *("a proof in a numbered section", r"\d+\.\d+ ", r"\bcrosscheck(_steps)?\(", r"\bagrees\b"),
        "call crosscheck or crosscheck_steps",
    ),
    (
        *("a wrong form that is caught in the clinic", "Misprint clinic", "", "WRONG"),
        "crosscheck it with raises=False",
    ),
    ("an exercise", "Exercises", r"\bcheck\(", "", "add a stub that ends with check, tagged exercise:NN.1"),
    ("references", "Summary", r"\*\*References", "", "write **References.** author, year, title"),
)


def sections(chapter):
    """Yields (heading, cells of the section as (number, cell)) for every heading `## ...` of a chapter."""
    found = []
    for number, cell in chapter.cells():
        headings = chapter.documents[number].sections if cell.cell_type == "markdown" else []
        begun = [(heading, []) for heading in headings]
        found += begun
        for _, cells in begun or found[-1:]:
            cells.append((number, cell))
    return found


def numbered_sections(chapter):
    """The sections whose heading begins with the chapter's number: ## 4.7 At work."""
    return [section for section in sections(chapter) if SECTION.match(section[0])]


def sections_numbered_in_order(chapter, course):
    """## 4.1, ## 4.2, ...: the chapter's number and the next one."""
    for place, (heading, cells) in enumerate(numbered_sections(chapter), start=1):
        expected = f"{chapter.number}.{place} "
        if chapter.number is not None and not heading.startswith(expected):
            yield chapter.remark(
                f"the section {heading} must have the number {expected.strip()}", cells[0][0]
            )
            return


def headings_begin_their_cells(chapter, course):
    """A heading ## is the first line of its cell, where index, slides and edits look for it."""
    for number, cell in chapter.cells("markdown"):
        whole = is_whole(chapter)
        if whole and chapter.documents[number].sections and re.search(r"\S\s*\n## ", cell.source):
            yield chapter.remark("holds a heading ## in its middle; begin a new cell with it", number)


def headings_bilingual(chapter, course):
    """Every heading ## says itself in Chinese too, in two characters or more: ## 4.1 One recipe · 一个配方."""
    for heading, cells in sections(chapter):
        english, _, chinese = heading.rpartition(" · ")
        if not (english.strip() and len(CHINESE.findall(chinese)) > 1):
            text = f"the heading {heading} has no Chinese half; write ## English · 中文"
            yield chapter.remark(text, cells[0][0])


def sections_have_their_point(chapter, course):
    """Under a numbered heading, in its cell or the next, stand two Chinese sentences. The first page has fewer.

    In a whole chapter also under the title, and under the headings of the clinic and the exercises.
    """
    wanted = [(heading, cells[:2]) for heading, cells in numbered_sections(chapter) if chapter.number]
    if is_whole(chapter):
        wanted += [
            (h, cells[:2]) for h, cells in sections(chapter) if h.startswith(("Misprint", "Exercises"))
        ]
        wanted += [
            ("of the title", [(number, chapter.notebook.cells[number - 1])])
            for number in [*chapter.documents][:1]
        ]
    for heading, cells in wanted:
        points = [POINT.search(cell.source) for _, cell in cells if cell.cell_type == "markdown"]
        said = " ".join(match[1] for match in points if match)
        if len(STOPS.findall(said)) < 2 or not CHINESE.search(said):
            found = "a 要点 of less than two Chinese sentences" if any(points) else "no 要点"
            text = (
                f"the section {heading} has {found}; write > **要点** and its point in two Chinese sentences"
            )
            yield chapter.remark(text, cells[0][0])


def lecture_has_its_cells(chapter, course):
    """Numbered sections begin with a slide, and most have a cell tagged core, or a lecture would have nothing to show."""
    found = numbered_sections(chapter)
    for heading, cells in found:
        if cells[0][1].metadata.get("slideshow") in NO_SLIDE:
            yield chapter.remark(
                f"the section {heading} begins no slide; give its cell the slide type slide", cells[0][0]
            )
    without = [heading for heading, cells in found if not any("core" in tags(cell) for _, cell in cells)]
    if len(without) * 2 > len(found):
        told = "; ".join(without[:3])
        yield chapter.remark(f"most sections have no cell tagged core, which a lecture shows: {told}")


def has_its_parts(chapter, course):
    """A whole chapter has all that CONTRIBUTING.md lists, an older one a section Summary. The first page has none."""
    found = sections(chapter)
    whole, last = is_whole(chapter), chapter.notebook.cells[-1].id if chapter.notebook.cells else ""
    for name in SECTIONS if whole else ("Summary",) if chapter.number else ():
        here = [cells for heading, cells in found if SECTION.sub("", heading).startswith(name)]
        if not here:
            yield chapter.remark(f"has no section {name}; write ## {name} · 中文 and what belongs there")
        elif whole and sum(len(cell.source) for _, cell in here[0] if cell.id != last) < 100:
            yield chapter.remark(f"the section {name} says nothing; write what belongs there", here[0][0][0])
    if not whole:
        return
    title = min(chapter.documents, default=None)
    for told, pattern in HEAD.items() if title else ():
        if not re.search(pattern, chapter.notebook.cells[title - 1].source, re.DOTALL):
            yield chapter.remark(f"the first cell must say {told}", title)
    for part, section, source, output, how in PARTS:
        cells = [cell for heading, cells in found if re.match(section, heading) for _, cell in cells]
        if not any(is_part(cell, part, source, output) for cell in cells):
            yield chapter.remark(f"lacks {part}; {how}")


def is_part(cell, part, source, output):
    told = " ".join(
        str(found.get("text", found.get("data", {}).get("text/plain", "")))
        for found in cell.get("outputs", [])
    )
    named = part != "shown code" or any(tag.startswith("show:") for tag in tags(cell))
    proved = not part.startswith("a proof") or "WRONG" not in told
    return bool(named and proved and re.search(source, cell.source) and re.search(output, told))


def exercises_are_asked(chapter, course):
    """The text above an exercise's stub names its number in bold: **05.1 The pullback of a cube.**"""
    text = ""
    for number, cell in chapter.cells():
        text = cell.source if cell.cell_type == "markdown" else text
        for tag in tags(cell):
            if tag.startswith("exercise:") and is_whole(chapter) and f"**{tag[9:]}" not in text:
                yield chapter.remark(
                    f"the text above does not ask {tag[9:]}; write **{tag[9:]} and its title.**", number
                )


def chapters_have_tests(course):
    """A chapter with a notebook has a folder of tests, with a test that asserts something for every numbered section."""
    for number, entry in course.written.items():
        folder = course.root / "tests" / "chapters" / entry.name
        found = sum(map(asserting_tests, sorted(folder.glob("test_*.py"))))
        chapter = course.by_number.get(number)
        wanted = max(1, len(numbered_sections(chapter)) if chapter and is_whole(chapter) else 1)
        if found < wanted:
            told = f"{found} that asserts something, expected {wanted}, one a numbered section"
            text = f"holds no test_*.py with enough tests ({told}); test there what {entry.file_name} claims and shows"
            yield Remark(folder.relative_to(course.root).as_posix(), text)


def asserting_tests(path):
    """How many test functions of a file assert something, by a statement or a call (raises, assert_allclose, sweep)."""
    try:
        tests = [
            node
            for node in ast.parse(path.read_bytes()).body
            if getattr(node, "name", "").startswith("test_")
        ]
    except (OSError, SyntaxError, ValueError):
        return 0
    return sum(
        bool(re.search(r"\bassert|\braises\(|\bsweep\(|\bfail\(", ast.unparse(node))) for node in tests
    )
