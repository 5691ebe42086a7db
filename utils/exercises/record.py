"""What a reader has done so far, in one small file of their own: exercises, quizzes, the detective's streak."""

import copy
import os
from collections import defaultdict
from pathlib import Path

import platformdirs

from utils.exercises import record_file, table
from utils.exercises.cards import Card
from utils.exercises.record_file import Unusable

MEMORY_ONLY = "What you do now is kept until the kernel stops."
TRIED_AGAIN = "What you do now is kept until the kernel stops, and each time the file is tried again."


class Progress:
    """The record of one reader.  `progress()` shows it, `progress.reset()` starts anew.

    The file is progress.json in the user's data folder; the environment variable GRADIENTS_PROGRESS
    names another one, or is "off": then everything is forgotten when the kernel stops. Several kernels
    may write at once: each change is made to what the file holds at that moment, under a lock. Where
    the file cannot be written, changes wait in memory for the next one that can.
    """

    def __init__(self):
        self.forget()

    def __call__(self):
        """A small table: chapters, exercises solved, quizzes answered, the detective's streak."""
        return table.of(self.read(), self.take_notes())

    def forget(self):
        """Drop what was not written yet, and what the reader was told."""
        self.waiting = defaultdict(list)  # path -> the changes that its file does not have yet
        self.notes, self.said = [], {}  # said: what kind of trouble -> the sentence about it

    def path(self):
        """Where the record is kept, or None for memory only."""
        chosen = os.environ.get("GRADIENTS_PROGRESS", "").strip()
        if chosen.lower() == "off":
            return None
        data = platformdirs.user_data_path("gradients-by-hand") / "progress.json"
        return record_file.target(Path(os.path.expanduser(chosen)) if chosen else data)

    def solve(self, number):
        """Remember that an exercise is solved."""
        self.change(lambda record: number in record["exercises"] or record["exercises"].append(number))

    def answer(self, number, right):
        """Remember a quiz's first answer."""
        self.change(lambda record: record["quizzes"].setdefault(number, right))

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
        path = self.path()
        try:
            if path is None or not os.path.exists(path):
                self.forget()
                return Card("Progress: nothing to reset.")
            if not os.path.isfile(path):
                raise Unusable(f"{path} is no ordinary file, and GRADIENTS_PROGRESS must name one")
            with record_file.locked(path):
                kept = record_file.move_aside(path, "backup")
        except Unusable as why:
            return Card("Progress: not reset.", (f"{why}.",), "wrong")
        self.forget()
        return Card("Progress: reset.", (f"The old record is kept as {kept.name} in {kept.parent}.",))

    def take_notes(self):
        """What the reader should be told about the file, once."""
        notes, self.notes = tuple(self.notes), []
        return notes

    def change(self, action):
        """Apply a change, which must do nothing a second time unless it counts; and those that still wait."""
        path, before = self.path(), self.read()
        after = copy.deepcopy(before)
        action(after)
        if after != before:
            self.waiting[path].append(action)
        if path is not None and self.waiting[path]:
            try:
                self.write(path)
            except Unusable as why:
                self.say("write", f"Your progress cannot be kept: {why}. {TRIED_AGAIN}")

    def write(self, path):
        """Bring the waiting changes into the file, on top of what other kernels wrote."""
        record_file.make_folder(path)
        with record_file.locked(path) as alone:
            record, later = record_file.load(path)
            if later:
                return self.say_later(path)
            if record is None:
                record = self.set_aside(path, alone)
            for action in self.waiting[path]:
                action(record)
            record_file.write(path, record)
        self.waiting[path].clear()
        for trouble in ("read", "write"):
            self.said.pop(trouble, None)  # should it come again, that is news
        if not alone:
            self.say("lock", f"{path} cannot be locked: two notebooks that write at once may lose an entry.")

    def read(self):
        """The record: of the file, with what waits to be written."""
        path = self.path()
        record = record_file.fresh_record() if path is None else self.read_file(path)
        for action in self.waiting[path]:
            action(record)
        return record

    def read_file(self, path):
        if not os.path.exists(path):
            return record_file.fresh_record()
        try:
            with record_file.locked(path) as alone:
                record, later = record_file.load(path)
                if later:
                    self.say_later(path)
                return self.set_aside(path, alone) if record is None else record
        except Unusable as why:
            self.say("read", f"Your progress cannot be read: {why}. {TRIED_AGAIN}")
            return record_file.fresh_record()

    def set_aside(self, path, alone):
        """Keep a file that is no record under another name; returns a fresh record."""
        if not alone:
            raise Unusable(f"{path} is damaged, and cannot be locked to move it")
        kept = record_file.move_aside(path, "corrupt")
        self.notes.append(
            f"The record of your progress was damaged; it is kept as {kept.name}, a new one begins."
        )
        return record_file.fresh_record()

    def say_later(self, path):
        text = f"A later version of the course wrote {path}: it is read, and left as it is. {MEMORY_ONLY}"
        self.say("later", text)

    def say(self, trouble, text):
        """A note to the reader, once."""
        if self.said.get(trouble) != text:
            self.said[trouble] = text
            self.notes.append(text)


progress = Progress()
