"""What a reader has done so far, in one small file of their own: exercises, quizzes, the detective's streak."""

import contextlib
import json
import os
import tempfile
from pathlib import Path

import platformdirs

from utils.exercises import table
from utils.exercises.cards import Card

EMPTY = {"version": 1, "exercises": [], "quizzes": {}, "detective": {"streak": 0, "best": 0, "solved": 0}}


class Progress:
    """The record of one reader.  `progress()` shows it, `progress.reset()` starts anew.

    The file is progress.json in the user's data folder; the environment variable GRADIENTS_PROGRESS
    names another one, or is "off": then everything is forgotten when the kernel stops, as it is where
    the file cannot be written.
    """

    def __init__(self):
        self.memory, self.notes, self.lost = fresh_record(), [], set()  # lost: paths that cannot be used

    def __call__(self):
        """A small table: chapters, exercises solved, quizzes answered, the detective's streak."""
        return table.of(self.read(), self.take_notes())

    def path(self):
        """Where the record is kept, or None for memory only."""
        chosen = os.environ.get("GRADIENTS_PROGRESS", "").strip()
        if chosen.lower() == "off":
            return None
        return (
            Path(chosen).expanduser()
            if chosen
            else platformdirs.user_data_path("gradients-by-hand") / "progress.json"
        )

    def solve(self, number):
        """Remember that an exercise is solved."""
        self.change(lambda record: record["exercises"].append(number), number not in self.read()["exercises"])

    def answer(self, number, right):
        """Remember a quiz's first answer."""
        self.change(
            lambda record: record["quizzes"].update({number: right}), number not in self.read()["quizzes"]
        )

    def streak(self):
        """The detective's cases solved in a row."""
        return self.read()["detective"]["streak"]

    def close_case(self, right):
        """Remember how a case of the detective ended; returns the streak."""

        def count(record):
            d = record["detective"]
            d["streak"] = d["streak"] + 1 if right else 0
            d["best"], d["solved"] = max(d["best"], d["streak"]), d["solved"] + right

        self.change(count)
        return self.streak()

    def reset(self):
        """Start anew; the old file stays beside the new one, under a name of its own."""
        path, self.memory, self.lost = self.path(), fresh_record(), set()
        if path is None or not path.exists():
            return Card("Progress: nothing to reset.")
        kept = free_name(path, "backup")
        try:
            path.rename(kept)
        except OSError as error:
            return Card("Progress: not reset.", (f"{path} cannot be moved: {error.strerror}.",), "wrong")
        return Card("Progress: reset.", (f"The old record is kept as {kept.name} in {kept.parent}.",))

    def take_notes(self):
        """What the reader should be told about the file, once."""
        notes, self.notes = tuple(self.notes), []
        return notes

    def change(self, action, needed=True):
        """Read, change, write: another notebook may have written in between."""
        if not needed:
            return
        record = self.read()
        action(record)
        self.memory = record
        path = self.path()
        if path is not None and path not in self.lost and not self.write(path, record):
            self.give_up(path, f"Your progress cannot be kept: {path} cannot be written.")

    def read(self):
        """The record: of the file, or of this session where there is none."""
        path = self.path()
        if path is None or path in self.lost:
            return self.memory
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return fresh_record()
        except OSError:
            self.give_up(path, f"Your progress cannot be read: {path}.")
            return self.memory
        except (ValueError, RecursionError):
            record = None
        if is_record(record):
            return record
        self.set_aside(path)
        return fresh_record()

    def set_aside(self, path):
        """Keep a file that is no record under another name."""
        kept = free_name(path, "corrupt")
        try:
            path.rename(kept)
            self.notes.append(
                f"The record of your progress was damaged; it is kept as {kept.name}, a new one begins."
            )
        except OSError:
            self.give_up(path, f"The record of your progress is damaged and cannot be moved: {path}.")

    def write(self, path, record):
        """Write all or nothing; False where it is not possible."""
        temporary = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
            with open(handle, "w", encoding="utf-8") as file:
                json.dump(record, file, indent=1)
            os.replace(temporary, path)
            return True
        except OSError:
            if temporary:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
            return False

    def give_up(self, path, text):
        """Say once that a file cannot be used; from now on memory serves."""
        if path not in self.lost:
            self.lost.add(path)
            self.notes.append(f"{text} It is kept until the kernel stops.")


def fresh_record():
    return json.loads(json.dumps(EMPTY))


def is_record(record):
    """True for what this version has written."""
    if not isinstance(record, dict) or record.get("version") != 1:
        return False
    exercises, quizzes, cases = (record.get(key) for key in ("exercises", "quizzes", "detective"))
    return (
        isinstance(exercises, list)
        and all(isinstance(number, str) for number in exercises)
        and isinstance(quizzes, dict)
        and isinstance(cases, dict)
        and all(isinstance(cases.get(key), int) for key in EMPTY["detective"])
    )


def free_name(path, word):
    """progress.json.corrupt-1, or the first higher number that is free."""
    n = 1
    while (kept := path.with_name(f"{path.name}.{word}-{n}")).exists():
        n += 1
    return kept


progress = Progress()
