"""Says whether this machine is ready, and how to mend what is not: python -m utils.doctor [--tests].

Runs on a bare Python with nothing installed. The syntax is kept to Python 3.7's, so that somebody whose Python
is too old reads a sentence about it and not a SyntaxError.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
CGROUP = Path("/sys/fs/cgroup")
GB = 1024**3
SYSTEM = platform.system()  # "Linux", "Darwin" or "Windows"
OLDEST_PYTHON = (3, 11)
# Binder takes torch from conda-forge, which may be a release behind requirements.txt: enough for the course
OLDEST_VERSIONS = {"torch": "2.12"}
MEMORY_FOR_A_CHAPTER = 1 * GB
DISK_TO_INSTALL, DISK_TO_WORK = 3 * GB, GB // 4

KERNEL_PROBE = """
import nbclient, nbformat
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import sys; print(sys.prefix)")])
nbclient.NotebookClient(notebook, kernel_name="python3", timeout=60).execute()
print(notebook.cells[0].outputs[0]["text"])
"""


class Check(NamedTuple):
    """What one check found: a sentence, and for a bad thing how to mend it (a command where there is one)."""

    name: str
    ok: bool
    sentence: str
    mend: str = ""


# --- commands and probes


def venv_python(system: str = SYSTEM) -> str:
    """The path, from the root, of the Python inside .venv."""
    return r".venv\Scripts\python" if system == "Windows" else ".venv/bin/python"


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


def run_python(code: str, timeout: float = 90.0) -> tuple[bool, str]:
    """Run code in a fresh interpreter of this environment, in an empty folder.

    Returns whether it succeeded, and the last line that it wrote: of a traceback, the one that tells most.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", code]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            return False, f"no answer within {timeout:.0f} seconds"
    return done.returncode == 0, last_line(done.stderr if done.returncode else done.stdout)


def last_line(text: str) -> str:
    """The last line that is not blank."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no message")


def container_memory(cgroup: Path = CGROUP) -> tuple[int, int] | None:
    """(limit, used) of the container that this process runs in, in bytes; None where there is no limit."""
    try:
        limit = int((cgroup / "memory.max").read_text(encoding="ascii"))
        used = int((cgroup / "memory.current").read_text(encoding="ascii"))
        # files that the system keeps in memory only because there is room
        cached = re.search(r"^inactive_file (\d+)", (cgroup / "memory.stat").read_text("ascii"), re.MULTILINE)
    except (OSError, ValueError):  # not in a container, or "max": no limit
        return None
    return limit, used - (int(cached.group(1)) if cached else 0)


def read_memory() -> tuple[int, int]:
    """(total, available) memory in bytes; inside a container, that of the container."""
    try:
        import psutil

        total, available = psutil.virtual_memory()[:2]
    except ImportError:  # nothing is installed yet: Linux can tell without help
        page = os.sysconf("SC_PAGE_SIZE")
        total, available = page * os.sysconf("SC_PHYS_PAGES"), page * os.sysconf("SC_AVPHYS_PAGES")
    container = container_memory()
    if container:
        limit, used = container
        total, available = min(total, limit), min(available, limit - used)
    return total, available


def read_processors(cgroup: Path = CGROUP) -> tuple[int, int]:
    """(seen, usable) processors. They differ in a container whose share of the time is limited."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux alone
    seen = len(affinity(0)) if affinity else os.cpu_count() or 1
    try:
        quota, period = (cgroup / "cpu.max").read_text(encoding="ascii").split()
        return seen, min(seen, -(-int(quota) // int(period)))
    except (OSError, ValueError):  # not in a container, or "max": no limit
        return seen, seen


def find_chromium() -> str | None:
    """The browser that the browser tests drive: the one that CHROMIUM names, or one on the PATH."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


# --- checks


def check_python(version: tuple = tuple(sys.version_info[:3]), system: str = SYSTEM) -> Check:
    """Python is new enough."""
    sentence = "Python " + ".".join(map(str, version))
    if version[:2] >= OLDEST_PYTHON:
        return Check("Python", True, sentence)
    new_environment = {
        "Windows": "winget install Python.Python.3.12; py -3.12 -m venv --clear .venv;",
        "Darwin": "brew install python@3.12 && python3.12 -m venv --clear .venv &&",
    }
    # every Linux names its newer Pythons in its own way; uv fetches one on any
    by_uv = "python3 -m pip install --user uv && python3 -m uv venv --clear --seed --python 3.12 .venv &&"
    mend = f"{new_environment.get(system, by_uv)} {venv_python(system)} -m pip install -r requirements.txt"
    return Check("Python", False, f"{sentence}; the course needs 3.11 or newer.", mend)


def check_environment(
    inside=in_environment, version_of=installed_version, root: Path = ROOT, prefix: str = sys.prefix
) -> Check:
    """The Python that runs is the one that the course is, or is to be, installed in."""
    venv, empty = root / ".venv", version_of("torch") is None
    if empty and venv.exists() and os.path.realpath(prefix) != os.path.realpath(venv):
        sentence = f"This Python is another one, in {prefix}; the course has its own, in .venv."
        return Check("environment", False, sentence, f"{venv_python()} -m utils.doctor")
    if inside():
        return Check("environment", True, prefix)
    if not empty:
        return Check("environment", True, "not a virtual environment, but the packages are in it")
    sentence = "This is the system's Python; the course wants an environment of its own, .venv."
    make = "py -m venv .venv;" if SYSTEM == "Windows" else "python3 -m venv .venv &&"
    return Check("environment", False, sentence, f"{make} {venv_python()} -m pip install -r requirements.txt")


def check_disk(free: int | None = None, version_of=installed_version) -> Check:
    """There is room for what is still to be installed."""
    free = shutil.disk_usage(ROOT).free if free is None else free
    needed = DISK_TO_WORK if version_of("torch") else DISK_TO_INSTALL
    sentence = f"{free / GB:.1f} GB are free"
    if free >= needed:
        return Check("disk", True, sentence)
    return Check("disk", False, f"{sentence}; {needed / GB:.2g} GB are needed.", python_m("pip cache purge"))


def fits(here: str, wanted: str, oldest: str | None = None) -> bool:
    """Whether an installed version will do: its major.minor is the wanted one's, or between `oldest` and that.

    The last number and a local suffix (2.13.0+cpu) may differ.
    """
    low, version, high = (
        tuple(int(number) for number in re.findall(r"\d+", text)[:2])
        for text in (oldest or wanted, here, wanted)
    )
    return low <= version <= high


def check_packages(file: str = "requirements.txt", version_of=installed_version, root: Path = ROOT) -> Check:
    """Every pinned package is here, in a version that the course is tested with."""
    name = "packages" if file == "requirements.txt" else "test packages"
    if not (root / file).exists():
        return Check(name, False, f"There is no {root / file}.", f"git checkout -- {file}")
    wanted = pinned(root / file)
    here = {package: version_of(package) for package in wanted}
    missing = [package for package in wanted if here[package] is None]
    faults = [f"missing: {', '.join(missing)}"] if missing else []
    for package in wanted:
        if package not in missing and not fits(here[package], wanted[package], OLDEST_VERSIONS.get(package)):
            faults.append(f"{package} is {here[package]}, not {wanted[package]}")
    if not faults:
        return Check(name, True, f"all {len(wanted)} of {file} are here")
    sentence = "; ".join(faults) + "."
    if "torch" in missing and SYSTEM == "Linux":
        sentence += " Without a GPU, take the small build of torch: README.md, Linux without a GPU."
    return Check(name, False, sentence, python_m(f"pip install -r {file}"))


def check_test_packages() -> Check:
    """What the tests need beyond the course is here."""
    return check_packages("tests/requirements.txt")


def check_course(run=run_python, root: Path = ROOT) -> Check:
    """`import utils`, from any folder, finds this course."""
    succeeded, answer = run("import utils; print(utils.__file__)")
    mend = python_m("pip install --no-deps -e .")
    if not succeeded:
        return Check("course", False, f"`import utils` fails: {answer}.", mend)
    found = Path(answer).resolve().parent
    if found != (root / "utils").resolve():
        return Check("course", False, f"`import utils` finds another one, in {found}.", mend)
    return Check("course", True, "`import utils` works from every folder")


def check_kernel(run=run_python, version_of=installed_version, prefix: str = sys.prefix) -> Check:
    """The Jupyter kernel python3 starts, and runs this environment's Python."""
    missing = [package for package in ("nbclient", "ipykernel") if version_of(package) is None]
    if missing:
        sentence = f"No Jupyter kernel can start without {' and '.join(missing)}."
        return Check("kernel", False, sentence, python_m("pip install -r requirements.txt"))
    succeeded, answer = run(KERNEL_PROBE)
    mend = python_m("ipykernel install --sys-prefix --name python3")
    if not succeeded:
        return Check("kernel", False, f"The Jupyter kernel python3 does not start: {answer}.", mend)
    if os.path.realpath(answer) != os.path.realpath(prefix):
        return Check("kernel", False, f"The Jupyter kernel python3 runs another Python, in {answer}.", mend)
    return Check("kernel", True, "the Jupyter kernel python3 starts")


def check_memory(read=read_memory) -> Check:
    """A chapter fits into the memory that is free."""
    total, available = read()
    sentence = f"{available / GB:.1f} GB of {total / GB:.1f} GB are available"
    if available >= MEMORY_FOR_A_CHAPTER:
        return Check("memory", True, sentence)
    mend = "Close other programs. In JupyterLab: Kernel, Shut Down All Kernels."
    return Check("memory", False, f"{sentence}; a chapter needs about 1 GB.", mend)


def check_threads(read=read_processors, setting: str | None = None) -> Check:
    """NumPy and PyTorch start no more threads than there are processors for them."""
    seen, usable = read()
    setting = os.environ.get("OMP_NUM_THREADS", "") if setting is None else setting
    assign = '$env:OMP_NUM_THREADS = "{}"' if SYSTEM == "Windows" else "export OMP_NUM_THREADS={}"
    mend = assign.format(usable)
    if setting and not (setting.isdecimal() and int(setting) > 0):
        return Check("threads", False, f"OMP_NUM_THREADS is {setting!r}, not a positive number.", mend)
    threads = int(setting) if setting else seen
    if threads > usable:
        sentence = f"{threads} threads on {usable} processor(s) would get in each other's way."
        return Check("threads", False, sentence, mend)
    return Check("threads", True, f"{threads} on {usable} processor(s)")


def check_browser(find=find_chromium, system: str = SYSTEM) -> Check:
    """The browser tests find a browser."""
    found = find()
    if found:
        return Check("browser", True, found)
    install = {"Windows": "winget install Google.Chrome", "Darwin": "brew install --cask chromium"}
    mend = install.get(system, "sudo apt-get install chromium")
    sentence = (
        "No Chromium on the PATH, and the variable CHROMIUM names none: the browser tests would be skipped."
    )
    return Check("browser", False, sentence, mend)


FIRST_CHECKS = (check_python, check_environment)
CHECKS = (check_disk, check_packages, check_course, check_kernel, check_memory, check_threads)
TEST_CHECKS = (check_test_packages, check_browser)


# --- report


def examine(check: Callable[[], Check]) -> Check:
    """What a check finds; where the check itself fails, a sentence that says so."""
    try:
        return check()
    except Exception as error:
        name = getattr(check, "__name__", "check").replace("check_", "")
        sentence = f"This could not be checked: {type(error).__name__}: {last_line(str(error))}."
        return Check(name, False, sentence, python_m("pip install -r requirements.txt"))


def diagnose(tests: bool = False) -> list[Check]:
    """Run the checks, in the order in which their findings should be mended.

    With a Python that is too old, or not the one that the course is installed in, the others would mislead.
    """
    findings = []
    for check in FIRST_CHECKS:
        findings.append(examine(check))
        if not findings[-1].ok:
            return findings
    return findings + [examine(check) for check in CHECKS + (TEST_CHECKS if tests else ())]


def report(findings: list[Check]) -> str:
    """The findings as text, a line each; under a bad one the way to mend it."""
    lines = []
    for name, ok, sentence, mend in findings:
        lines.append(f"{'ok  ' if ok else 'MEND'}  {name:<14}{sentence}")
        if mend and not ok:
            lines.append(f"{'':<20}-> {mend}")
    bad = sum(not finding.ok for finding in findings)
    if not bad:
        return "\n".join([*lines, "", "Ready."])
    where = "" if Path.cwd() == ROOT else f" The commands are for the folder {ROOT}."
    return "\n".join([*lines, "", f"Not ready: {bad} to mend, from the top down.{where}"])


def main(arguments: list[str] | None = None) -> int:
    """Print the report. Returns the exit code: 0 where the machine is ready, 1 where it is not."""
    parser = argparse.ArgumentParser(prog="python -m utils.doctor", description="Is this machine ready?")
    parser.add_argument("--tests", action="store_true", help="also check what the tests need")
    options = parser.parse_args(arguments)
    # a console that lacks a character of some path must not turn the report into an error
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    try:
        findings = diagnose(options.tests)
    except KeyboardInterrupt:
        print("Stopped before the end.")
        return 1
    print(report(findings))
    return 0 if all(finding.ok for finding in findings) else 1


if __name__ == "__main__":
    sys.exit(main())
