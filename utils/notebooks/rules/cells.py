"""Rules about a notebook's metadata: name, kernel, cell ids, slide types, tags, concept ids."""

import re
from collections import Counter

from utils.notebooks.course import is_whole
from utils.notebooks.files import CONFLICT, all_texts, concept_ids, tags
from utils.notebooks.shown import PREFIX
from utils.register import FILE

SLIDE_TYPES = {"slide", "subslide", "fragment", "skip", "notes", "-"}
TAGS = {
    *("core", "skip", "stub", "solution", "parameters", "raises-exception"),
    *("nbval-check-output", "nbval-skip", "nbval-ignore-output"),
}
EXERCISE = re.compile(r"exercise:(\d\d)\.\d+")
ERRATUM = re.compile(r"E\d\d\.\d+")
CONCEPT = re.compile(rf"[A-Z][A-Z0-9]*-\d\d[a-z]?|{ERRATUM.pattern}")


def named_by_register(chapter, course):
    """The file has the number and the name that the register gives the chapter."""
    if chapter.number is None:
        yield chapter.remark("must be named like 04_normalization.ipynb")
    elif course.register and chapter.number not in course.register:
        yield chapter.remark(f"{FILE.as_posix()} has no chapter {chapter.number}; add it there")
    elif course.register and chapter.path.name != (name := course.register[chapter.number].file_name):
        yield chapter.remark(
            f"must be named {name}, as {FILE.as_posix()} says; rename it, or change the entry"
        )


def titled_by_register(chapter, course):
    """The first heading is the register's: # 04 Normalization · 归一化."""
    entry = course.register.get(chapter.number)
    if entry is None:
        return
    headings = [(n, heading) for n, document in chapter.documents.items() for heading in document.headings]
    if not headings:
        yield chapter.remark(f"has no heading; {FILE.as_posix()} says: # {entry.heading}")
    elif headings[0][1] != entry.heading:
        text = (
            f"the first heading must be # {entry.heading}, as {FILE.as_posix()} says; it is {headings[0][1]}"
        )
        yield chapter.remark(text, headings[0][0])


def kernelspec_kept(chapter, course):
    name = chapter.notebook.metadata.get("kernelspec", {}).get("name")
    if name != "python3":
        yield chapter.remark(f"must keep the kernelspec python3; it has {name or 'none'}")


def no_second_summary(chapter, course):
    """The register has the summary of a chapter; nothing reads one that a notebook's metadata hold."""
    if "course" in chapter.notebook.metadata:
        yield chapter.remark(f"its metadata hold course, which nothing reads; {FILE.as_posix()} has it")


def ids_unique(chapter, course):
    times = Counter(cell.id for _, cell in chapter.cells())
    for number, cell in chapter.cells():
        if times[cell.id] > 1:
            yield chapter.remark(f"its id {cell.id} is also another cell's", number)


def no_conflict_markers(chapter, course):
    """What git leaves where two edits met, in any text of the notebook; a row of = alone may be an output's line."""
    metadata = {"metadata": chapter.notebook.metadata}
    for number, cell in [(None, metadata), *chapter.cells()]:
        found = CONFLICT.search(cell.get("source", "")) or next(
            (match for text in all_texts(cell) for match in CONFLICT.finditer(text) if match[0][0] != "="),
            None,
        )
        if found:
            yield chapter.remark(f"holds a conflict marker, {found[0][:40]}; settle the merge", number)


def slide_types(chapter, course):
    for number, cell in chapter.cells():
        slideshow = cell.metadata.get("slideshow")
        kind = slideshow.get("slide_type") if isinstance(slideshow, dict) else None
        if not (isinstance(kind, str) and kind in SLIDE_TYPES):
            told = " ".join(sorted(SLIDE_TYPES))
            yield chapter.remark(f"slideshow.slide_type must be one of {told}; it is {kind!r}", number)


def known_tags(chapter, course):
    for number, cell in chapter.cells():
        for tag in tags(cell):
            exercise = EXERCISE.fullmatch(tag)
            if exercise and chapter.number is not None and int(exercise[1]) != chapter.number:
                yield chapter.remark(f"the tag {tag} names another chapter", number)
            elif not (exercise or tag in TAGS or tag.startswith(PREFIX)):
                yield chapter.remark(f"the tag {tag} is unknown", number)


def concepts_known(chapter, course):
    """Concept ids have the right form and stand in concepts.csv; errata of a whole chapter are E05.1, E05.2, ...

    Errata (E04.2) need a row there only where the file lists any erratum of that chapter.
    """
    listed_errata = {
        concept_id.split(".")[0] for concept_id in course.concepts if ERRATUM.fullmatch(concept_id)
    }
    for number, cell in chapter.cells():
        concepts = cell.metadata.get("concepts", [])
        if not isinstance(concepts, list):
            yield chapter.remark("its concepts must be a list of ids", number)
            continue
        for entry in concepts:
            if not (isinstance(entry, str) and CONCEPT.fullmatch(entry)):
                yield chapter.remark(f"the concept id {entry!r} must look like BP-03 or E01.2", number)
            elif ERRATUM.fullmatch(entry) and entry.split(".")[0] not in listed_errata:
                continue
            elif course.concepts and entry not in course.concepts:
                yield chapter.remark(f"the concept {entry} has no row in chapters/concepts.csv", number)
    errata = {
        int(entry.split(".")[1])
        for _, cell in chapter.cells()
        for entry in concept_ids(cell)
        if ERRATUM.fullmatch(entry)
    }
    if is_whole(chapter) and (gaps := set(range(1, max(errata, default=0))) - errata):
        yield chapter.remark(
            f"its errata leave out E{chapter.number:02d}.{min(gaps)}; number them 1, 2, 3, ..."
        )
