"""check: reads all chapters, executes nothing, and says in plain sentences what breaks a rule.

A rule is a small function. A rule about one notebook gets (chapter, course), a rule about the course as a whole
gets (course); both yield remarks. To add one, write it in rules/, list it here, and break it in a test.
"""

from pathlib import Path

from utils.notebooks.course import Course
from utils.notebooks.files import BrokenFile, find_notebooks, read_chapter, told_name
from utils.notebooks.rules import cells, code, links, outputs, prose, whole

CHAPTER_RULES = (
    cells.named_by_register,
    cells.titled_by_register,
    cells.kernelspec_kept,
    cells.ids_unique,
    cells.no_conflict_markers,
    cells.slide_types,
    cells.known_tags,
    cells.concepts_known,
    code.shown_code_equals_its_source,
    code.shown_names_come_first,
    code.nothing_forbidden,
    outputs.executed_in_one_go,
    outputs.errors_where_expected,
    outputs.no_widget_views,
    outputs.nothing_on_stderr,
    outputs.no_warnings,
    outputs.no_timings,
    outputs.small_images,
    outputs.small_file,
    outputs.no_absolute_paths,
    outputs.no_registry_hosts,
    prose.nothing_unfinished,
    prose.no_emoji,
    prose.plain_markdown,
    prose.colours_in_braces,
    prose.equation_tags_unique,
    prose.equation_references_exist,
    links.links_lead_somewhere,
    links.no_remote_images,
    links.previous_and_next,
)
COURSE_RULES = (
    code.names_defined,
    links.readme_lists_chapters,
    whole.register_sound,
    whole.exercises_unique,
    whole.concepts_file_sound,
    whole.concepts_by_register,
    whole.concepts_reached,
    whole.index_fresh,
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
            remarks += rule(chapter, course)
    for rule in COURSE_RULES:
        remarks += rule(course)
    if paths:
        names = {told_name(root, path) for path in wanted} | {code.RUFF}
        remarks = [remark for remark in remarks if remark.name in names]
    return sorted(set(remarks), key=lambda remark: (remark.name, remark.cell or 0, remark.text))


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
