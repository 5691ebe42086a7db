"""Rules about the course as a whole: numbers, exercises, concepts and their index."""

from utils.notebooks.files import BrokenFile, Remark, concept_ids, tags, told_name
from utils.notebooks.index import concepts_path, index_path, index_text, read_concepts
from utils.notebooks.rules.cells import CONCEPT, EXERCISE
from utils.register import FILE, register


def register_sound(course):
    try:
        register(course.root)
    except ValueError as error:
        yield Remark(FILE.as_posix(), str(error).removeprefix(f"{FILE.as_posix()}").lstrip(":, "))


def exercises_unique(course):
    seen = {}
    for chapter in course.chapters:
        for number, cell in chapter.cells():
            for tag in filter(EXERCISE.fullmatch, tags(cell)):
                if tag in seen:
                    yield chapter.remark(f"the tag {tag} is also in {seen[tag]}", number)
                seen.setdefault(tag, f"{chapter.name}, cell {number}")


def concepts_file_sound(course):
    """concepts.csv exists as soon as a cell names a concept, and has the right columns and ids."""
    name = told_name(course.root, concepts_path(course.root))
    if not course.has_concepts_file:
        if any(concept_ids(cell) for chapter in course.chapters for _, cell in chapter.cells()):
            yield Remark(name, "is missing, so the cells' concepts were not compared with it")
        return
    try:
        concepts = read_concepts(course.root)
    except BrokenFile as broken:
        yield broken.remark
        return
    for concept_id in concepts:
        if not CONCEPT.fullmatch(concept_id):
            yield Remark(name, f"the id {concept_id} must look like BP-03 or E01.2")


def concepts_by_register(course):
    """An id begins with the prefix that the register gives its chapter, or is that chapter's erratum: E04.2."""
    name = told_name(course.root, concepts_path(course.root))
    for concept in course.concepts.values():
        entry = course.register.get(concept.chapter)
        if not (course.register and CONCEPT.fullmatch(concept.id)):  # other rules say so
            continue
        if entry is None:
            text = f"the row of {concept.id} names chapter {concept.chapter}, which {FILE.as_posix()} has not"
            yield Remark(name, text)
        elif not concept.id.startswith((f"{entry.concepts}-", f"E{entry.two_digits}.")):
            text = f"{concept.id} is listed for chapter {entry.two_digits}, whose ids begin with {entry.concepts}-"
            yield Remark(name, text)


def concepts_reached(course):
    reached = {
        concept_id
        for chapter in course.chapters
        for _, cell in chapter.cells()
        for concept_id in concept_ids(cell)
    }
    for concept in course.concepts.values():
        if concept.chapter in course.by_number and concept.id not in reached:
            chapter = course.by_number[concept.chapter]
            yield chapter.remark(f"no cell treats {concept.id} ({concept.english or concept.chinese})")


def index_fresh(course):
    if not (course.chapters and course.complete and course.concepts and course.register):
        return
    path = index_path(course.root)
    content = path.read_bytes() if path.is_file() else None
    if content != index_text(course.chapters, course.concepts, course.register).encode():
        yield Remark(told_name(course.root, path), "is missing or stale; run index")
