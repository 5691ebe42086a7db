"""check: reads all chapters, executes nothing, and says in plain sentences what breaks a rule.

A rule is a small function. A rule about one notebook gets (chapter, course), a rule about the course as a whole
gets (course); both yield remarks. To add one, write it in rules/, list it here, and break it in a test.
"""

from pathlib import Path

from utils.notebooks.course import Course
from utils.notebooks.files import BrokenFile, Remark, chapter_number, find_notebooks, read_chapter, told_name
from utils.notebooks.rules import (
    cells,
    code,
    fresh,
    leftover,
    links,
    modules,
    outputs,
    prose,
    quoted,
    shape,
    whole,
)

CHAPTER_RULES = (
    cells.named_by_register,
    cells.titled_by_register,
    cells.kernelspec_kept,
    cells.no_second_summary,
    cells.ids_unique,
    cells.no_conflict_markers,
    cells.slide_types,
    cells.known_tags,
    cells.concepts_known,
    code.shown_code_equals_its_source,
    code.shown_names_come_first,
    code.proofs_are_compared,
    code.nothing_forbidden,
    outputs.executed_in_one_go,
    outputs.errors_where_expected,
    outputs.no_widget_views,
    outputs.nothing_on_stderr,
    outputs.no_warnings,
    outputs.no_timings,
    outputs.no_progress,
    outputs.small_images,
    outputs.small_file,
    outputs.no_absolute_paths,
    outputs.no_registry_hosts,
    prose.nothing_unfinished,
    prose.no_emoji,
    prose.plain_markdown,
    prose.colours_in_braces,
    prose.colours_can_be_read,
    prose.colours_of_the_palette,
    prose.plain_words,
    prose.equation_tags_unique,
    prose.equation_references_exist,
    quoted.quoted_numbers,
    links.links_lead_somewhere,
    links.named_things_exist,
    links.no_remote_images,
    links.previous_and_next,
    shape.sections_numbered_in_order,
    shape.headings_bilingual,
    shape.sections_have_their_point,
    shape.lecture_has_its_cells,
    shape.headings_begin_their_cells,
    shape.has_its_parts,
    shape.exercises_are_asked,
    fresh.ran_with_these_sources,
    fresh.calls_no_written_chapter_unwritten,
)
COURSE_RULES = (
    code.names_defined,
    links.readme_lists_chapters,
    leftover.nothing_of_the_skeleton,
    whole.register_sound,
    whole.exercises_unique,
    whole.concepts_file_sound,
    whole.concepts_by_register,
    whole.concepts_reached,
    whole.index_fresh,
    modules.cited_equations_exist,
    modules.pictures_listed,
    modules.no_name_hides_a_module,
    shape.chapters_have_tests,
    fresh.measured_with_these_sources,
)


def check(root, paths=None):
    """All that breaks a rule, sorted by file and cell; with paths only what concerns those notebooks."""
    try:
        wanted = find_notebooks(root, paths)
    except BrokenFile as broken:
        return [broken.remark]
    course, remarks = _read_course(root, wanted)
    for rule in CHAPTER_RULES:
        for chapter in course.chapters:
            remarks += _applied(rule, chapter.name, chapter, course)
    for rule in COURSE_RULES:
        remarks += _applied(rule, "check", course)
    if paths:
        names = {told_name(root, path) for path in wanted} | {code.RUFF}
        own = [course.register[n].name for n in map(chapter_number, wanted) if n in course.register]
        folders = [f"{where}/chapters/{name}" for name in own for where in ("utils", "tests")]
        names.add("check")
        remarks = [r for r in remarks if r.name in names or any(_inside(r.name, f) for f in folders)]
    return sorted(set(remarks), key=lambda remark: (remark.name, remark.cell or 0, remark.text))


def _applied(rule, name, *arguments):
    """What a rule says; where a file makes it stumble, a sentence that says so instead of a traceback."""
    try:
        return list(rule(*arguments))
    except Exception as error:
        return [Remark(name, f"the rule {rule.__name__} stumbles ({type(error).__name__}: {error})")]


def _inside(name, folder):
    return name == folder or name.startswith(f"{folder}/")


def _read_course(root, wanted):
    """The course, with the wanted notebooks even where they lie outside chapters/: (course, remarks)."""
    by_path = {path.resolve(): path for path in [*find_notebooks(root), *wanted]}
    chapters, remarks = [], []
    for path in by_path.values():
        try:
            chapters.append(read_chapter(root, path))
        except BrokenFile as broken:
            remarks.append(broken.remark)
    return Course(Path(root), list(by_path.values()), chapters), remarks
