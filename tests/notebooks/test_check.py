"""check: a good little course passes; each way to break it is told in a sentence that names file and cell."""

import inspect

import nbformat
import pytest
from nbformat.v4 import new_output

from tests.notebooks.test_whole import HOLES
from tests.notebooks.tiny_course import (
    ACTIVATIONS,
    BACKPROP,
    CONCEPTS,
    EXERCISES,
    START,
    SUMMARY,
    error,
    markdown,
    picture,
    python,
    stdout,
)
from utils.exercises import record_file, table
from utils.notebooks import check as checking
from utils.notebooks.files import WIDGET_VIEW
from utils.notebooks.index import index
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
from utils.notebooks.shown import digest

BEGUN = table.of(record_file.fresh_record() | {"quizzes": {"01.a": False}})


def test_a_good_course_is_accepted(course):
    assert course.problems() == []


def test_what_no_rule_minds(course):
    (course.root / "README.md").unlink()
    with course.edit() as notebook:
        end = notebook.cells[7]
        end.source += (
            " ![x](attachment:x.png) ![y](data:image/png;base64,eA==) [z](../utils/nn/backprop.py#L3)"
        )
        end.source += " [mail](mailto:a@b.org) [site](https://a.org/b#c)"
        end["attachments"] = {"x.png": {"image/png": "eA=="}}
        end.source += f" a line of {'=' * 7} and of {'=' * 8}:\n{'=' * 8}\n"
        notebook.cells[4].outputs = [stdout(f"x\n{'=' * 7}\n{'>' * 8} y\n")]
        notebook.cells[4].outputs += [picture("a | b", "A" * 150_000), picture("<Figure>", "A" * 150_000)]
        notebook.cells[4].outputs.append(covered("A" * 53_000))
        notebook.cells[4].outputs += [
            stdout(f"{table.of(record_file.fresh_record())}"),
            stdout("Progress: reset."),
        ]
        notebook.cells.insert(2, python("empty", "", None))
    assert course.problems() == []


# --- one cell is changed: (rule, number of the cell, the change, how the only sentence about it begins)


def add(text):
    def change(cell):
        cell.source += text

    return change


def write(source, **more):
    return lambda cell: cell.update(source=source, **more)


def tag(*names):
    return lambda cell: cell.metadata.update(tags=list(names))


def put(**metadata):
    return lambda cell: cell.metadata.update(nbformat.from_dict(metadata))


def keep(*kept):
    return lambda cell: cell.update(outputs=list(kept))


def count(number):
    return lambda cell: cell.update(execution_count=number)


def show(kind, value):
    return new_output("display_data", {kind: value})


WINDOWS = "C:" + r"\Users\me"
STDERR = new_output("stream", name="stderr", text="hm\n")
UNWRITTEN = (
    '<script>{"readout": "02 activations (not written yet)\\\\nrests on 03 x (not written yet)"}</script>'
)
LATE_RESULT = new_output("execute_result", {"text/plain": "1"}, execution_count=7)


def covered(data):
    """A picture behind a quiz, as a notebook keeps it."""
    html = f'<div>Quiz 01.a.<details><summary>The picture</summary><img alt="x" src="data:image/png;base64,{data}"></details></div>'
    text = "Quiz 01.a. Choose.\n  a  one\n<a title | covered until the guess is made>"
    return new_output("execute_result", {"text/html": html, "text/plain": text}, execution_count=3)


CELL_BREAKS = [
    (
        "no_conflict_markers",
        8,
        add(f"\n{'<' * 7} HEAD\nx"),
        f"holds a conflict marker, {'<' * 7} HEAD; settle",
    ),
    ("no_conflict_markers", 8, add(f"\n\n{'=' * 7}\nx"), f"holds a conflict marker, {'=' * 7}; settle"),
    (
        "no_conflict_markers",
        8,
        add(f"\n{'>' * 7} 4f2a9\nx"),
        f"holds a conflict marker, {'>' * 7} 4f2a9; settle",
    ),
    ("no_conflict_markers", 8, add(f"\n{'|' * 7} base"), f"holds a conflict marker, {'|' * 7} base; settle"),
    (
        "no_conflict_markers",
        5,
        keep(stdout(f"a\n{'>' * 7} b\n")),
        f"holds a conflict marker, {'>' * 7} b; settle",
    ),
    ("no_conflict_markers", 5, put(more={"a": ["<" * 7]}), f"holds a conflict marker, {'<' * 7}; settle"),
    ("slide_types", 2, put(slideshow={"slide_type": "page"}), "slideshow.slide_type must be one of"),
    ("slide_types", 2, put(slideshow={"slide_type": ["slide"]}), "slideshow.slide_type must be one of"),
    ("slide_types", 2, put(slideshow=3), "slideshow.slide_type must be one of"),
    ("known_tags", 2, tag("cores"), "the tag cores is unknown"),
    ("known_tags", 2, tag("exercise:1.2"), "the tag exercise:1.2 is unknown"),
    ("known_tags", 2, tag("exercise:02.1"), "the tag exercise:02.1 names another chapter"),
    ("concepts_known", 2, put(concepts="BP-01"), "its concepts must be a list of ids"),
    ("concepts_known", 2, put(concepts=3), "its concepts must be a list of ids"),
    ("concepts_known", 2, put(concepts=[["BP-01"]]), "the concept id ['BP-01'] must look like"),
    ("concepts_known", 2, put(concepts=["bp-1"]), "the concept id 'bp-1' must look like BP-03 or E01.2"),
    ("concepts_known", 2, put(concepts=[3]), "the concept id 3 must look like BP-03 or E01.2"),
    ("concepts_known", 2, put(concepts=["BP-99"]), "the concept BP-99 has no row in chapters/concepts.csv"),
    ("shown_code_equals_its_source", 2, tag("show:m.py"), "the tag show:m.py must look like show:nn/norm"),
    ("shown_code_equals_its_source", 2, tag("show:../m.py::f"), "the tag show:../m.py::f must look like"),
    ("shown_code_equals_its_source", 2, tag("show:m.py::f.g"), "the tag show:m.py::f.g must look like"),
    ("shown_code_equals_its_source", 2, tag("show:/m.py::f"), "the tag show:/m.py::f must look like"),
    ("shown_code_equals_its_source", 2, tag("show:n\\m.py::f"), "the tag show:n\\m.py::f must look like"),
    ("shown_code_equals_its_source", 2, tag("show:m.txt::f"), "the tag show:m.txt::f must look like"),
    ("shown_code_equals_its_source", 3, tag("show:m.py::f"), "only a code cell can show code"),
    (
        *("shown_code_equals_its_source", 2, tag("show:m.py::f", "show:m.py::g")),
        "a cell shows one definition, not show:m.py::f and show:m.py::g",
    ),
    ("nothing_forbidden", 5, add("\nnp.interact(y)"), "uses ipywidgets' interact"),
    ("nothing_forbidden", 5, add("\nnp.interactive(y)"), "uses ipywidgets' interact"),
    ("nothing_forbidden", 5, add("\nnp.Output()"), "uses an Output widget"),
    ("nothing_forbidden", 5, add("\n%matplotlib inline"), "uses %matplotlib, which"),
    ("nothing_forbidden", 5, add("\nimport plotly.express as px"), "uses plotly, which"),
    ("nothing_forbidden", 5, add("\nfrom ipympl import x"), "uses ipympl, which"),
    ("nothing_forbidden", 5, add("\n%timeit y"), "uses %time or %timeit (its output differs"),
    ("nothing_forbidden", 7, write("%%time\n1"), "uses %time or %timeit (its output differs"),
    ("executed_in_one_go", 5, count(None), "was not executed; run the notebook"),
    ("executed_in_one_go", 5, count(9), "was executed as number 9, not 3; run the notebook"),
    ("executed_in_one_go", 5, keep(LATE_RESULT), "was executed as number "),
    ("executed_in_one_go", 7, write("\n"), "is empty but keeps an output or a count"),
    ("executed_in_one_go", 5, write("", execution_count=None), "is empty but keeps an output or a count"),
    ("errors_where_expected", 6, tag(), "ended with ValueError and is not tagged raises-exception"),
    ("errors_where_expected", 6, keep(), "is tagged raises-exception and keeps no error"),
    (
        "no_widget_views",
        5,
        keep(show(WIDGET_VIEW, {})),
        "keeps a widget view, which is dead without its kernel",
    ),
    ("nothing_on_stderr", 5, keep(STDERR), "wrote to stderr: hm"),
    ("no_warnings", 5, keep(stdout("x:1: UserWarning: hm")), "its output holds a warning: UserWarning:"),
    ("no_timings", 5, keep(stdout("Wall time: 3 ms")), "its output holds a timing, which differs"),
    ("no_timings", 5, keep(stdout("CPU times: user 3 ms")), "its output holds a timing, which differs"),
    ("no_progress", 5, keep(stdout(repr(BEGUN))), "its output shows what somebody has done; run empt"),
    (
        "no_progress",
        5,
        keep(show("text/html", BEGUN._repr_html_())),
        "its output shows what somebody has done",
    ),
    (
        "no_progress",
        5,
        keep(stdout("Your progress cannot be kept")),
        "its output shows what somebody has done",
    ),
    ("small_images", 5, keep(picture("<a | b>", "A" * 54_000)), "its picture has 40 kB, more than 40 kB"),
    ("small_images", 5, keep(covered("A" * 54_000)), "its picture has 40 kB, more than 40 kB"),
    ("small_images", 5, keep(picture("<Figure>", "A" * 203_000)), "its picture has 152 kB, more than 150 kB"),
    ("small_images", 5, keep(show("image/svg+xml", "x" * 151_000)), "its picture has 151 kB, more than 150"),
    ("no_absolute_paths", 2, add("\nf = '/srv/me/x.csv'"), "its source holds an absolute path: /srv/me/x.c"),
    ("no_absolute_paths", 2, add("\nf = '$', '/srv/me', '$'"), "its source holds an absolute path: /srv/me"),
    (
        "no_absolute_paths",
        5,
        keep(show("text/html", "at /srv/x")),
        "its output holds an absolute path: /srv/x",
    ),
    (
        "no_absolute_paths",
        5,
        keep(show("image/svg+xml", "at /srv/x")),
        "its output holds an absolute path: /s",
    ),
    (
        "no_absolute_paths",
        5,
        keep(show("application/json", {"at": "/srv/x"})),
        "its output holds an absolute",
    ),
    ("no_absolute_paths", 8, add(" `/usr/data`"), "its source holds an absolute path: /usr/data"),
    ("no_absolute_paths", 5, keep(stdout(WINDOWS)), f"its output holds an absolute path: {WINDOWS}"),
    ("no_absolute_paths", 6, keep(error("File \x1b[32m/srv/x.py\x1b[39m:3")), "its output holds an absolute"),
    (
        "no_registry_hosts",
        5,
        keep(stdout("https://pypi.org/x")),
        "its output names a package registry: pypi.",
    ),
    ("no_registry_hosts", 2, add("\n# download.pytorch.org"), "names a package registry: download.pyt"),
    ("nothing_unfinished", 2, add("\n# TODO: more"), "holds a TODO"),
    ("nothing_unfinished", 8, add(" FIXME"), "holds a FIXME"),
    ("no_emoji", 8, add(" \U0001f600"), "holds an emoji (U+1F600)"),
    ("no_emoji", 2, add(" # \u2705"), "holds an emoji (U+2705)"),
    ("plain_markdown", 8, add("\n\n<div>x</div>"), "uses the HTML tag <div>; allowed"),
    ("plain_markdown", 8, add(" where x <eps> y"), "uses the HTML tag <eps>; allowed"),
    ("plain_markdown", 8, add("\n\n<!-- later -->"), "uses an HTML comment; allowed"),
    ("plain_markdown", 8, add(" {term}`softmax`"), "uses the MyST syntax {term}`...`, which"),
    ("plain_markdown", 8, add("\n\n```{note}\nx\n```\n"), "uses the MyST syntax ```{note}, which"),
    ("plain_markdown", 8, add("\n\n:::{note}\nx\n:::\n"), "uses the MyST syntax :::{note}, which"),
    ("colours_in_braces", 8, add(r" $\color{#157ABB}{y} + 1$"), r"write {\color{#157ABB}{...}} with the"),
    ("colours_in_braces", 8, add(r" ${\color{#157ABB} y} + 1$"), r"write {\color{#157ABB}{...}} with the"),
    (
        "colours_can_be_read",
        8,
        add(r" ${\color{#d55e00}{y}} + 1$"),
        "colours letters #D55E00; write #C25400, which",
    ),
    ("equation_tags_unique", 8, add(r" $$y \tag{1.1}$$"), r"the equation's \tag{1.1} is also in cell 3"),
    ("equation_tags_unique", 8, add(r" $$y \tag{2.1}$$"), r"the equation's \tag{2.1} has another chapter's"),
    ("equation_tags_unique", 8, add(r" $$y \tag{*}$$"), r"the equation's \tag{*} must look like \tag{4.7}"),
    ("equation_tags_unique", 8, add(r" y \tag{1.2}$$"), r"a \tag stands outside of a formula"),
    ("equation_references_exist", 8, add(" see eq. 1.9"), f"refers to equation (1.9), which {BACKPROP} does"),
    ("equation_references_exist", 8, add(" by (2.3)"), f"refers to equation (2.3), which {ACTIVATIONS} does"),
    (
        "quoted_numbers",
        8,
        put(quotes={"0.59": "given"}),
        "a source is named for 0.59, which the text does not",
    ),
    ("links_lead_somewhere", 8, add(" [x](09.ipynb)"), "the link 09.ipynb leads to a file that does"),
    ("links_lead_somewhere", 8, add(" [x](../../x)"), "the link ../../x leads out of the repository"),
    ("links_lead_somewhere", 8, add(" [x](#1.2-No)"), "the link #1.2-No leads to a heading or cell that"),
    (
        "links_lead_somewhere",
        8,
        add(" [x](02_activations.ipynb#cell-id=z)"),
        "the link 02_activations.ipynb#",
    ),
    ("links_lead_somewhere", 8, add(" [x](#1.1-Chain-rule-·-链式法则)"), "the link #1.1-Chain-rule-"),
    ("links_lead_somewhere", 8, add(" [x](/tree)"), "the link /tree must be relative, or begin with https:"),
    ("links_lead_somewhere", 8, add(" [x](//a.org)"), "the link //a.org must be relative, or begin"),
    (
        "links_lead_somewhere",
        8,
        add(" [x](#1.2-$x$)\n\n### 1.2 $x$"),
        "the link #1.2-$x$ uses an anchor that",
    ),
    ("links_lead_somewhere", 8, add(" [x](file:x.txt)"), "the link file:x.txt must be relative, or begin"),
    ("links_lead_somewhere", 8, add(" [x](a%00b)"), "the link a%00b must be relative, or begin"),
    ("links_lead_somewhere", 8, add(" <a href='http://[x'>y</a>"), "the link http://[x leads to a file"),
    ("links_lead_somewhere", 8, add(" ![x](attachment:x.png)"), "the link attachment:x.png names no"),
    ("links_lead_somewhere", 8, add(" [x](../README.md#x)"), "the link ../README.md#x leads to a head"),
    ("links_lead_somewhere", 8, add(" [x](a b.ipynb)"), "holds a ]( that makes no link"),
    ("links_lead_somewhere", 8, add("\n\n<img src='q.png'>"), "the link q.png leads to a file that does not"),
    ("no_remote_images", 8, add(" ![x](https://a.org/x.png)"), "the picture https://a.org/x.png is not"),
    ("no_remote_images", 8, add(' <img src="https://a.org/x.png">'), "the picture https://a.org/x.png is"),
    (
        "previous_and_next",
        8,
        write(f"{SUMMARY}[00](00_start_here.ipynb)"),
        "the last markdown cell must link to 02_",
    ),
    (
        "previous_and_next",
        8,
        write(f"{SUMMARY}[02](02_activations.ipynb)"),
        "the last markdown cell must link to 00_",
    ),
    (
        "sections_numbered_in_order",
        3,
        add("\n\n## 1.3 More · 更多"),
        "the section 1.3 More · 更多 must have",
    ),
    (
        "sections_numbered_in_order",
        3,
        add("\n\n## 2.1 More · 更多"),
        "the section 2.1 More · 更多 must have",
    ),
    (
        "headings_bilingual",
        8,
        add("\n\n## More"),
        "the heading More has no Chinese half; write ## English · 中文",
    ),
    ("headings_bilingual", 8, add("\n\n## More · More"), "the heading More · More has no Chinese half"),
    ("headings_bilingual", 8, add("\n\n## More · 中"), "the heading More · 中 has no Chinese half"),
    (
        "lecture_has_its_cells",
        3,
        put(slideshow={"slide_type": "-"}),
        "the section 1.1 Chain rule · 链式法则 begins no",
    ),
    ("plain_words", 8, add(" Obviously it is."), "says 'Obviously'; leave it out"),
    (
        "proofs_are_compared",
        7,
        write("x = crosscheck_steps(...)  # noqa"),
        "proves something and has no tag nbval",
    ),
    ("named_things_exist", 8, add(" As in section 1.7."), "names section 1.7, which does not exist"),
    ("named_things_exist", 8, add(" As in sections 1.1 and 1.2."), "names section 1.2, which does not exist"),
    ("named_things_exist", 8, add(" See exercise 01.9."), "names exercise 01.9, which does not exist"),
    ("named_things_exist", 8, add(" See the clinic, 7."), "names clinic 7, which does not exist"),
    (
        "named_things_exist",
        8,
        add(" `tests/nn/test_no.py`"),
        "names the test tests/nn/test_no.py, which does not",
    ),
    (
        *("named_things_exist", 8, add(" `tests/chapters/backprop/test_claims.py::test_no`")),
        "names the test tests/chapters/backprop/test_claims.py::test_no, which does not exist",
    ),
    (
        "colours_of_the_palette",
        8,
        add(r" ${\color{#123456}{y}}$"),
        "paints y in #123456; the palette is #0072B2 values",
    ),
    (
        "colours_of_the_palette",
        8,
        add(r" ${\color{#157ABB}{\bar y}}$"),
        r"paints the gradient \bar y as values; gradients",
    ),
    ("shown_code_equals_its_source", 4, tag(), "has lost its tag show:nn/backprop.py::linear; put it back"),
    (
        "equation_references_exist",
        8,
        add(" By (3.3)."),
        "refers to equation (3.3) of a chapter that is not written",
    ),
    (
        *("sections_have_their_point", 3, lambda cell: cell.update(source=cell.source.replace("要点", "x"))),
        "the section 1.1 Chain rule · 链式法则 has no 要点; write > **要点** and its point in two",
    ),
    (
        *(
            "sections_have_their_point",
            3,
            lambda cell: cell.update(source=cell.source.replace("两句话。", "yes.")),
        ),
        "the section 1.1 Chain rule · 链式法则 has a 要点 of less than two Chinese sentences; write",
    ),
    (
        "calls_no_written_chapter_unwritten",
        5,
        keep(show("text/html", UNWRITTEN)),
        "its output calls 02_activations.ipynb",
    ),
    (
        "calls_no_written_chapter_unwritten",
        5,
        keep(stdout("02 x (not written yet)")),
        "its output calls 02_activations",
    ),
    ("names_defined", 5, add("\nprint(later)"), "line 3: Undefined name `later`"),
    ("names_defined", 5, add("\ndef f(:"), "line 3: "),
]


@pytest.mark.parametrize("rule, number, change, sentence", CELL_BREAKS)
def test_a_broken_cell_is_refused(course, rule, number, change, sentence):
    with course.edit() as notebook:
        change(notebook.cells[number - 1])
    problems = course.problems()
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"{BACKPROP}, cell {number}: {sentence}")


# --- something else is changed: (rule, the change, how the sentences begin)


def rename(course):
    text = r"$$ y \tag{1.7} $$"
    course.write("Untitled", [markdown("text", text), python("code", "1", 1, tags=["exercise:01.9"])])
    course.write("Untitled1", [])


def other_kernel(course):
    with course.edit() as notebook:
        notebook.metadata.kernelspec.name = "conda"


def no_kernel(course):
    with course.edit() as notebook:
        del notebook.metadata["kernelspec"]


def same_id(course):
    path = course.path()  # by hand: nbformat would repair it
    path.write_text(path.read_text("utf-8").replace('"id": "raises"', '"id": "use"'), encoding="utf-8")


def list_one_erratum(course):
    course.write_concepts(CONCEPTS + "E01.1,,,,1\n")
    with course.edit() as notebook:
        notebook.cells[2].metadata.concepts += ["E01.1"]


def edit_module(course):
    course.edit_module("x @ weight.T", "x @ weight.mT")


def lose_hash(course):
    with course.edit() as notebook:
        del notebook.cells[3].metadata["shown"]


def edit_both(course, old, new):
    """An edit of the shown definition that sync has already brought to the other side."""
    course.edit_module(old, new)
    with course.edit() as notebook:
        cell = notebook.cells[3]
        cell.source = cell.source.replace(old, new)
        cell.metadata.shown.hash = digest(cell.source)


def use_before_definition(course):
    edit_both(course, "dy @ weight", "later(dy)")
    with course.edit() as notebook:
        notebook.cells[4].source += "\nlater = None"


def refer_to_nothing(course):
    edit_both(course, "eq. (1.1)", "eqs. (1.1), (1.8)")


def keep_widget_state(course):
    with course.edit() as notebook:
        notebook.metadata["widgets"] = {}


def grow(course):
    with course.edit() as notebook:
        notebook.cells[4].outputs = [stdout("0123456789" * 60_000)]


def lead_nowhere(course):
    with course.edit("00_start_here") as notebook:
        notebook.cells[0].source = "# Start · 开始"


def drop_markdown(course):
    with course.edit("00_start_here") as notebook:
        notebook.cells = notebook.cells[1:2]


def forget_in_readme(course):
    (course.root / "README.md").write_text(f"[0]({START}) [1]({BACKPROP}) {ACTIVATIONS}")


def another_name(course):
    course.write("02_more", course.read("02_activations").cells)
    with (course.root / "README.md").open("a") as readme:
        readme.write("[more](chapters/02_more.ipynb)")
    index(course.root)


def not_in_the_register(course):
    course.write("04_cnn", course.read("02_activations").cells)
    with (course.root / "README.md").open("a") as readme:
        readme.write("[more](chapters/04_cnn.ipynb)")
    index(course.root)


def edit_register(old, new):
    def change(course):
        text = course.register.read_text("utf-8")
        assert old in text
        course.register.write_text(text.replace(old, new), "utf-8")
        index(course.root)

    return change


def write_the_next_chapter(course):
    """Chapter 02 is no longer the last one."""
    course.write_file("tests/chapters/initialization/test_it.py", "def test_it():\n    assert True\n")
    text = f"# 03 Initialization · 初始化\n\n[0](00_start_here.ipynb) [2](02_activations.ipynb)\n\n{SUMMARY}"
    course.write("03_initialization", [markdown("a", text)])
    with (course.root / "README.md").open("a") as readme:
        readme.write("[more](chapters/03_initialization.ipynb)")


def drop_title(course):
    with course.edit("02_activations") as notebook:
        notebook.cells[0].source = notebook.cells[0].source.replace("# 02 Activations · 激活", "")
    index(course.root)


def repeat_exercise(course):
    with course.edit() as notebook:
        notebook.cells[4].metadata.tags = ["exercise:01.1"]


def change_heading(course):
    with course.edit() as notebook:
        notebook.cells[2].source = notebook.cells[2].source.replace("Chain rule", "The chain rule")


def drop_core(course):
    with course.edit() as notebook:
        for cell in notebook.cells[1:]:
            cell.metadata.tags = [tag for tag in cell.metadata.get("tags", []) if tag != "core"]


def drop_summary(course):
    with course.edit() as notebook:
        notebook.cells[7].source = notebook.cells[7].source.replace("## Summary · 小结", "")


def run_with_other_sources(name):
    """The notebook imports a package of utils, is run, and then a module changes on which it depends."""

    def change(course):
        with course.edit() as notebook:
            notebook.cells[
                1
            ].source += "\nfrom utils.exercises import check\nfrom utils.chapters import backprop"
        assert course.problems() == []
        path = course.root / name
        path.write_text(path.read_text("utf-8") + "changed = 1\n", encoding="utf-8")

    return change


def forget_the_digest(course):
    with course.edit() as notebook:
        del notebook.metadata["utils_digest"]


def summarise_twice(course):
    with course.edit() as notebook:
        notebook.metadata["course"] = {"summary": "The chain rule."}


def write_file(name, text):
    return lambda course: course.write_file(name, text)


def concepts(text):
    return lambda course: course.write_concepts(text)


def delete(path):
    return lambda course: (course.root / path).unlink()


LINEAR_CELL = f"{BACKPROP}, cell 4:"
OWN = "utils/chapters/backprop"
CSV, INDEX, TOML = "chapters/concepts.csv:", "chapters/INDEX.md:", "utils/chapters/course.toml:"
COURSE_BREAKS = [
    (
        *("named_by_register", rename),
        ["README.md: has no link"] * 2
        + [f"chapters/Untitled{n}.ipynb: must be named like 04_normalization.ipynb" for n in ("", "1")],
    ),
    ("kernelspec_kept", other_kernel, [f"{BACKPROP}: must keep the kernelspec python3; it has conda"]),
    ("kernelspec_kept", no_kernel, [f"{BACKPROP}: must keep the kernelspec python3; it has none"]),
    ("no_second_summary", summarise_twice, [f"{BACKPROP}: its metadata hold course, which nothing reads;"]),
    ("ids_unique", same_id, [f"{BACKPROP}, cell {n}: its id use is also another cell's" for n in (5, 6)]),
    ("concepts_known", list_one_erratum, [f"{BACKPROP}, cell 3: the concept E01.2 has no row in"]),
    (
        "shown_code_equals_its_source",
        edit_module,
        [f"{LINEAR_CELL} linear differs from utils/nn/backprop.py"],
    ),
    (
        "shown_code_equals_its_source",
        lose_hash,
        [f"{LINEAR_CELL} the hash of linear is not stored; run sync"],
    ),
    (
        *("shown_code_equals_its_source", lambda course: course.edit_module("def linear", "def affine")),
        [f"{LINEAR_CELL} utils/nn/backprop.py does not define linear at its top level"],
    ),
    (
        *("shown_code_equals_its_source", delete("utils/nn/backprop.py")),
        [f"{LINEAR_CELL} the module utils/nn/backprop.py does not exist"],
    ),
    (
        *("shown_names_come_first", use_before_definition),
        [f"{LINEAR_CELL} linear uses later, which no cell up to here defines or imports"],
    ),
    (
        *("equation_references_exist", refer_to_nothing),
        [
            f"{LINEAR_CELL} refers to equation (1.8), which {BACKPROP} does not have",
            f"utils/nn/backprop.py: line 14 cites equation (1.8), which {BACKPROP} does not have",
        ],
    ),
    ("no_widget_views", keep_widget_state, [f"{BACKPROP}: keeps the state of widgets (metadata.widgets)"]),
    ("small_file", grow, [f"{BACKPROP}: has 6"]),
    (
        *("previous_and_next", lead_nowhere),
        [f"{START}, cell 1: the first markdown cell must link to 01_backprop.ipynb"],
    ),
    (
        "previous_and_next",
        drop_markdown,
        [f"{START}: has no heading;", f"{START}: has no markdown cell, so no links to its neighbours"],
    ),
    ("readme_lists_chapters", forget_in_readme, [f"README.md: has no link to {ACTIVATIONS}"]),
    ("previous_and_next", write_the_next_chapter, [f"{ACTIVATIONS}, cell {n}: the" for n in (1, 3)]),
    (
        "named_by_register",
        another_name,
        ["chapters/02_more.ipynb: must be named 02_activations.ipynb, as utils/"],
    ),
    (
        "named_by_register",
        not_in_the_register,
        ["chapters/04_cnn.ipynb: utils/chapters/course.toml has no chapter 4"],
    ),
    (
        *("titled_by_register", edit_register("Back-propagation", "Backprop")),
        [
            f"{BACKPROP}, cell 1: the first heading must be # 01 Backprop · 反向传播, as utils/chapters/course.toml says"
        ],
    ),
    (
        "titled_by_register",
        drop_title,
        [f"{ACTIVATIONS}, cell 3: the first heading must be # 02 Activations · 激活, as"],
    ),
    ("register_sound", delete("utils/chapters/course.toml"), [f"{TOML} cannot be read"]),
    ("register_sound", edit_register("number = 3", "number = 2"), [f"{TOML} number 2 stands twice"]),
    ("register_sound", edit_register("number = 3", f"{'<' * 7} HEAD"), [f"{TOML} is not valid TOML"]),
    (
        "concepts_by_register",
        edit_register('"BP"', '"BPR"'),
        [f"{CSV} BP-01 is listed for chapter 01, whose ids begin"],
    ),
    (
        "concepts_by_register",
        concepts(CONCEPTS + "REG-01,,,,9\n"),
        [f"{CSV} the row of REG-01 names chapter 9, which"],
    ),
    (
        "concepts_by_register",
        concepts(CONCEPTS + "E02.1,,,,3\n"),
        [f"{CSV} E02.1 is listed for chapter 03, whose"],
    ),
    (
        "exercises_unique",
        repeat_exercise,
        [f"{BACKPROP}, cell 7: the tag exercise:01.1 is also in {BACKPROP}, cell 5"],
    ),
    (
        "lecture_has_its_cells",
        drop_core,
        [f"{BACKPROP}: most sections have no cell tagged core, which a lecture"],
    ),
    ("has_its_parts", drop_summary, [f"{BACKPROP}: has no section Summary; write ## Summary · 中文 and"]),
    ("ran_with_these_sources", forget_the_digest, [f"{BACKPROP}: its metadata lack utils_digest, so nobody"]),
    *(
        (
            "ran_with_these_sources",
            run_with_other_sources(name),
            [f"{BACKPROP}: stale: the modules of utils that"],
        )
        for name in (*EXERCISES, "utils/nn/backprop.py")
    ),
    (
        *("cited_equations_exist", write_file(f"{OWN}/exercises.py", 'x = f"""Then\n\n(1.7) of {3}."""\n')),
        [f"{OWN}/exercises.py: line 1 cites equation (1.7), which {BACKPROP} does not have"],
    ),
    (
        *(
            "cited_equations_exist",
            write_file(f"{OWN}/explore.py", '"""A picture."""\nt = "eqs. (1.1), (1.8)"\n__all__ = []\n'),
        ),
        [f"{OWN}/explore.py: line 2 cites equation (1.8), which {BACKPROP} does not have"],
    ),
    (
        *(
            "no_name_hides_a_module",
            write_file(f"{OWN}/__init__.py", "from .exercises import HINTS as explore\n"),
        ),
        [
            f"{OWN}/__init__.py: line 1 gives explore another meaning than the module utils.chapters.backprop.explore"
        ],
    ),
    (
        *("no_name_hides_a_module", write_file("utils/__init__.py", "def nn():\n    pass\n")),
        ["utils/__init__.py: line 1 gives nn another meaning than the module utils.nn; rename one"],
    ),
    (
        *("chapters_have_tests", delete("tests/chapters/backprop/test_claims.py")),
        [
            "tests/chapters/backprop: holds no test_*.py with enough tests (0 that asserts something, expected 1, one"
        ],
    ),
    (
        *(
            "chapters_have_tests",
            write_file("tests/chapters/activations/test_claims.py", "# def test_it(): pass\n"),
        ),
        ["tests/chapters/activations: holds no test_*.py with enough tests (0 that"],
    ),
    (
        *(
            "chapters_have_tests",
            write_file("tests/chapters/activations/test_claims.py", "def test_it():\n    pass\n"),
        ),
        ["tests/chapters/activations: holds no test_*.py with enough tests (0 that"],
    ),
    (
        *("pictures_listed", write_file(f"{OWN}/explore.py", "x = 1\n")),
        [f"{OWN}/explore.py: has no __all__; list there the explorables"],
    ),
    (
        *("measured_with_these_sources", write_file(f"{OWN}/runs.py", "EXPERIMENTS = {'x': print}\n")),
        [f"{OWN}/results.json: is missing; python -m utils.notebooks measure 01"],
    ),
    ("concepts_file_sound", delete("chapters/concepts.csv"), [f"{CSV} is missing, so the cells' concepts"]),
    ("concepts_file_sound", concepts("id,English\nBP-01,x\n"), [f"{CSV} must have the columns id,English,"]),
    ("concepts_file_sound", concepts(CONCEPTS + "BP-01,x,y,,1\n"), [f"{CSV} row 4 repeats the id BP-01"]),
    (
        "concepts_file_sound",
        concepts(CONCEPTS + "BP-02,x,y,,\n"),
        [f"{CSV} row 4 must have five fields, the"],
    ),
    (
        "concepts_file_sound",
        concepts(CONCEPTS + "BP-02,x,y,,9,z\n"),
        [f"{CSV} row 4 must have five fields, the"],
    ),
    ("concepts_file_sound", concepts(CONCEPTS + "bp2,x,y,,9\n"), [f"{CSV} the id bp2 must look like BP-03"]),
    ("concepts_reached", concepts(CONCEPTS + "BP-02,,图,,1\n"), [f"{BACKPROP}: no cell treats BP-02 (图)"]),
    (
        "concepts_reached",
        concepts(CONCEPTS + "BP-02,graph,图,,1\n"),
        [f"{BACKPROP}: no cell treats BP-02 (graph)"],
    ),
    ("index_fresh", change_heading, [f"{INDEX} is missing or stale; run index"]),
    ("index_fresh", delete("chapters/INDEX.md"), [f"{INDEX} is missing or stale; run index"]),
]


@pytest.mark.parametrize("rule, change, expected", COURSE_BREAKS)
def test_a_broken_course_is_refused(course, rule, change, expected):
    change(course)
    problems = course.problems()
    assert len(problems) == len(expected), problems
    assert all(map(str.startswith, problems, expected)), problems


def test_every_rule_is_listed_and_broken_above_or_in_a_whole_chapter():
    listed = {rule.__name__ for rule in checking.CHAPTER_RULES + checking.COURSE_RULES}
    assert {case[0] for case in CELL_BREAKS + COURSE_BREAKS + HOLES} == listed
    written = {
        name
        for module in (cells, code, fresh, leftover, links, modules, outputs, prose, quoted, shape, whole)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and list(inspect.signature(function).parameters) in (["chapter", "course"], ["course"])
    }
    assert written == listed
