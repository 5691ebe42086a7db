"""The checks of the doctor: each looks at one thing, and gives a sentence and the way to mend it."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from utils.doctor import commands
from utils.doctor.commands import (
    OLDEST_PYTHON,
    OLDEST_VERSIONS,
    ROOT,
    find_chromium,
    fits,
    in_environment,
    installed_version,
    new_environment,
    pinned,
    pip,
    pip_install,
    python_m,
    together,
    unset,
    venv_python,
)
from utils.doctor.machine import (
    GB,
    container_memory,
    read_memory,
    read_processors,
    readers_environment,
    run_python,
    shell_limits,
    starts,
    why_not_writable,
)
from utils.threads import VARIABLES

MEMORY_FOR_A_CHAPTER = 1 * GB
DISK_TO_INSTALL, DISK_TO_WORK = 3 * GB, GB // 4
# of ulimit: the libraries reserve far more addresses than they use memory
LEAST_LIMITS = {"-v": 3 * GB, "-d": 1 * GB}
CLOSE_OTHERS = "Close other programs. In JupyterLab: Kernel, Shut Down All Kernels."
MODULES = {"pillow": "PIL", "scikit-learn": "sklearn"}  # where a package is imported by another name

IMPORT_PROBE = """
import importlib, sys
for name in sys.argv[1:]:
    print(name, flush=True)
    try:
        module = importlib.import_module(name)
        if name == "numpy":
            assert (module.ones((64, 64)) @ module.ones((64, 64)) == 64).all(), "a matrix product is wrong"
        if name == "torch":
            x = module.ones(3, requires_grad=True)
            (x @ x).backward()
            assert x.grad.tolist() == [2, 2, 2], "a gradient is wrong"
    except BaseException as error:
        lines = str(error).strip().splitlines() or [""]
        sys.exit(f"{name}: {type(error).__name__}: {lines[0]}")
"""
KERNEL_PROBE = """
import nbclient, nbformat
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import sys; print(sys.prefix)")])
nbclient.NotebookClient(notebook, kernel_name="python3", timeout=60).execute()
print(notebook.cells[0].outputs[0]["text"])
"""
THREADS_PROBE = """
import numpy, utils, threadpoolctl
print(max([pool["num_threads"] for pool in threadpoolctl.threadpool_info()] or [1]))
"""
RUNTIME_PROBE = "from jupyter_core.paths import jupyter_runtime_dir as folder; print(folder())"


class Check(NamedTuple):
    """What one check found: a sentence, and for a bad thing how to mend it (a command where there is one)."""

    name: str
    ok: bool
    sentence: str
    mend: str = ""


def check_python(version: tuple = tuple(sys.version_info[:3]), system: str = commands.SYSTEM) -> Check:
    """Python is new enough."""
    sentence = "Python " + ".".join(map(str, version))
    if version[:2] >= OLDEST_PYTHON:
        return Check("Python", True, sentence)
    make = {
        "Windows": "winget install Python.Python.3.12; py -3.12 -m venv --clear",
        "Darwin": "brew install python@3.12 && python3.12 -m venv --clear",
    }
    # every Linux names its newer Pythons in its own way; uv fetches one on any
    by_uv = "python3 -m pip install --user uv && python3 -m uv venv --clear --seed --python 3.12"
    mend = new_environment(make.get(system, by_uv), system)
    return Check("Python", False, f"{sentence}; the course needs 3.11 or newer.", mend)


def check_environment(
    inside=in_environment,
    version_of=installed_version,
    root: Path = ROOT,
    prefix: str = sys.prefix,
    can_start=starts,
) -> Check:
    """The Python that runs is the one that the course is, or is to be, installed in."""
    venv, empty = root / ".venv", version_of("torch") is None
    python = "py" if commands.SYSTEM == "Windows" else "python3"
    if empty and venv.exists() and os.path.realpath(prefix) != os.path.realpath(venv):
        if not can_start([str(root / venv_python()), "-c", ""]):
            sentence = (
                "The course's own Python, in .venv, does not start; it was moved here, or its Python is gone."
            )
            return Check("environment", False, sentence, new_environment(f"{python} -m venv --clear"))
        sentence = f"This Python is another one, in {prefix}; the course has its own, in .venv."
        return Check("environment", False, sentence, f"{venv_python()} -m utils.doctor")
    if inside():
        return Check("environment", True, prefix)
    if not empty:
        return Check("environment", True, "not a virtual environment, but the packages are in it")
    sentence = "This is the system's Python; the course wants an environment of its own, .venv."
    return Check("environment", False, sentence, new_environment(f"{python} -m venv"))


def check_limits(limits=shell_limits, container=container_memory) -> Check:
    """Neither the shell nor a container allows less memory than a chapter needs."""
    for option, limit in limits().items():
        if limit < LEAST_LIMITS[option]:
            sentence = (
                f"This shell allows a program {limit / GB:.1f} GB of addresses (ulimit {option}); "
                f"a chapter needs {LEAST_LIMITS[option] / GB:.0f} GB."
            )
            return Check("memory limit", False, sentence, f"ulimit {option} unlimited")
    found = container()
    if found is None:
        return Check("memory limit", True, "none that a chapter reaches")
    sentence = f"this container allows {found[0] / GB:.1f} GB"
    if found[0] >= MEMORY_FOR_A_CHAPTER:
        return Check("memory limit", True, sentence)
    mend = "Start the container with more memory: docker run --memory 2g, or MemoryMax= of its service."
    return Check(
        "memory limit", False, f"{sentence[0].upper()}{sentence[1:]}; a chapter needs about 1 GB.", mend
    )


def check_folders(run=run_python, version_of=installed_version, why_not=why_not_writable) -> Check:
    """Jupyter can write where it must: in the home, in its own folder there, in the folder for passing files."""
    try:
        tempfile.gettempdir()
    except OSError:
        sentence = "No folder for temporary files can be written."
        return Check("folders", False, sentence, "export TMPDIR=" + os.path.join(str(ROOT), "tmp"))
    folders = [Path(os.path.expanduser("~"))]
    if version_of("jupyter_core"):
        succeeded, answer = run(RUNTIME_PROBE)
        folders += [Path(answer)] if succeeded else []
    for folder in folders:
        error = why_not(folder)
        if error is not None:
            sentence = f"{folder} cannot be written ({error.strerror}); Jupyter and your progress need it."
            return Check("folders", False, sentence, mend_folder(folder, error))
    return Check("folders", True, f"{folders[0]} can be written")


def mend_folder(folder: Path, error: OSError) -> str:
    if commands.SYSTEM == "Windows":
        return f'icacls "{folder}" /grant "$env:USERNAME:(OI)(CI)F"'
    if error.errno == errno.EACCES:  # often a leaving of `sudo jupyter`
        return f'sudo chown -R "$USER" "{folder}"'
    return 'export HOME="$(mktemp -d)"'


def check_disk(free: int | None = None, version_of=installed_version) -> Check:
    """There is room for what is still to be installed."""
    free = shutil.disk_usage(ROOT).free if free is None else free
    needed = DISK_TO_WORK if version_of("torch") else DISK_TO_INSTALL
    sentence = f"{free / GB:.1f} GB are free"
    if free >= needed:
        return Check("disk", True, sentence)
    return Check("disk", False, f"{sentence}; {needed / GB:.2g} GB are needed.", pip("cache purge"))


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
    return Check(name, False, "; ".join(faults) + ".", pip_install(f"-r {file}"))


def check_test_packages() -> Check:
    """What the tests need beyond the course is here."""
    return check_packages("tests/requirements.txt")


def check_imports(run=run_python, version_of=installed_version, root: Path = ROOT) -> Check:
    """Every package that is here can be imported, and NumPy and torch calculate."""
    wanted = pinned(root / "requirements.txt")
    modules = {MODULES.get(name, name): name for name in wanted if version_of(name)}
    succeeded, answer = run(IMPORT_PROBE, *modules, timeout=300)
    if succeeded:
        return Check("imports", True, f"{len(modules)} packages import, and calculate")
    name = modules.get(answer.partition(":")[0])
    sentence = f"`import {answer.replace(': ', '` fails: ', 1)}."
    if name is None:  # no package's fault: Python itself did not get that far
        return Check(
            "imports",
            False,
            f"The packages cannot be imported: {answer}.",
            pip_install("-r requirements.txt"),
        )
    if "want of memory" in answer:
        return Check("imports", False, sentence, CLOSE_OTHERS)
    exact = f"{name}=={wanted[name]}"
    if name == "torch" and commands.SYSTEM == "Linux" and in_environment():
        return Check("imports", False, sentence, pip_install(f"--reinstall-package torch {exact}"))
    return Check("imports", False, sentence, pip(f"install --force-reinstall --no-deps {exact}"))


def check_course(run=run_python, root: Path = ROOT) -> Check:
    """`import utils`, from any folder, finds this course."""
    succeeded, answer = run("import utils; print(utils.__file__)")
    mend = pip("install --no-deps -e .")
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
        return Check("kernel", False, sentence, pip_install("-r requirements.txt"))
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
    return Check("memory", False, f"{sentence}; a chapter needs about 1 GB.", CLOSE_OTHERS)


def check_threads(read=read_processors, environment=readers_environment, run=run_python) -> Check:
    """The course's kernels start one thread each; a number that the reader chose is kept, and fits."""
    _, usable = read()
    chosen = {name: value for name, value in environment().items() if name in VARIABLES and value}
    for name, value in chosen.items():
        if not (value.isdecimal() and int(value) > 0):
            return Check("threads", False, f"{name} is {value!r}, not a positive number.", unset(name))
    succeeded, answer = run(THREADS_PROBE)
    if not succeeded:  # another check says why
        return Check("threads", True, "not known until `import numpy, utils` works")
    threads = max(int(answer), *map(int, chosen.values()), 1)
    told = f"{threads} a kernel, {f'as {next(iter(chosen))} says' if chosen else 'as the course sets it'}"
    processors = f"{usable} processor{'s' if usable > 1 else ''}"
    if threads > usable:
        sentence = f"{told}, on {processors}: they would get in each other's way."
        return Check(
            "threads", False, sentence, together(*map(unset, chosen)) or pip("install --no-deps -e .")
        )
    return Check("threads", True, f"{told}, on {processors}")


def check_browser(find=find_chromium, system: str = commands.SYSTEM, can_start=starts) -> Check:
    """The browser tests find a browser, and it starts."""
    found = find()
    install = {"Windows": "winget install Google.Chrome", "Darwin": "brew install --cask chromium"}
    mend = install.get(system, "sudo apt-get install chromium")
    if not found:
        sentence = "No Chromium on the PATH, and CHROMIUM names none: the browser tests would be skipped."
        return Check("browser", False, sentence, mend)
    # on Windows --version opens a window
    if shutil.which(found) and (system == "Windows" or can_start([found, "--version"])):
        return Check("browser", True, found)
    if os.environ.get("CHROMIUM"):
        there = "does not start" if shutil.which(found) else "is no program"
        return Check("browser", False, f"CHROMIUM names {found}, which {there}.", unset("CHROMIUM"))
    return Check("browser", False, f"{found} does not start.", mend)


FIRST_CHECKS = (check_python, check_environment, check_limits, check_folders)
CHECKS = (
    *(check_disk, check_packages, check_imports, check_course),
    *(check_kernel, check_memory, check_threads),
)
TEST_CHECKS = (check_test_packages, check_browser)
