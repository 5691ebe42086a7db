"""Rules about what a notebook keeps of its run: counts, errors, sizes, and nothing that depends on the machine."""

import json
import re

from utils.notebooks.files import RAISES, WIDGET_VIEW, tags
from utils.notebooks.markdown import take_out_math

MOST_FILE = 500_000  # bytes
MOST_IMAGE = 150_000
MOST_EXPLORABLE = 40_000
COVERED = "covered until the guess is made"  # as utils/exercises/quizzes.py says it

SVG = "image/svg+xml"
ANSI = re.compile(r"\x1b\[[0-9;]*m")
# pictures inside of HTML: as an address, or as the text that a script reads
EMBEDDED = re.compile(r"data:[\w/+.-]+;base64,[\w+/=]*|[\w+/]{200,}={0,2}")
IMAGE_IN_HTML = re.compile(r"data:image/[\w.+-]+;base64,([\w+/=]*)")
URL = re.compile(r"\b(?!file:)[a-z][a-z+]+://\S+")
# A slash after a blank, a quote or a bracket, then two names at least: not a/b/c, not </p>, not ~/x, not //.
UNIX_PATH = re.compile(r"(?<![\w.:/\\)\]}>~*$%<-])/(?!dev/)[A-Za-z_.][\w.+-]*/[\w.+-][\w./+-]*|\bfile:///\S*")
# A drive letter and a folder; in LaTeX (f:\mathbb{R}) no second backslash follows.
WINDOWS_PATH = re.compile(r"(?<![A-Za-z])[A-Za-z]:(?:\\{1,2}(?:Users\b|[\w .-]+\\)|/(?!/)[\w.-]+/)[^\s\"']*")
WARNING = re.compile(r"\b(?:[A-Z]\w*)?Warning:")
# how the record's table begins, unless the record is empty
PROGRESS = re.compile(r"Your progress(?!: everything still lies ahead)")
TIMING = re.compile(r"\b(?:Wall time|CPU times)\b")
REGISTRIES = re.compile(
    r"\b(?:pypi\.org|files\.pythonhosted\.org|(?:conda\.)?anaconda\.org|download\.pytorch\.org|"
    r"registry\.npmjs\.org|registry\.yarnpkg\.com|proxy\.golang\.org|index\.crates\.io)\b|Looking in (?:indexes|links):"
)


def texts(cell):
    """Yields the pieces of text in a cell's outputs, without colour codes and embedded pictures."""
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            pieces = [output.text]
        elif output.output_type == "error":
            pieces = [output.evalue, *output.traceback]
        else:
            shown = [
                value for kind, value in output.data.items() if kind == SVG or not kind.startswith("image/")
            ]
            pieces = [value if isinstance(value, str) else json.dumps(value) for value in shown]
        for piece in pieces:
            yield EMBEDDED.sub("", ANSI.sub("", piece))


def executed_in_one_go(chapter, course):
    """Execution counts are 1, 2, 3, ...; the first that is not is told."""
    expected = 1
    for number, cell in chapter.cells("code"):
        if not cell.source.strip():
            if cell.outputs or cell.execution_count is not None:
                yield chapter.remark("is empty but keeps an output or a count; run the notebook", number)
                return
            continue
        kept = {cell.execution_count} | {
            output.execution_count for output in cell.outputs if output.output_type == "execute_result"
        }
        if kept == {None}:
            yield chapter.remark("was not executed; run the notebook", number)
            return
        if kept != {expected}:
            told = ", ".join(str(count) for count in kept)
            text = f"was executed as number {told}, not {expected}; run the notebook from top to bottom"
            yield chapter.remark(text, number)
            return
        expected += 1


def errors_where_expected(chapter, course):
    for number, cell in chapter.cells("code"):
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if errors and RAISES not in tags(cell):
            yield chapter.remark(f"ended with {errors[0].ename} and is not tagged {RAISES}", number)
        if not errors and RAISES in tags(cell):
            yield chapter.remark(f"is tagged {RAISES} and keeps no error", number)


def no_widget_views(chapter, course):
    if "widgets" in chapter.notebook.metadata:
        yield chapter.remark("keeps the state of widgets (metadata.widgets); run strips it")
    for number, cell in chapter.cells("code"):
        if any(WIDGET_VIEW in output.get("data", {}) for output in cell.outputs):
            yield chapter.remark(
                "keeps a widget view, which is dead without its kernel; run strips it", number
            )


def nothing_on_stderr(chapter, course):
    for number, cell in chapter.cells("code"):
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                yield chapter.remark(f"wrote to stderr: {output.text.strip()[:80]}", number)


def _found_in_outputs(chapter, pattern, told):
    for number, cell in chapter.cells("code"):
        for text in texts(cell):
            if found := pattern.search(text):
                yield chapter.remark(f"{told}: {found[0]}", number)
                break


def no_warnings(chapter, course):
    yield from _found_in_outputs(chapter, WARNING, "its output holds a warning")


def no_timings(chapter, course):
    yield from _found_in_outputs(chapter, TIMING, "its output holds a timing, which differs from run to run")


def no_progress(chapter, course):
    yield from _found_in_outputs(chapter, PROGRESS, "its output shows what somebody has done; run empties it")


def no_registry_hosts(chapter, course):
    yield from _found_in_outputs(chapter, REGISTRIES, "its output names a package registry")
    for number, cell in chapter.cells():
        if found := REGISTRIES.search(cell.source):
            yield chapter.remark(f"names a package registry: {found[0]}", number)


def small_images(chapter, course):
    for number, cell in chapter.cells("code"):
        for output in cell.outputs:
            data = output.get("data", {})
            most = MOST_EXPLORABLE if _is_explorable(data) else MOST_IMAGE
            for size in sizes_of_images(data):
                if size > most:
                    text = f"its picture has {size // 1000} kB, more than {most // 1000} kB"
                    yield chapter.remark(text, number)


def sizes_of_images(data):
    """Bytes of every picture in an output, those inside of HTML too."""
    for kind, value in data.items():
        if kind.startswith("image/") and isinstance(value, str):
            yield len(value) if kind == SVG else len(value) * 3 // 4
    for found in IMAGE_IN_HTML.finditer(data.get("text/html", "")):
        yield len(found[1]) * 3 // 4


def _is_explorable(data):
    """An explorable tells its name, state and read-out as text: <title | T = 1 | largest share 0.98>.

    One behind a quiz tells, below the question, its name and that it is covered.
    """
    text = data.get("text/plain", "")
    return (text.startswith("<") and " | " in text) or text.endswith(f" | {COVERED}>")


def small_file(chapter, course):
    size = chapter.path.stat().st_size
    if size >= MOST_FILE:
        yield chapter.remark(f"has {size // 1000} kB; the limit is {MOST_FILE // 1000} kB")


def no_absolute_paths(chapter, course):
    for number, cell in chapter.cells():
        source = take_out_math(cell.source)[0] if cell.cell_type == "markdown" else cell.source
        for place, text in [("its source", source), *(("its output", text) for text in texts(cell))]:
            text = URL.sub("", text)
            if found := UNIX_PATH.search(text) or WINDOWS_PATH.search(text):
                yield chapter.remark(f"{place} holds an absolute path: {found[0]}", number)
                break
