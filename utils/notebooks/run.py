"""run: executes notebooks from top to bottom and keeps their outputs, without widget views, states and timings."""

import contextlib
import os
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from utils.notebooks.files import (
    RAISES,
    WIDGET_VIEW,
    BrokenFile,
    read_chapters,
    require_writable,
    tags,
    write_chapter,
)
from utils.notebooks.imports import KEY, digest_of_imports
from utils.register import register

CELL_TIMEOUT = 120  # seconds


def limits(number):
    """(seconds, MB) that the notebook of a chapter may take; number None: no chapter, the larger limits."""
    return (30, 800) if number is not None and number <= 10 else (90, 1000)


def run(root, paths=None):
    """Executes the given notebooks and writes those that succeed; yields a remark as soon as it is known.

    Ctrl-C stops the kernel and the rest: the last remarks say so, and what had finished by then.
    """
    chapters, remarks = read_chapters(root, paths)
    yield from remarks
    try:
        entries = register(root)
    except ValueError:  # check says why
        entries = {}
    for number, chapter in enumerate(chapters):
        try:
            yield from _run_one(chapter, root, entries)
        except BrokenFile as broken:
            yield broken.remark
        except KeyboardInterrupt:
            yield from _stopped(chapter, chapters[:number], chapters[number + 1 :])
            return


def _stopped(chapter, before, after):
    yield chapter.remark("stopped; the file was left as it is")
    told = {"done before": before, "not begun": after}
    for what, some in told.items():
        if some:
            yield chapter.remark(f"{what}: {', '.join(one.name for one in some)}", refused=False)


def _run_one(chapter, root, entries):
    require_writable(chapter.path, chapter.name)
    forget_outputs(chapter.notebook)
    start = time.perf_counter()
    cell, failure, megabytes = execute(chapter)
    seconds = time.perf_counter() - start
    if failure is None:
        cell, failure = _silent_cell(chapter)
    if failure is not None:
        yield chapter.remark(f"{failure}; the file was left as it is", cell)
        return
    strip(chapter.notebook)
    chapter.notebook.metadata[KEY] = digest_of_imports(chapter, root, entries.get(chapter.number))
    write_chapter(chapter)
    size = chapter.path.stat().st_size / 1000
    yield chapter.remark(
        f"ran in {seconds:.1f} s, peak {megabytes:.0f} MB, file {size:.0f} kB", refused=False
    )
    yield from over_limits(chapter, seconds, megabytes)


def over_limits(chapter, seconds, megabytes):
    """Warnings, not refusals: a slower machine is no reason to throw a run away."""
    most_seconds, most_megabytes = limits(chapter.number)
    if seconds > most_seconds:
        yield chapter.remark(f"warning: {seconds:.0f} s is over the limit of {most_seconds} s", refused=False)
    if megabytes > most_megabytes:
        text = f"warning: {megabytes:.0f} MB is over the limit of {most_megabytes} MB"
        yield chapter.remark(text, refused=False)


def execute(chapter, **variables):
    """Executes the notebook in place: (cell that failed or None, what happened or None, peak MB).

    variables: further ones of the kernel's environment.
    """
    current = None

    def on_cell_start(cell, cell_index):
        nonlocal current
        current = cell_index + 1
        memory.watch(client.km.provisioner.pid)

    client = NotebookClient(
        chapter.notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(chapter.path.parent)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        on_cell_start=on_cell_start,
    )
    with PeakMemory() as memory, tempfile.TemporaryDirectory() as folder:
        try:
            _interruptible(client, environment(folder) | variables)
        except CellExecutionError as error:
            return current, f"raised {error.ename}: {first_line(error.evalue)}", memory.megabytes
        except CellTimeoutError:
            return current, f"took longer than {CELL_TIMEOUT} s", memory.megabytes
        except DeadKernelError:
            return current, "the kernel died", memory.megabytes
        except Exception as error:  # whatever stops a kernel on some machine must still name the notebook
            failure = f"could not be run ({type(error).__name__}: {first_line(error)})"
            return current, failure, memory.megabytes
    return None, None, memory.megabytes


def _interruptible(client, env):
    """Executes in a thread: in the main one nbclient would take Ctrl-C for itself and go on."""
    raised = []

    def execute():
        try:
            client.execute(env=env, stderr=subprocess.DEVNULL)  # the kernel's own chatter
        except BaseException as error:  # raised below, where it is looked for
            raised.append(error)

    thread = threading.Thread(target=execute, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.2)  # without a limit Windows would not hear Ctrl-C
    except KeyboardInterrupt:
        _kill(client)
        thread.join(5)
        raise
    if raised:
        raise raised[0]


def _kill(client):
    """End the kernel now, if there is one already."""
    with contextlib.suppress(AttributeError, psutil.Error):
        psutil.Process(client.km.provisioner.pid).kill()


def environment(folder):
    """The environment of the kernel: as that of a reader who begins, whose record is in the folder; no progress bars."""
    changed = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONWARNINGS", "MPLBACKEND")
    }
    own = {"GRADIENTS_PROGRESS": str(Path(folder) / "progress.json")}
    return changed | own | {"TQDM_DISABLE": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}


def first_line(text):
    lines = str(text).strip().splitlines()
    return lines[0] if lines else "no message"


def _silent_cell(chapter):
    """The first cell that was to raise an exception and did not: (number, sentence), else (None, None)."""
    for number, cell in chapter.cells("code"):
        if RAISES in tags(cell) and not any(output.output_type == "error" for output in cell.outputs):
            return number, f"is tagged {RAISES} and did not raise"
    return None, None


def forget_outputs(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def strip(notebook):
    """Takes out what only a running kernel can use, and what differs from run to run."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in map(_without_view, cell.outputs) if output is not None]


def _without_view(output):
    """The output without its widget view; None when nothing else was in it."""
    data = output.get("data", {})
    if WIDGET_VIEW not in data:
        return output
    rest = nbformat.from_dict({kind: value for kind, value in data.items() if kind != WIDGET_VIEW})
    return nbformat.from_dict({**output, "data": rest}) if rest else None


class PeakMemory:
    """Samples the memory of a process in the background; `.megabytes` is the most that was seen."""

    def __init__(self, every=0.05):
        self.every = every
        self.megabytes = 0.0
        self._process = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def watch(self, pid):
        self._process = psutil.Process(pid)

    def _sample(self):
        while not self._stop.wait(self.every):
            try:
                if self._process is not None:
                    self.megabytes = max(self.megabytes, self._process.memory_info().rss / 1e6)
            except psutil.Error:  # the kernel has just ended
                return

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._stop.set()
        self._thread.join()
