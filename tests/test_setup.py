"""The set-up agrees with itself: requirements, Binder, README, CI; and what no committed file may contain."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from utils import readme
from utils.doctor import commands as doctor

ROOT = readme.ROOT
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
COURSE = doctor.pinned(ROOT / "requirements.txt")
TESTS = doctor.pinned(ROOT / "tests" / "requirements.txt")
DISTRIBUTIONS = packages_distributions()
CONDA_NAMES = {"matplotlib-base": "matplotlib", "pytorch-cpu": "torch"}

needs_bash = pytest.mark.skipif(os.name == "nt", reason="the scripts are for Linux")


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def committed_files():
    """The files of the repository, and those that are about to be; skips the test outside git."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("git is not installed")
    if done.returncode != 0:
        pytest.skip("not a clone")
    return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def committed_texts():
    """(path, text) of the committed files that are text."""
    for path in committed_files():
        try:
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:  # a picture, an archive
            continue


# --- requirements


@pytest.mark.parametrize("file", ["requirements.txt", "tests/requirements.txt"])
def test_requirements_are_pinned(file):
    lines = [line for line in read(file).splitlines() if line and not line.startswith("#")]
    if file == "requirements.txt":
        assert lines.pop() == "-e ."
        assert "torch==2.13.0" in lines, "no index, no local version: pip takes whichever build it is offered"
    else:
        assert lines.pop(0) == "-r ../requirements.txt"
    assert lines == [f"{name}=={version}" for name, version in doctor.pinned(ROOT / file).items()]
    assert not COURSE.keys() & TESTS.keys()


def test_data_files_are_declared_as_package_data():
    package_data = PYPROJECT["tool"]["setuptools"]["package-data"]
    assert "*.js" in package_data["utils.explorable"]
    for path in committed_files():
        if path.is_relative_to(ROOT / "utils") and path.suffix != ".py":
            package = ".".join(path.relative_to(ROOT).parent.parts)
            assert any(
                fnmatch(path.name, glob) for glob in [*package_data["*"], *package_data.get(package, [])]
            ), path


def imported_modules(source):
    """The top-level names that Python source imports; relative imports are not counted."""
    modules = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules.add(node.module.partition(".")[0])
    return modules


def distributions(modules):
    """The distributions that third-party modules come from (PIL: pillow), names normalised."""
    third_party = modules - sys.stdlib_module_names - {"utils", "tests"}
    names = {name for module in third_party for name in DISTRIBUTIONS.get(module, [module])}
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names}


def code_cells(notebook):
    """The Python of a notebook's code cells, one string each, without magics; not of cells that are meant to fail."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code" and "raises-exception" not in cell["metadata"].get("tags", []):
            yield re.sub(r"^\s*[%!].*$", "", "".join(cell["source"]), flags=re.MULTILINE)


def test_distributions_are_told_from_imports():
    source = "import PIL.Image, os\nfrom sklearn import svm\nfrom . import x\nfrom utils.nn import y\nimport nowhere"
    assert distributions(imported_modules(source)) == {"pillow", "scikit-learn", "nowhere"}


@pytest.mark.parametrize(
    ("folder", "allowed"), [("utils", COURSE), ("chapters", COURSE), ("tests", COURSE | TESTS)]
)
def test_every_import_is_listed(folder, allowed):
    sources = {path: [path.read_text(encoding="utf-8")] for path in (ROOT / folder).rglob("*.py")}
    sources |= {path: list(code_cells(path)) for path in (ROOT / folder).glob("*.ipynb")}
    # the tour drives a browser, with what the tests drive it
    listed = lambda path: COURSE | TESTS if path.parent == ROOT / "utils/explorable/tour" else allowed
    unlisted = {
        f"{path.relative_to(ROOT)}: {name}"
        for path, texts in sources.items()
        for text in texts
        for name in distributions(imported_modules(text)) - listed(path).keys()
    }
    assert not unlisted, (
        "import it from a listed package, or list it in requirements.txt and binder/environment.yml"
    )


# --- Binder


def conda_packages():
    """name -> (operator, version) of binder/environment.yml, with pip's names for the packages."""
    found = re.findall(r"^  - ([\w-]+)(=|>=)([\d.]+)$", read("binder/environment.yml"), flags=re.MULTILINE)
    return {CONDA_NAMES.get(name, name): (operator, version) for name, operator, version in found}


def test_binder_installs_what_requirements_name():
    packages = conda_packages()
    operator, python = packages.pop("python")
    assert operator == "=" and tuple(map(int, python.split("."))) >= doctor.OLDEST_PYTHON
    assert packages.keys() == COURSE.keys()
    operator, torch = packages.pop("torch")
    assert (operator, torch) == (">=", doctor.OLDEST_VERSIONS["torch"])
    assert packages == {name: ("=", COURSE[name].rpartition(".")[0]) for name in packages}


def test_binder_takes_conda_forge_alone():
    text = read("binder/environment.yml")
    channels = re.search(r"^channels:\n((?:  - .*\n)+)", text, flags=re.MULTILINE)[1]
    assert channels == "  - conda-forge\n  - nodefaults\n"
    dependencies = re.findall(r"^  - .*$", text.partition("dependencies:")[2], flags=re.MULTILINE)
    assert len(dependencies) == len(COURSE) + 1, "each with a version, and no pip section"


@needs_bash
def test_repo2docker_reads_the_configuration():
    """No Docker is needed for that. It takes about a second."""
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "conda environment for python=3.11" in done.stdout + done.stderr
    for words in (
        '--file "binder/environment.yml"',
        "RUN ./binder/postBuild",
        'R2D_ENTRYPOINT="${REPO_DIR}/binder/start"',
    ):
        assert words in done.stdout


def write_script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/usr/bin/env bash\n{text}\n")
    path.chmod(0o755)


@needs_bash
@pytest.mark.parametrize("path", ["binder/postBuild", "binder/start", ".ci/run"])
def test_script_is_executable_strict_and_parses(path):
    assert os.access(ROOT / path, os.X_OK)
    assert read(path).startswith("#!/usr/bin/env bash\n# ") and "\nset -euo pipefail\n" in read(path)
    done = subprocess.run(["bash", "-n", ROOT / path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@needs_bash
@pytest.mark.parametrize("failing", [None, "python", "jupyter"])
def test_post_build(tmp_path, failing):
    """Run with stand-ins that write down their arguments; it must stop where one of them fails."""
    for tool in ("python", "jupyter"):
        write_script(tmp_path / "bin" / tool, f'echo "{tool} $*"; exit {int(tool == failing)}')
    (tmp_path / "chapters").mkdir()
    for name in ("00_a.ipynb", "01_b.ipynb"):
        (tmp_path / "chapters" / name).touch()
    environment = os.environ | {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [ROOT / "binder/postBuild"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    lines = done.stdout.splitlines()
    assert done.returncode == int(failing is not None)
    assert re.fullmatch(r"python -m pip install .*--no-deps -e \.", lines[0])
    if failing != "python":
        assert lines[1] == "jupyter trust chapters/00_a.ipynb chapters/01_b.ipynb"
    if failing is None:
        assert lines[2] == "jupyter labextension disable @jupyterlab/apputils-extension:announcements"
    assert len(lines) == {"python": 1, "jupyter": 2, None: 3}[failing]


@needs_bash
def test_start_sets_one_thread_and_becomes_the_command():
    code = "import json, os, sys; print(json.dumps([os.getpid(), sys.argv[1:], dict(os.environ)]))"
    environment = os.environ | {"OMP_NUM_THREADS": "8"}
    process = subprocess.Popen(
        [ROOT / "binder/start", sys.executable, "-c", code, "two words"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    pid, arguments, environment = json.loads(process.communicate(timeout=60)[0])
    assert pid == process.pid, "exec: signals must reach the server"
    assert arguments == ["two words"]
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        assert environment[variable] == "1"


# --- README's commands, CI


def commands(language):
    """README's command blocks in that language: {what the last program is: the command}."""
    blocks = re.findall(rf"^```{language}\n(.*?)\n```$", read("README.md"), flags=re.MULTILINE | re.DOTALL)
    assert blocks and all("\n" not in block for block in blocks), "one line each"
    return blocks


def the_command(language, ending):
    (command,) = (block for block in commands(language) if re.search(ending, block))
    return command


def run_command(system):
    """README's command that opens the course: the block below the line that names the system."""
    (found,) = re.findall(
        rf"^{system}.*\n\n```\w+\n(.*jupyterlab .*)\n```$", read("README.md"), flags=re.MULTILINE
    )
    return found


PYTHON = ".venv/bin/python -m "
MAKE = "python3 -m venv .venv"
START = [
    PYTHON + "nbformat.sign chapters/00_start_here.ipynb",
    PYTHON + "jupyterlab --notebook-dir=. chapters/00_start_here.ipynb",
]
TEST_ENDING = r"-m pytest$"


@needs_bash
def test_commands_of_the_readme_parse():
    for command in commands("sh"):
        done = subprocess.run(["bash", "-n", "-c", command], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def windows(make, *acts):
    """The same for PowerShell, which makes no environment where there is one."""
    acts = [act.replace(".venv/bin/", ".venv/Scripts/").replace("/", "\\") for act in acts]
    return "; ".join(["if (!(Test-Path .venv)) { py -m venv .venv }", *acts])


def test_each_system_has_its_command_and_linux_the_small_build_of_torch():
    small = [PYTHON + "pip install uv", PYTHON + "uv pip install --torch-backend cpu -r requirements.txt"]
    install = PYTHON + "pip install -r requirements.txt"
    assert run_command("Linux").split(" && ") == [MAKE, *small, *START]
    assert run_command("macOS").split(" && ") == [MAKE, install, *START]
    assert run_command("Windows") == windows(MAKE, install, *START)
    text = read("README.md")
    assert text.index("\nLinux. ") < text.index("\nmacOS:\n"), "the command that fits comes first"
    assert (
        f" && {doctor.new_environment('python3 -m venv', 'Linux')} && " in f" && {run_command('Linux')} && "
    )


def test_the_test_command():
    acts = [PYTHON + "pip install -r tests/requirements.txt", PYTHON + "pytest"]
    assert the_command("sh", TEST_ENDING).split(" && ") == [MAKE, *acts]
    assert the_command("powershell", TEST_ENDING) == windows(MAKE, *acts)


def test_no_command_needs_a_launcher():
    """.venv/bin/jupyter names its Python by its full path: it no longer starts when the folder is moved."""
    for language in ("sh", "powershell"):
        for command in commands(language):
            for name in re.findall(r"\.venv[/\\](?:bin|Scripts)[/\\](\w+)", command):
                assert name == "python", command
    assert not re.search(r"\.venv/bin/(?!python\b)\w", read("README.md"))


@needs_bash
def test_what_the_readme_starts_starts_in_a_folder_that_was_moved(tmp_path):
    """A made-up environment with a launcher: after the move the launcher is broken, python -m is not."""
    old, new = tmp_path / "old", tmp_path / "new"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", old / ".venv"], check=True)
    (packages,) = (old / ".venv").glob("lib/python*/site-packages")
    (packages / "all.pth").write_text("\n".join(path for path in sys.path if "site-packages" in path))
    launcher = old / ".venv/bin/jupyter-lab"
    launcher.write_text(f"#!{old}/.venv/bin/python\nprint('started')\n")
    launcher.chmod(0o755)
    assert subprocess.run([launcher], capture_output=True, text=True).stdout == "started\n"
    old.rename(new)
    with pytest.raises(OSError):
        subprocess.run([new / ".venv/bin/jupyter-lab"], capture_output=True)
    for act in START:
        module = act.removeprefix(PYTHON).split()[0]
        command = [new / ".venv/bin/python", "-m", module, "--version"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr


def test_the_first_chapter_is_there():
    assert (ROOT / "chapters" / "00_start_here.ipynb").exists()


def test_ci_and_the_workflow_give_the_readme_test_command():
    portability = "PORTABILITY=all .venv/bin/python -m pytest -rs tests/portability --dist=worksteal"
    first, second = [line for line in read(".ci/run").splitlines() if "-m pytest" in line]
    assert first == the_command("sh", TEST_ENDING) + " || exit" and second == portability
    steps = re.findall(r"^ +run: (.*)$", read(".github/workflows/tests.yml"), flags=re.MULTILINE)
    expected = [
        doctor.new_environment("python3 -m venv", "Linux"),
        the_command("sh", TEST_ENDING),
        the_command("powershell", TEST_ENDING),
    ]
    assert [step for step in steps if step in expected] == [*expected, expected[0]]
    assert sum(portability in step for step in steps) == 1


def test_workflow_tests_the_python_of_binder_and_wants_a_browser():
    workflow = read(".github/workflows/tests.yml")
    assert f'python-version: "{conda_packages()["python"][1]}"' in workflow
    assert "REQUIRE_BROWSER: ${{ matrix.os == 'ubuntu-latest' && '1' || '' }}" in workflow


@needs_bash
@pytest.mark.parametrize(("failing", "code"), [(None, 0), ("pip", 3), ("pytest", 4)])
def test_ci_run(tmp_path, failing, code):
    """Run on a copy with stand-ins for Python, apt-get and pytest; a failure of any must be CI's."""
    clone, tools = tmp_path / "clone", tmp_path / "bin"
    (clone / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci/run", clone / ".ci/run")
    write_script(tools / "apt-get", 'echo "apt-get $*"')
    write_script(tools / "python3", 'echo "python3 $* in $(basename "$PWD")"')
    codes = {"pip": 3, "pytest": 4}
    fails = "; ".join(f"[[ $2 == {m} ]] && exit {c * (m.endswith(str(failing)))}" for m, c in codes.items())
    write_script(clone / ".venv/bin/python", f'echo "python $* $REQUIRE_BROWSER $PORTABILITY"; {fails}')
    environment = os.environ | {
        "PORTABILITY": "",
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "REQUIRE_BROWSER": "0",
    }
    done = subprocess.run(
        ["bash", clone / ".ci/run"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    lines = [line for line in done.stdout.splitlines() if not line.startswith("apt-get")]
    assert done.returncode == code
    assert lines[0] == "python3 -m venv .venv in clone"
    assert lines[1] == "python -m pip install -r tests/requirements.txt 1 "
    then = [
        "python -m pytest 1 ",
        "python -m pytest -rs tests/portability --dist=worksteal 1 all",
    ]
    assert lines[2:] == then[: {"pip": 0, "pytest": 1}.get(failing, 2)]
    assert ("apt-get update -qq" in done.stdout) == (not Path("/usr/bin/chromium").exists())


@pytest.mark.parametrize(
    "arguments",
    [["check", "--output-format=concise"], ["format", "--check", "--output-format=concise"]],
    ids=" ".join,
)
def test_ruff(arguments):
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *arguments, "."], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


# --- what no committed file may contain


def test_owner_is_named_in_one_place():
    """In pyproject.toml, and in the block of README.md that is written from it."""
    owner_and_name = readme.repository().removeprefix("https://github.com/")
    named = {str(path): text.count(owner_and_name) for path, text in committed_texts()}
    assert named.pop("pyproject.toml") == 1
    block = readme.block(readme.repository())
    assert named.pop("README.md") == block.count(owner_and_name) > 0
    assert named.pop("CITATION.cff") == 1  # tests/test_project.py compares it with pyproject.toml
    assert not {path for path, count in named.items() if count}


# the start of a path in somebody's home or in a scratch folder; not the end of a longer path or address
FOLDERS = "|".join(["home", "root", "Users", "work", "workspace", "tmp", "opt", "mnt", "content"])
ABSOLUTE_PATH = re.compile(rf"(?<![\w.~/+-])/(?:{FOLDERS})/[\w.-]|\b[A-Z]:\\+(?:Users|home)\b")
# pictographs, and the older symbols that are shown in colour; check marks and arrows are text
EMOJI = re.compile(
    "[\U0001f000-\U0001faff\ufe0f\u231a\u231b\u23e9-\u23f3\u26a1\u2705\u270a\u270b\u2728\u274c\u274e"
    "\u2753-\u2755\u2757\u2795-\u2797\u2b50\u2b55\u2b1b\u2b1c]"
)


@pytest.mark.parametrize(
    ("pattern", "found", "passed"),
    [
        (ABSOLUTE_PATH, ["see /" + "home/me", '"/' + 'tmp/x"', "C:" + r"\Users\me", "(/" + "root/.cache)"],
         ["https://x.org/home/me", "a/tmp/b", "/usr/bin/env", "~/work/x", "/proc/meminfo", "tmp/x"]),
        (EMOJI, ["\U0001f600", "\u2705", "\u26a0\ufe0f", "\u2b50"], ["✓ → · ∂ ≤ 手 é", "\u25b6"]),
    ],
    ids=["absolute paths", "emoji"],
)  # fmt: skip
def test_no_committed_file_contains(pattern, found, passed):
    assert all(map(pattern.search, found)) and not any(map(pattern.search, passed)), "the pattern itself"
    hits = [f"{path}: {match[0]!r}" for path, text in committed_texts() for match in pattern.finditer(text)]
    assert not hits
