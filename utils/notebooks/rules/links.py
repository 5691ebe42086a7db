"""Rules about links and pictures: relative links lead somewhere, chapters are linked to their neighbours."""

import os
import re
from urllib.parse import unquote, urlsplit

from utils.notebooks.files import Remark, tags
from utils.notebooks.markdown import Document, anchor
from utils.notebooks.rules.shape import numbered_sections, sections

SECTIONS_NAMED = re.compile(r"\b[Ss]ections? \d+\.\d+(?:(?:,| and| to)+ \d+\.\d+)*")
EXERCISE_NAMED = re.compile(r"\b[Ee]xercises? (\d\d\.\d+)")
CLINIC_NAMED = re.compile(r"\b[Cc]linic,? (\d+)")
TEST_NAMED = re.compile(r"(?<!/)\btests/[\w/]+(?:\.py(?:::\w+)?)?")
ELSEWHERE = {"http", "https", "mailto"}


def links_lead_somewhere(chapter, course):
    for number, cell in chapter.cells("markdown"):
        document = chapter.documents[number]
        for address in [*document.links, *document.images]:
            problem = _what_is_wrong(address, chapter, cell, course)
            if problem:
                yield chapter.remark(f"the link {address} {problem}", number)
        if "](" in document.text:
            yield chapter.remark("holds a ]( that makes no link; is there a blank in the address?", number)


def _what_is_wrong(address, chapter, cell, course):
    """Half a sentence about a link, or None when it is right."""
    parts = _split(address)
    if parts.scheme in ELSEWHERE or parts.scheme == "data":
        return None
    path = unquote(parts.path)
    if parts.scheme == "attachment":
        return None if path in cell.get("attachments", {}) else "names no attachment of the cell"
    if parts.scheme or parts.netloc or path.startswith("/") or {"\\", "\0"} & set(path):
        return "must be relative, or begin with https:"
    target = (chapter.path.parent / path).resolve() if path else chapter.path.resolve()
    if not target.is_relative_to(course.root.resolve()):
        return "leads out of the repository"
    if not os.path.exists(target):
        return "leads to a file that does not exist"
    return _what_is_wrong_with_anchor(unquote(parts.fragment), target, course)


def _what_is_wrong_with_anchor(fragment, target, course):
    if not fragment:
        return None
    if target in course.by_path:
        return _anchor_in_notebook(fragment, course.by_path[target])
    if target.suffix == ".md" and fragment not in _anchors_of_page(target):
        return f"leads to a heading that {target.name} does not have"
    return None


def _anchor_in_notebook(fragment, chapter):
    headings = {anchor(heading) for document in chapter.documents.values() for heading in document.headings}
    ids = {html_id for document in chapter.documents.values() for html_id in document.html_ids}
    ids |= {f"cell-id={cell.id}" for _, cell in chapter.cells()}
    if fragment in ids:
        return None
    if fragment not in headings:
        return f"leads to a heading or cell that {chapter.name} does not have"
    if not fragment.isascii() or "$" in fragment:
        return "uses an anchor that JupyterLab does not find (Chinese or LaTeX in it); write #cell-id=... instead"
    return None


def _anchors_of_page(path):
    """JupyterLab's and GitHub's anchors of the headings of a Markdown file."""
    headings = Document.parse(path.read_text("utf-8", errors="replace")).headings
    github = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {anchor(heading) for heading in [*headings, *github]}


def named_things_exist(chapter, course):
    """Sections, exercises, items of the clinic and files of tests that the text names, but for what others' books hold."""
    items = {n for heading, cells in sections(chapter) if heading.startswith("Misprint") for _, cell in cells
             for n in re.findall(r"\*\*(\d+)\. ", cell.source)}  # fmt: skip
    for number, cell in chapter.cells("markdown"):
        source = cell.source.partition("**References")[0]
        for told, found in named(source):
            target = (
                course.by_number.get(int(found.split(".")[0])) if told in ("section", "exercise") else None
            )
            if told == "section":
                wrong = target and int(found.split(".")[1]) > len(numbered_sections(target))
            elif told == "exercise":
                wrong = target and f"exercise:{found}" not in {
                    tag for _, other in target.cells() for tag in tags(other)
                }
            elif told == "clinic":
                wrong = found not in items
            else:
                path, _, name = found.partition("::")
                file = course.root / path
                wrong = not file.exists() or (
                    name and not re.search(rf"^(?:def|class) {name}\b", file.read_text("utf-8"), re.M)
                )
            if wrong:
                yield chapter.remark(f"names {told} {found}, which does not exist", number)


def named(source):
    """Yields (kind, number or path) of what a text names."""
    for match in SECTIONS_NAMED.finditer(source):
        yield from (("section", found) for found in re.findall(r"\d+\.\d+", match[0]))
    yield from (("exercise", found) for found in EXERCISE_NAMED.findall(source))
    yield from (("clinic", found) for found in CLINIC_NAMED.findall(source))
    yield from (("the test", found) for found in TEST_NAMED.findall(source))


def no_remote_images(chapter, course):
    for number, document in chapter.documents.items():
        for address in document.images:
            if _split(address).scheme in ELSEWHERE:
                yield chapter.remark(f"the picture {address} is not in the repository", number)


def previous_and_next(chapter, course):
    """The first and the last markdown cell link to the previous and next chapter of the register that is written,
    and to chapter 00."""
    if chapter.number is None:
        return
    if not chapter.documents:
        yield chapter.remark("has no markdown cell, so no links to its neighbours")
        return
    numbers = list(course.written)
    if chapter.number not in numbers:  # named_by_register says so
        return
    here = numbers.index(chapter.number)
    neighbours = {0, *numbers[max(here - 1, 0) : here + 2]} & set(numbers) - {chapter.number}
    for end, number in [("first", min(chapter.documents)), ("last", max(chapter.documents))]:
        linked = {unquote(_split(address).path) for address in chapter.documents[number].links}
        for neighbour in sorted(neighbours):
            name = course.written[neighbour].file_name
            if name not in linked:
                yield chapter.remark(f"the {end} markdown cell must link to {name}", number)


def readme_lists_chapters(course):
    path = course.root / "README.md"
    if not path.is_file():
        return
    addresses = [
        unquote(address) for address in Document.parse(path.read_text("utf-8", errors="replace")).links
    ]
    for chapter in course.chapters:
        if not any(chapter.name in address for address in addresses):
            yield Remark("README.md", f"has no link to {chapter.name}")


def _split(address):
    """The parts of an address; one that makes no sense is taken as a path, which will not exist."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")._replace(path=address)
