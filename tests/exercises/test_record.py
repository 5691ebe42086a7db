"""The record of what is done: one file of the reader's own, never lost, never in the way."""

import json
import os
import subprocess
import sys

import platformdirs
import pytest

from utils.exercises import check, progress, quiz, record_file
from utils.exercises.record import Progress

pytestmark = pytest.mark.usefixtures("invented")


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "folder" / "progress.json"
    monkeypatch.setenv("GRADIENTS_PROGRESS", str(path))
    return path


def names(folder):
    """The files of a folder, but for the lock, which stays."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def solved(file):
    return json.loads(file.read_text())["exercises"]


def test_off_means_memory_only(tmp_path, monkeypatch):
    monkeypatch.setattr(platformdirs, "user_data_path", lambda name: tmp_path)
    check("99.1", 0.25)
    assert progress.path() is None and list(tmp_path.iterdir()) == []
    assert progress.read()["exercises"] == ["99.1"]


def test_without_the_variable_it_lies_in_the_users_data_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("GRADIENTS_PROGRESS")
    monkeypatch.setattr(platformdirs, "user_data_path", lambda name: tmp_path / name)
    progress.solve("99.1")
    assert names(tmp_path / "gradients-by-hand") == ["progress.json"]


def test_what_is_done_is_there_in_the_next_session(file):
    check("99.1", 0.25)
    quiz("99.1", "a")
    quiz("99.1", "b")
    progress.close_case(True)
    record = Progress().read()
    assert record["exercises"] == ["99.1"]
    assert record["quizzes"] == {"99.1": False}  # the first answer is the prediction
    assert record["detective"] == {"streak": 1, "best": 1, "solved": 1}
    assert names(file.parent) == ["progress.json"]  # no temporary file stays


def test_two_notebooks_write_into_one_record(file):
    one, other = Progress(), Progress()
    one.solve("99.1")
    other.solve("99.2")
    one.solve("99.3")
    assert Progress().read()["exercises"] == ["99.1", "99.2", "99.3"]


MANY_WRITES = """
import sys
from utils.exercises import progress
for n in range(100):
    progress.solve(f"99.{sys.argv[1]}{n}")
    progress.close_case(True)
    progress.answer(f"99.{n}", sys.argv[1])
assert not progress.take_notes()
"""


def test_kernels_that_write_at_the_same_time_lose_nothing(file):
    kernels = [subprocess.Popen([sys.executable, "-c", MANY_WRITES, name]) for name in "ab"]
    assert [kernel.wait(timeout=120) for kernel in kernels] == [0, 0]
    record = Progress().read()
    assert sorted(record["exercises"]) == sorted(f"99.{name}{n}" for name in "ab" for n in range(100))
    assert record["detective"]["solved"] == 200 and len(record["quizzes"]) == 100
    assert names(file.parent) == ["progress.json"]


def test_an_exercise_that_stands_twice_counts_once(file):
    file.parent.mkdir()
    file.write_text(json.dumps(record_file.EMPTY | {"exercises": ["99.1", "99.2", "99.1"]}))
    progress.solve("99.3")
    assert solved(file) == ["99.1", "99.2", "99.3"]


def test_a_lock_that_is_held_for_long_is_said_and_tried_again(file, monkeypatch):
    monkeypatch.setattr(record_file, "WAIT", 0.1)
    file.parent.mkdir()
    with record_file.locked(file):
        told = repr(check("99.1", 0.25))
        assert "another program holds" in told and "until the kernel stops" in told
    progress.solve("99.2")
    assert solved(file) == ["99.1", "99.2"]


def test_without_locks_it_is_kept_all_the_same(file, monkeypatch):
    def no_locks(self, *args, **kwargs):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(record_file.FileLock, "acquire", no_locks)
    assert "cannot be locked" in repr(check("99.1", 0.25))
    progress.solve("99.2")
    assert solved(file) == ["99.1", "99.2"] and not progress.take_notes()
    file.write_text("damaged")
    progress.solve("99.3")
    assert "is damaged, and cannot be locked" in progress.take_notes()[0] and file.read_text() == "damaged"


LATER = {"version": 2, "exercises": {"99.1": "today", "99.4": "yesterday"}, "quizzes": {"99.1": True},
         "detective": {"solved": 3, "streak": "three"}, "badges": ["x"]}  # fmt: skip


def test_a_record_of_a_later_version_is_read_and_left_as_it_is(file):
    file.parent.mkdir()
    file.write_text(json.dumps(LATER))
    before = file.read_bytes()
    told = repr(check("99.2", ([[1, 2, 4], [3, 5, 6]], 0.7, 12)))
    assert "later version" in told and "until the kernel stops" in told
    record = progress.read()
    assert record["exercises"] == ["99.1", "99.4", "99.2"] and record["quizzes"] == {"99.1": True}
    assert record["detective"] == {"streak": 0, "best": 0, "solved": 3}
    assert "later version" not in repr(check("99.1", 0.25)), "once"
    assert file.read_bytes() == before and names(file.parent) == ["progress.json"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_record_that_an_editor_saved_in_its_own_way_is_read(file, encoding):
    progress.solve("99.1")
    file.write_bytes(file.read_text().encode(encoding))
    progress.solve("99.2")
    assert solved(file) == ["99.1", "99.2"] and names(file.parent) == ["progress.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_stays_a_link(file, tmp_path):
    elsewhere = tmp_path / "elsewhere" / "mine.json"
    file.parent.mkdir(), elsewhere.parent.mkdir()
    file.symlink_to(elsewhere)
    progress.solve("99.1")
    progress.solve("99.2")
    assert file.is_symlink() and solved(elsewhere) == ["99.1", "99.2"]
    assert "kept as mine.json.backup-1" in repr(progress.reset())
    progress.solve("99.3")
    assert file.is_symlink() and solved(elsewhere) == ["99.3"]


def test_a_folder_is_not_moved(file):
    (file / "inside").mkdir(parents=True)
    assert "is a folder" in repr(check("99.1", 0.25))
    assert "not reset" in repr(progress.reset()) and "must name one" in repr(progress.reset())
    assert (file / "inside").is_dir() and names(file.parent) == ["progress.json"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes there")
def test_a_pipe_is_neither_waited_for_nor_moved(file):
    file.parent.mkdir()
    os.mkfifo(file)
    assert "is no ordinary file" in repr(check("99.1", 0.25))
    assert "not reset" in repr(progress.reset()) and file.is_fifo()


def test_streaks():
    assert [progress.close_case(right) for right in (True, True, False, True)] == [1, 2, 0, 1]
    assert progress.read()["detective"] == {"streak": 1, "best": 2, "solved": 3}


DAMAGED = ["", "{", "[]", "null", '{"version": 0}', '{"version": "2"}', '{"version": true}', '{"version": 1, "exercises": 3}', "\udcff\udcfe", "[" * 100_000,
           '{"version": 1, "exercises": [1], "quizzes": {}, "detective": {"streak": 0, "best": 0, "solved": 0}}',
           '{"version": 1, "exercises": [], "quizzes": {}, "detective": {"streak": "3", "best": 0, "solved": 0}}']  # fmt: skip


@pytest.mark.parametrize("text", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_record_is_kept_aside_and_said_once(file, text):
    file.parent.mkdir()
    damaged = text.encode("utf-8", "surrogateescape")
    file.write_bytes(damaged)
    verdict = check("99.1", 0.25)
    assert verdict.status == "right" and "kept as progress.json.corrupt-1" in repr(verdict)
    assert file.with_name("progress.json.corrupt-1").read_bytes() == damaged
    assert json.loads(file.read_text())["exercises"] == ["99.1"]
    assert "corrupt" not in repr(check("99.1", 0.25))


def test_a_second_damaged_record_gets_a_name_of_its_own(file):
    file.parent.mkdir()
    for text in ("one", "two"):
        file.write_text(text)
        Progress().read()
    assert names(file.parent) == ["progress.json.corrupt-1", "progress.json.corrupt-2"]


def test_a_folder_that_cannot_be_written_is_said_once_and_survived(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("GRADIENTS_PROGRESS", str(blocked / "progress.json"))
    first, second = check("99.1", 0.25), check("99.2", ([[1, 2, 4], [3, 5, 6]], 0.7, 12))
    assert first.status == second.status == "right"
    assert "cannot be" in repr(first) and "until the kernel stops" in repr(first)
    assert "cannot be" not in repr(second)
    assert progress.read()["exercises"] == ["99.1", "99.2"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(file):
    file.parent.mkdir()
    file.parent.chmod(0o500)
    assert "cannot be written" in repr(check("99.1", 0.25))


def test_a_failed_write_leaves_the_old_record_and_no_rubbish(file, monkeypatch):
    progress.solve("99.1")
    monkeypatch.setattr(os, "replace", lambda *a: (_ for _ in ()).throw(OSError("disk full")))
    progress.solve("99.2")
    assert json.loads(file.read_text())["exercises"] == ["99.1"]
    assert names(file.parent) == ["progress.json"]
    assert progress.read()["exercises"] == ["99.1", "99.2"]  # from memory
    assert len(progress.take_notes()) == 1
    progress.solve("99.3")
    assert not progress.take_notes(), "said once"
    monkeypatch.undo()
    monkeypatch.setenv("GRADIENTS_PROGRESS", str(file))
    progress.solve("99.3")
    assert solved(file) == ["99.1", "99.2", "99.3"], "tried again"


def test_reset_keeps_the_old_record(file):
    progress.solve("99.1")
    assert "kept as progress.json.backup-1" in repr(progress.reset())
    assert progress.read()["exercises"] == []
    progress.solve("99.2")
    progress.reset()
    kept = {name: solved(file.with_name(name)) for name in names(file.parent)}
    assert kept == {"progress.json.backup-1": ["99.1"], "progress.json.backup-2": ["99.2"]}
    assert "nothing to reset" in repr(progress.reset())


def test_reset_in_memory():
    progress.solve("99.1")
    progress.reset()
    assert progress.read()["exercises"] == []


def test_the_table():
    begin = repr(progress())
    assert begin.splitlines()[0] == "Your progress: everything still lies ahead."
    assert " ".join(begin.splitlines()[-1].split()) == "99 made up 0 of 9 0 of 2"
    check("99.1", 0.25)
    quiz("99.2", 0.5)
    progress.close_case(True)
    later = repr(progress())
    assert " ".join(later.splitlines()[-2].split()) == "99 made up 1 of 9 1 of 2"
    assert "Gradient detective: 1 case solved, 1 case in a row, best 1." in later
    assert "Your progress" in progress()._repr_html_()


def test_an_exercise_that_is_gone_does_not_count():
    progress.solve("99.1")
    progress.solve("99.100")
    assert "1 of 9" in repr(progress())
