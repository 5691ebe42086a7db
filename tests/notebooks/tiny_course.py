"""A whole course in a temporary folder: three small chapters that break no rule, for the tests to break."""

import base64
import contextlib

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from utils.notebooks.check import check
from utils.notebooks.files import BrokenFile, read_chapter
from utils.notebooks.imports import KEY, digest_of_imports
from utils.notebooks.index import index
from utils.notebooks.shown import digest
from utils.register import FILE, register

START, BACKPROP, ACTIVATIONS = (
    f"chapters/{name}.ipynb" for name in ("00_start_here", "01_backprop", "02_activations")
)
LINEAR = '''# comment that belongs to it
@identity
def linear(x, weight):
    """Rows of x times the rows of weight: eq. (1.1)."""

    def pullback(dy):
        return dy @ weight, dy.T @ x

    return x @ weight.T, pullback'''
MODULE = f'''"""A module of the course."""

import numpy as np

def identity(function):
    return function


# a comment that stands apart

{LINEAR}


EPS = 1e-5
SLOPES: dict = {{
    "relu": 0.0,
}}


class Tap:
    value = None
'''
REGISTER = """
[[chapter]]
number = 0
name = "start_here"
title = "Start"
chinese = "开始"
summary = "How it works."

[[chapter]]
number = 1
name = "backprop"
title = "Back-propagation"
chinese = "反向传播"
summary = "The chain rule."
concepts = "BP"

[[chapter]]
number = 2
name = "activations"
title = "Activations"
chinese = "激活"
summary = "Shares."
needs = [1]
concepts = "ACT"

[[chapter]]
number = 3
name = "initialization"
title = "Initialization"
chinese = "初始化"
summary = "Not written yet."
needs = [2]
concepts = "INI"
"""
CONCEPTS = """id,English,中文,别名,chapter
BP-01,chain rule,链式法则,连锁律；chaining,01
ACT-01,softmax,归一化指数函数,,02
"""
EXERCISES = {
    "utils/__init__.py": "",
    "utils/nn/__init__.py": "from utils.nn.backprop import linear\n",
    "utils/chapters/backprop/__init__.py": "from utils.chapters.backprop import explore\n",
    "utils/chapters/backprop/explore.py": '"""Pictures of eq. (1.1), 0.5 wide (2.5)."""\nfrom utils.nn import backprop\n\n__all__ = []\n',
    "utils/chapters/backprop/exercises.py": 'HINTS = ["By (1.1).", "Half of it is (0.5)."]\n',
}
PICTURE = base64.b64encode(bytes(300)).decode()
RULE = r"""## 1.1 Chain rule · 链式法则

> **要点** 一句话。两句话。

$$ {\color{#157ABB}{y}} = x W^\top \tag{1.1} $$

By eq. (1.1), (0.644, 0.237) is a/b/c."""
SUMMARY = "## Summary · 小结\n\n"
LAST = f"{SUMMARY}<details><summary>More</summary>\n\nSee [above](#cell-id=rule).\n\n</details>\n\n"


def markdown(id, source, slide="slide", **metadata):
    return new_markdown_cell(source, id=id, metadata={"slideshow": {"slide_type": slide}, **metadata})


def python(id, source, count, outputs=(), tags=(), **metadata):
    metadata = {"slideshow": {"slide_type": "-"}, "tags": list(tags), **metadata}
    return new_code_cell(source, id=id, execution_count=count, outputs=list(outputs), metadata=metadata)


def stdout(text):
    return new_output("stream", name="stdout", text=text)


def picture(text, data=PICTURE):
    return new_output("display_data", {"image/png": data, "text/plain": text})


def error(traceback):
    return new_output("error", ename="ValueError", evalue="x must be 2-d", traceback=[traceback])


def shown(source, tag="show:nn/backprop.py::linear"):
    """The metadata of a cell that was synced."""
    return {"tags": [tag], "shown": {"source": tag, "hash": digest(source)}}


def backprop_cells():
    """Cells 1 to 8 of the chapter that most tests break."""
    navigation = "[00](00_start_here.ipynb) [02](02_activations.ipynb)"
    use = "y, _ = linear(np.ones((2, 3)), np.ones((4, 3)))\ny.shape"
    imports = "import numpy as np\n\n\ndef identity(function):\n    return function"
    return [
        markdown("title", f"# 01 Back-propagation · 反向传播\n\n{navigation}", tags=["core"]),
        python("imports", imports, 1),
        markdown(
            "rule",
            RULE,
            concepts=["BP-01", "E01.2"],
            tags=["core"],
            quotes={"0.644": "given", "0.237": "given"},
        ),
        python("linear", LINEAR, 2, **shown(LINEAR)),
        python("use", use, 3, [picture("<shares | T = 1 | 0.98>"), stdout("(2, 4)\n")]),
        python(
            "raises",
            "raise ValueError('x must be 2-d')",
            4,
            [error("ValueError")],
            ["raises-exception", "core"],
        ),
        python("stub", "answer = ...", 5, tags=["exercise:01.1", "stub"]),
        markdown("end", LAST + navigation, "skip"),
    ]


def small_chapter(title, links, **metadata):
    """Cells 1 to 3 of a chapter: text, code, text."""
    navigation = " ".join(f"[there]({name})" for name in links)
    text = f"# {title}\n\n{navigation}"
    return [markdown("a", text, **metadata), python("b", "1 + 1", 1), markdown("c", SUMMARY + navigation)]


class TinyCourse:
    """A repository with three chapters, one module, concepts, index and README."""

    def __init__(self, root):
        self.root = root
        self.chapters = root / "chapters"
        self.module = root / "utils" / "nn" / "backprop.py"
        self.module.parent.mkdir(parents=True)
        self.module.write_text(MODULE)
        self.chapters.mkdir()
        self.write("00_start_here", small_chapter("Start · 开始", ["01_backprop.ipynb"]))
        self.write("01_backprop", backprop_cells())
        neighbours = ["01_backprop.ipynb", "00_start_here.ipynb"]
        self.write("02_activations", small_chapter("02 Activations · 激活", neighbours, concepts=["ACT-01"]))
        self.write_concepts(CONCEPTS)
        for name in ("start_here", "backprop", "activations"):
            self.write_file(f"tests/chapters/{name}/test_claims.py", "def test_it():\n    assert True\n")
        self.register = root / FILE
        self.register.parent.mkdir()
        for file in sorted(EXERCISES):
            self.write_file(file, EXERCISES[file])
        self.register.write_text(REGISTER, encoding="utf-8")
        readme = "\n".join(f"* [{name}]({name})" for name in (START, BACKPROP, ACTIVATIONS))
        (root / "README.md").write_text(readme)
        index(root)

    def path(self, chapter="01_backprop"):
        return self.chapters / f"{chapter}.ipynb"

    def write(self, chapter, cells):
        metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(new_notebook(cells=cells, metadata=metadata), self.path(chapter))
        self.as_if_run(chapter)

    def as_if_run(self, chapter="01_backprop"):
        """Keep with the notebook what run keeps: the digest of the modules that it imports as they are now."""
        try:
            entry = next((e for e in register(self.root).values() if e.file_name == f"{chapter}.ipynb"), None)
        except ValueError:  # there is no register yet, or a test has broken it
            entry = None
        with contextlib.suppress(BrokenFile):
            found = digest_of_imports(read_chapter(self.root, self.path(chapter)), self.root, entry)
            notebook = self.read(chapter)
            notebook.metadata[KEY] = found
            nbformat.write(notebook, self.path(chapter))

    def write_file(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def write_concepts(self, text):
        (self.chapters / "concepts.csv").write_text(text, encoding="utf-8")

    def read(self, chapter="01_backprop"):
        return nbformat.read(self.path(chapter), as_version=4)

    def cell(self, id):
        return next(cell for cell in self.read().cells if cell.id == id)

    @contextlib.contextmanager
    def edit(self, chapter="01_backprop"):
        """The digest of its imports becomes that of the edited cells, unless the test changes it."""
        notebook = self.read(chapter)
        before = notebook.metadata.get(KEY)
        yield notebook
        nbformat.write(notebook, self.path(chapter))
        if notebook.metadata.get(KEY) == before:
            self.as_if_run(chapter)

    def edit_module(self, old, new):
        text = self.module.read_bytes().decode()
        assert old in text
        self.module.write_bytes(text.replace(old, new).encode())

    def problems(self, paths=None):
        return sentences(check(self.root, paths))


def sentences(remarks):
    return [str(remark) for remark in remarks]
