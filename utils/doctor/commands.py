"""The commands that the doctor names, each for the system and the Python that it meets."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SYSTEM = platform.system()  # "Linux", "Darwin" or "Windows"
OLDEST_PYTHON = (3, 11)
# Binder takes torch from conda-forge, which may be a release behind requirements.txt: enough for the course
OLDEST_VERSIONS = {"torch": "2.12"}


def venv_python(system: str | None = None) -> str:
    """The path, from the root, of the Python inside .venv."""
    return r".venv\Scripts\python" if (system or SYSTEM) == "Windows" else ".venv/bin/python"


def in_environment() -> bool:
    """Whether this Python is a virtual environment's or conda's, and not the system's own."""
    return sys.prefix != sys.base_prefix or os.path.isdir(os.path.join(sys.prefix, "conda-meta"))


def this_python() -> str:
    """What to type for the Python that runs now: short where it is .venv's, quoted where it has spaces."""
    executable = Path(sys.executable)
    if ROOT / ".venv" in executable.parents:
        return venv_python()
    quoted = f'"{executable}"' if " " in str(executable) else str(executable)
    # PowerShell takes a quoted path for a string unless told to call it
    return f"& {quoted}" if SYSTEM == "Windows" and " " in str(executable) else quoted


def python_m(arguments: str) -> str:
    """The command `python -m ...` for the Python that runs now."""
    return f"{this_python()} -m {arguments}"


def together(*commands: str, system: str | None = None) -> str:
    """One line that gives the commands, one after the other; PowerShell 5 knows no &&."""
    return ("; " if (system or SYSTEM) == "Windows" else " && ").join(commands)


def pip(arguments: str) -> str:
    """The command `pip ...` for the Python that runs now, which may have none yet (uv leaves it out)."""
    missing = [] if importlib.util.find_spec("pip") else [python_m("ensurepip --upgrade")]
    return together(*missing, python_m(f"pip {arguments}"))


def pip_install(arguments: str) -> str:
    """The command that installs what the course needs; on Linux with the small build of torch."""
    if SYSTEM != "Linux" or not in_environment():
        return pip(f"install {arguments}")
    return together(pip("install uv"), python_m(f"uv pip install --torch-backend cpu {arguments}"))


def new_environment(make: str, system: str | None = None) -> str:
    """The command that makes .venv and installs the course in it. make: that of an empty environment."""
    system = system or SYSTEM
    install = [f"{venv_python(system)} -m pip install -r requirements.txt"]
    if system == "Linux":
        by_uv = f"{venv_python(system)} -m uv pip install --torch-backend cpu -r requirements.txt"
        install = [f"{venv_python(system)} -m pip install uv", by_uv]
    return together(f"{make} .venv", *install, system=system)


def unset(name: str) -> str:
    return f"Remove-Item Env:{name}" if SYSTEM == "Windows" else f"unset {name}"


def installed_version(name: str) -> str | None:
    """The version of an installed distribution, None where it is missing."""
    from importlib import metadata  # new in Python 3.8

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def pinned(file: Path) -> dict[str, str]:
    """The `name==version` lines of a requirements file, as a dict."""
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", file.read_text(encoding="utf-8"), flags=re.MULTILINE))


def find_chromium() -> str | None:
    """The browser that the browser tests drive: the one that CHROMIUM names, or one on the PATH."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


def fits(here: str, wanted: str, oldest: str | None = None) -> bool:
    """Whether an installed version will do: its major.minor is the wanted one's, or between `oldest` and that.

    The last number and a local suffix (2.13.0+cpu) may differ.
    """
    low, version, high = (
        tuple(int(number) for number in re.findall(r"\d+", text)[:2])
        for text in (oldest or wanted, here, wanted)
    )
    return low <= version <= high
