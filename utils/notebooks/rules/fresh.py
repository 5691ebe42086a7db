"""Rules about outputs that were right when they were made: sources that changed since, chapters written since."""

import re

from utils.notebooks.files import Remark, all_texts
from utils.notebooks.imports import KEY, digest_of_imports
from utils.notebooks.measured import what_is_wrong

UNWRITTEN = re.compile(r"\b(\d\d) [^\n\"\\]{0,60}?\(not written yet\)")


def ran_with_these_sources(chapter, course):
    """The modules of utils that the cells import are those with which the notebook ran.

    A notebook that keeps no digest was run before there was one, and passes.
    """
    kept = chapter.notebook.metadata.get(KEY)
    entry = course.register.get(chapter.number)
    now = (digest_of_imports(chapter, course.root, entry, whole) for whole in (False, True))
    if kept is not None and kept not in now:
        yield chapter.remark(
            "stale: the modules of utils that it imports have changed since it ran; run it again"
        )


def measured_with_these_sources(course):
    """The results of a chapter's long experiments are there, and were measured with the sources of today."""
    for entry in course.register.values():
        if wrong := what_is_wrong(course.root, entry):
            name = f"utils/chapters/{entry.name}/results.json"
            yield Remark(name, f"{wrong}; python -m utils.notebooks measure {entry.two_digits}")


def calls_no_written_chapter_unwritten(chapter, course):
    """The map, for one, says of chapters that they are not written yet."""
    for number, cell in chapter.cells("code"):
        told = {int(found[1]) for text in all_texts(cell.outputs) for found in UNWRITTEN.finditer(text)}
        for late in sorted(told & course.written.keys()):
            name = course.written[late].file_name
            yield chapter.remark(f"its output calls {name} not written yet; run it again", number)
