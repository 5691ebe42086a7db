"""Rules about the shape of a chapter: what every section has, the cells of a lecture, the summary, the tests."""

import re

from utils.notebooks.files import Remark, tags
from utils.notebooks.index import CHINESE

POINT = "要点"
SECTION = re.compile(r"(\d+)\.(\d+) ")
SUMMARY = re.compile(r"Summary\b")


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


def headings_bilingual(chapter, course):
    """Every heading ## says itself in Chinese too: ## 4.1 One recipe · 一个配方."""
    for heading, cells in sections(chapter):
        english, _, chinese = heading.rpartition(" · ")
        if not (english.strip() and CHINESE.search(chinese)):
            text = f"the heading {heading} has no Chinese half; write ## English · 中文"
            yield chapter.remark(text, cells[0][0])


def sections_have_their_point(chapter, course):
    """Under a numbered heading, in its cell or the next, stand the two Chinese sentences. The first page has none."""
    for heading, cells in numbered_sections(chapter) if chapter.number else ():
        if not any(POINT in cell.source for _, cell in cells[:2] if cell.cell_type == "markdown"):
            text = f"the section {heading} has no {POINT}; write > **{POINT}** and its point in two Chinese sentences"
            yield chapter.remark(text, cells[0][0])


def lecture_has_its_cells(chapter, course):
    """Most of the numbered sections have a cell tagged core, or a lecture would have nothing to show."""
    found = numbered_sections(chapter)
    without = [heading for heading, cells in found if not any("core" in tags(cell) for _, cell in cells)]
    if len(without) * 2 > len(found):
        told = "; ".join(without[:3])
        yield chapter.remark(f"most sections have no cell tagged core, which a lecture shows: {told}")


def ends_with_a_summary(chapter, course):
    """A chapter has a section Summary. The first page has none."""
    if chapter.number and not any(SUMMARY.match(heading) for heading, _ in sections(chapter)):
        yield chapter.remark("has no section Summary; write ## Summary · 小结 and five lines")


def chapters_have_tests(course):
    """A chapter with a notebook has a folder of tests of its own, with a test in it."""
    for entry in course.written.values():
        folder = course.root / "tests" / "chapters" / entry.name
        files = sorted(folder.glob("test_*.py"))
        if not any(re.search(rb"^def test_", path.read_bytes(), re.MULTILINE) for path in files):
            what = "holds no test" if files else "holds no test_*.py"
            text = f"{what}; test there what {entry.file_name} claims and shows"
            yield Remark(folder.relative_to(course.root).as_posix(), text)
