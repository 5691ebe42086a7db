"""run: what it keeps and strips, and what it says of notebooks that fail. Two tests start kernels."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.notebooks.tiny_course import ACTIVATIONS, BACKPROP, PICTURE, START, python, sentences, stdout
from utils.exercises.record_file import fresh_record
from utils.notebooks import run as running
from utils.notebooks.files import WIDGET_VIEW, Chapter
from utils.notebooks.run import environment, first_line, over_limits, run

BUNDLE = {"text/plain": "<shares | T = 1 | 0.98>", "image/png": PICTURE, WIDGET_VIEW: {"model_id": "x"}}
SHOW = f"""
from IPython.display import display
display({BUNDLE!r}, raw=True, metadata={{"image/png": {{"alt": "shares"}}}})
display({{{WIDGET_VIEW!r}: {{"model_id": "y"}}}}, raw=True)"""
PRINT = """
import os
print(os.environ["TQDM_DISABLE"], os.path.basename(os.getcwd()))
print("more")"""


def test_run_keeps_outputs_and_strips_what_needs_a_kernel(course):
    with course.edit() as notebook:
        notebook.metadata["widgets"] = {"state": 1}
        notebook.cells[1].source += PRINT
        notebook.cells[1].metadata["execution"] = {"iopub.status.busy": "2020"}
        notebook.cells[4].source += SHOW
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.execution_count = 99
        notebook.cells.append(python("empty", "", 99, [stdout("old")]))
    (told,) = sentences(run(course.root, [course.path()]))
    match = re.fullmatch(rf"{BACKPROP}: ran in (\d+\.\d) s, peak (\d+) MB, file (\d+) kB", told)
    assert float(match[1]) > 0 and int(match[2]) > 20 and int(match[3]) > 1
    assert course.cell("imports").outputs[0].text == "1 chapters\nmore\n"
    assert "execution" not in course.cell("imports").metadata
    (picture,) = course.cell("use").outputs
    assert picture.data == {"text/plain": BUNDLE["text/plain"], "image/png": PICTURE}
    assert picture.metadata == {"image/png": {"alt": "shares"}}
    assert course.read().metadata.language_info.name == "python"
    assert re.fullmatch("[0-9a-f]{16}", course.read().metadata.utils_digest)
    assert course.problems() == []


RECORD = """
import json, os, pathlib
from utils.exercises import progress
progress.solve("01.1")
print(len(progress.read()["exercises"]), pathlib.Path(os.environ["GRADIENTS_PROGRESS"]).is_file(), {extra})"""


def test_every_notebook_begins_with_an_empty_record_and_touches_nobodys(course, monkeypatch, tmp_path):
    mine = tmp_path / "mine.json"
    record = fresh_record() | {"exercises": ["02.1", "02.2"]}
    mine.write_text(json.dumps(record))
    monkeypatch.setenv("GRADIENTS_PROGRESS", str(mine))
    for name, cell in [("00_start_here", 1), ("01_backprop", 4)]:
        with course.edit(name) as notebook:
            notebook.cells[cell].source += RECORD.format(extra=repr(name))
    remarks = list(run(course.root, [course.path("00_start_here"), course.path()]))
    assert not any(remark.refused for remark in remarks), sentences(remarks)
    for name, cell in [("00_start_here", 1), ("01_backprop", 4)]:
        assert course.read(name).cells[cell].outputs[0].text == f"1 True {name}\n"
    assert json.loads(mine.read_text()) == record


def test_a_failed_run_names_the_cell_and_leaves_the_file(course, monkeypatch):
    monkeypatch.setattr(running, "CELL_TIMEOUT", 1)
    with course.edit("00_start_here") as notebook:
        notebook.cells[1].source = "raise KeyError('a\\nb')"
    with course.edit("02_activations") as notebook:
        notebook.cells[1].metadata.tags = ["raises-exception"]
    course.write("03_slow", course.read("00_start_here").cells)
    with course.edit("03_slow") as notebook:
        notebook.cells[1].source = "import time\ntime.sleep(60)"
    paths = [course.path(name) for name in ("00_start_here", "02_activations", "03_slow")]
    before = [path.read_bytes() for path in paths]
    remarks = list(run(course.root, paths))
    assert sentences(remarks) == [
        f"{START}, cell 2: raised KeyError: 'a\\nb'; the file was left as it is",
        f"{ACTIVATIONS}, cell 2: is tagged raises-exception and did not raise; the file was left as it is",
        "chapters/03_slow.ipynb, cell 2: took longer than 1 s; the file was left as it is",
    ]
    assert all(remark.refused for remark in remarks)
    assert [path.read_bytes() for path in paths] == before


@pytest.mark.skipif(os.name == "nt", reason="no such signal there")
def test_ctrl_c_stops_at_once_and_says_what_had_finished(course):
    with course.edit("00_start_here") as notebook:
        notebook.cells[1].source = "1 + 2"
    with course.edit() as notebook:
        notebook.cells[
            1
        ].source = "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)"
    before = {path: path.read_bytes() for path in course.chapters.glob("*.ipynb")}
    command = [sys.executable, "-u", "-m", "utils.notebooks", "--root", str(course.root), "run"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    pid = course.chapters / "pid"
    deadline = time.monotonic() + 100
    while not (pid.exists() and pid.read_text()):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    stopped = time.monotonic()
    told, errors = process.communicate(timeout=60)
    assert time.monotonic() - stopped < 20
    assert process.returncode == 1 and errors == ""
    lines = told.splitlines()
    assert lines[0].startswith(f"{START}: ran in")
    assert lines[1:] == [
        f"{BACKPROP}: stopped; the file was left as it is",
        f"{BACKPROP}: done before: {START}",
        f"{BACKPROP}: not begun: {ACTIVATIONS}",
        "Refused: 1.",
    ]
    assert not psutil.pid_exists(int(pid.read_text())), "the kernel is gone"
    changed = {path.name for path, content in before.items() if path.read_bytes() != content}
    assert changed == {"00_start_here.ipynb"} and not list(course.chapters.glob("*.new"))


def test_a_read_only_notebook_is_not_run(course):
    course.path().chmod(0o444)
    (told,) = sentences(run(course.root, [course.path()]))
    assert told.startswith(f"{BACKPROP}: is read-only and was left as it is")


def test_the_kernel_prints_what_a_readers_kernel_would(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    changed = environment(tmp_path)
    assert not {"PYTHONWARNINGS", "MPLBACKEND"} & changed.keys()
    assert changed["TQDM_DISABLE"] == "1" and changed["OMP_NUM_THREADS"] == "1"


def test_the_first_line_of_a_message():
    assert (first_line("\na\nb"), first_line("")) == ("a", "no message")


@pytest.mark.parametrize(
    "file, seconds, megabytes",
    [("00_x.ipynb", 30, 800), ("10_x.ipynb", 30, 800), ("11_x.ipynb", 90, 1000), ("x.ipynb", 90, 1000)],
)
def test_a_slow_run_is_warned_of_and_not_refused(file, seconds, megabytes):
    chapter = Chapter(Path(file), "x", None)
    assert list(over_limits(chapter, seconds, megabytes)) == []
    slow, large = over_limits(chapter, seconds + 1, megabytes + 1)
    assert str(slow) == f"x: warning: {seconds + 1} s is over the limit of {seconds} s"
    assert str(large) == f"x: warning: {megabytes + 1} MB is over the limit of {megabytes} MB"
    assert not slow.refused and not large.refused
