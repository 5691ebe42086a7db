"""The file behind the record of progress: read, locked against other kernels, written all or nothing, never lost."""

import contextlib
import copy
import json
import os
import tempfile
from pathlib import Path

from filelock import FileLock, Timeout

EMPTY = {"version": 1, "exercises": [], "quizzes": {}, "detective": {"streak": 0, "best": 0, "solved": 0}}
WAIT = 5  # seconds for another kernel to finish its write, which takes a millisecond


class Unusable(Exception):
    """A file that cannot be read, or not be written, for now; the message is a sentence for the reader."""


def fresh_record():
    return copy.deepcopy(EMPTY)


def target(path):
    """Where a symlink leads: that file is replaced, the link stays."""
    return Path(os.path.realpath(path))


@contextlib.contextmanager
def locked(path):
    """Hold the lock of a file; yields False where the file system has none (a read-only folder, some network homes).

    Raises Unusable where another kernel does not let go of it.
    """
    lock = FileLock(f"{path}.lock", timeout=WAIT, poll_interval=0.01, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise Unusable(f"another program holds {path}.lock") from None
    except (OSError, NotImplementedError):
        yield False
        return
    try:
        yield True
    finally:
        with contextlib.suppress(OSError):  # the system lets go of it when the kernel stops
            lock.release()


def load(path):
    """(record, later): what the file holds; None as record where it is damaged, a fresh one where there is no file.

    later: whether a later version of the course wrote it; then the record is what this version can read of it.
    Raises Unusable where there is something that cannot be read.
    """
    if os.path.exists(path) and not os.path.isfile(path):  # never wait for a pipe, never move a device
        raise Unusable(f"{path} is {'a folder' if os.path.isdir(path) else 'no ordinary file'}")
    try:
        record = json.loads(
            path.read_bytes()
        )  # as bytes: json knows the marks that editors put before the text
    except FileNotFoundError:
        return fresh_record(), False
    except OSError as error:
        raise Unusable(f"{path} cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        return None, False
    if not isinstance(record, dict) or type(record.get("version")) is not int:
        return None, False
    if record["version"] > EMPTY["version"]:
        return readable_part(record), True
    return (without_doubles(record) if is_record(record) else None), False


def is_record(record):
    """True for what this version has written."""
    exercises, quizzes, cases = (record.get(key) for key in ("exercises", "quizzes", "detective"))
    return (
        record["version"] == EMPTY["version"]
        and isinstance(exercises, list)
        and all(isinstance(number, str) for number in exercises)
        and isinstance(quizzes, dict)
        and isinstance(cases, dict)
        and all(isinstance(cases.get(key), int) for key in EMPTY["detective"])
    )


def without_doubles(record):
    """The record with each exercise once, however the file came by a second one."""
    return record | {"exercises": list(dict.fromkeys(record["exercises"]))}


def readable_part(record):
    """What this version understands of a later one's record; the file itself stays as it is."""
    part = fresh_record()
    exercises, quizzes, cases = (record.get(key) for key in ("exercises", "quizzes", "detective"))
    if isinstance(exercises, (list, dict)):
        part["exercises"] = [number for number in exercises if isinstance(number, str)]
    if isinstance(quizzes, dict):
        part["quizzes"] = quizzes
    if isinstance(cases, dict):
        part["detective"] |= {key: cases[key] for key in part["detective"] if isinstance(cases.get(key), int)}
    return part


def move_aside(path, word):
    """Keep the file under progress.json.corrupt-1, or the first higher number that is free; returns the new path."""
    n = 1
    while os.path.lexists(kept := path.with_name(f"{path.name}.{word}-{n}")):
        n += 1
    try:
        path.rename(kept)
    except OSError as error:
        raise Unusable(f"{path} cannot be moved ({error.strerror})") from None
    return kept


def make_folder(path):
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unusable(f"{path} cannot be written ({error.strerror})") from None


def write(path, record):
    """Write all or nothing."""
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
        with open(handle, "w", encoding="utf-8") as file:
            json.dump(record, file, indent=1)
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise Unusable(f"{path} cannot be written ({error.strerror or error})") from None
