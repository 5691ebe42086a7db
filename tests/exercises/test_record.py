"""The record of what is done: one file of the reader's own, never lost, never in the way."""

import json
import os
import sys

import platformdirs
import pytest

from utils.exercises import check, progress, quiz
from utils.exercises.record import Progress

pytestmark = pytest.mark.usefixtures("invented")


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "folder" / "progress.json"
    monkeypatch.setenv("GRADIENTS_PROGRESS", str(path))
    return path


def test_off_means_memory_only(tmp_path, monkeypatch):
    monkeypatch.setattr(platformdirs, "user_data_path", lambda name: tmp_path)
    check("99.1", 0.25)
    assert progress.path() is None and list(tmp_path.iterdir()) == []
    assert progress.read()["exercises"] == ["99.1"]


def test_without_the_variable_it_lies_in_the_users_data_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("GRADIENTS_PROGRESS")
    monkeypatch.setattr(platformdirs, "user_data_path", lambda name: tmp_path / name)
    progress.solve("99.1")
    assert [path.name for path in (tmp_path / "gradients-by-hand").iterdir()] == ["progress.json"]


def test_what_is_done_is_there_in_the_next_session(file):
    check("99.1", 0.25)
    quiz("99.1", "a")
    quiz("99.1", "b")
    progress.close_case(True)
    record = Progress().read()
    assert record["exercises"] == ["99.1"]
    assert record["quizzes"] == {"99.1": False}  # the first answer is the prediction
    assert record["detective"] == {"streak": 1, "best": 1, "solved": 1}
    assert [path.name for path in file.parent.iterdir()] == ["progress.json"]  # no temporary file stays


def test_two_notebooks_write_into_one_record(file):
    one, other = Progress(), Progress()
    one.solve("99.1")
    other.solve("99.2")
    one.solve("99.3")
    assert Progress().read()["exercises"] == ["99.1", "99.2", "99.3"]


def test_streaks():
    assert [progress.close_case(right) for right in (True, True, False, True)] == [1, 2, 0, 1]
    assert progress.read()["detective"] == {"streak": 1, "best": 2, "solved": 3}


DAMAGED = ["", "{", "[]", "null", '{"version": 2}', '{"version": 1, "exercises": 3}', "\udcff\udcfe", "[" * 100_000,
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
    kept = sorted(path.name for path in file.parent.iterdir())
    assert kept == ["progress.json.corrupt-1", "progress.json.corrupt-2"]


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
    assert [path.name for path in file.parent.iterdir()] == ["progress.json"]
    assert progress.read()["exercises"] == ["99.1", "99.2"]  # from memory


def test_reset_keeps_the_old_record(file):
    progress.solve("99.1")
    assert "kept as progress.json.backup-1" in repr(progress.reset())
    assert progress.read()["exercises"] == []
    progress.solve("99.2")
    progress.reset()
    kept = {path.name: json.loads(path.read_text())["exercises"] for path in file.parent.iterdir()}
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
