"""index: both languages, sorted, each entry leading to the section that treats the concept."""

import pytest

from tests.notebooks.tiny_course import CONCEPTS, sentences
from utils.notebooks.index import Entry, index
from utils.notebooks.markdown import Document

RULE, SOFTMAX = "01_backprop.ipynb#cell-id=rule", "02_activations.ipynb#cell-id=a"


def index_text(course):
    assert sentences(index(course.root)) == ["chapters/INDEX.md: written"]
    return (course.chapters / "INDEX.md").read_text("utf-8")


def test_the_index_is_bilingual_and_leads_to_the_sections(course):
    text = index_text(course)
    assert text == index_text(course)
    assert text[text.index("## English") :] == (
        "## English\n\n### C\n\n"
        f"- **chain rule** (链式法则, 连锁律, chaining): [1.1 Chain rule]({RULE})\n- chaining → chain rule\n\n"
        f"### S\n\n- **softmax** (归一化指数函数): [02 Activations]({SOFTMAX})\n\n"
        "## 中文\n\n### G\n\n"
        f"- **归一化指数函数** (softmax): [02 激活]({SOFTMAX})\n\n"
        f"### L\n\n- 连锁律 → 链式法则\n- **链式法则** (chain rule, 连锁律, chaining): [1.1 链式法则]({RULE})\n"
    )
    assert Document.parse(text).links.count(RULE) == 2


def test_the_index_leads_to_the_nearest_heading_above(course):
    with course.edit() as notebook:
        for cell in notebook.cells:
            cell.metadata.pop("concepts", None)
        for number in (2, 5, 6):
            notebook.cells[number - 1].metadata["concepts"] = ["BP-01"]
    title = "01_backprop.ipynb#cell-id=title"
    assert f"chaining): [01 Back-propagation]({title}), [1.1 Chain rule]({RULE})\n" in index_text(course)
    assert course.problems() == []


def test_names_and_headings_in_one_language(course):
    course.write_concepts(CONCEPTS.replace("归一化指数函数", "") + "E01.2,,,,1\nACT-02,,图,,2\n")
    with course.edit("02_activations") as notebook:
        notebook.cells[2].source = "## 2.1 Shares"
        notebook.cells[2].metadata.concepts = ["ACT-02"]
    text = index_text(course)
    shares = "[2.1 Shares](02_activations.ipynb#cell-id=c)"
    assert f"\n- **softmax**: [02 Activations]({SOFTMAX})\n" in text
    assert f"\n- **图**: {shares}\n" in text
    assert text.count("\n- ") == 6, "the erratum has no name and no entry"


def test_the_title_of_a_chapter_is_the_registers(course):
    course.register.write_text(course.register.read_text("utf-8").replace("Activations", "Shares"), "utf-8")
    assert f"[02 Shares]({SOFTMAX})" in index_text(course)
    course.register.unlink()
    (problem,) = sentences(index(course.root))
    assert problem.startswith("utils/chapters/course.toml: cannot be read")


def test_concepts_that_no_cell_treats_are_left_out(course):
    text = index_text(course)
    course.write_concepts(CONCEPTS + "BP-07,graph,图,plan,09\nE01.2,,,,09\n")
    assert index_text(course) == text


@pytest.mark.parametrize(
    "terms",
    [
        ["阿达玛积", "饱和", "池化", "对数", "反向传播", "归一化", "激活函数", "卷积", "链式法则", "注意力"],
        ["Adam", "adaptive", "Bias", "β-VAE"],
    ],
    ids=["pinyin", "alphabet"],
)
def test_entries_are_in_alphabetical_order(terms):
    entries = [Entry(term, "") for term in reversed(terms)]
    assert [entry.term for entry in sorted(entries, key=lambda entry: entry.order)] == terms


def test_letters():
    assert [Entry(term, "").letter for term in ("注意力", "阿", "sigmoid", "座", "剡", "β", "1-D")] == [
        *("Z", "A", "S", "Z"),
        *["其他 · Other"] * 3,
    ]


def test_the_index_needs_concepts(course):
    (course.chapters / "concepts.csv").unlink()
    assert sentences(index(course.root)) == ["chapters/concepts.csv: is missing or empty; the index needs it"]
    course.write_concepts("x")
    (problem,) = sentences(index(course.root))
    assert problem.startswith("chapters/concepts.csv: must have the columns id,English,中文,别名,chapter")
