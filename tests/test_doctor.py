"""Each check of the doctor, fed a machine that lacks what it looks for; and the report, which is never a traceback."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from utils.doctor import __main__ as report
from utils.doctor import checks, commands, machine
from utils.doctor.checks import Check
from utils.doctor.machine import GB

ROOT = commands.ROOT
FILES = [*Path(checks.__file__).parent.glob("*.py"), ROOT / "utils/__init__.py", ROOT / "utils/threads.py"]


def versions(**changed):
    """What stands in for `installed_version`: everything pinned is here, but for the changes (None: missing)."""
    pinned = commands.pinned(ROOT / "requirements.txt") | {"ipykernel": "7.4.0"} | changed
    return pinned.get


def is_good(check):
    return check.ok and check.sentence and not check.mend


def is_bad(check, *words):
    """A finding that is bad, says why in words that a person can use, and how to mend it."""
    return not check.ok and check.mend and all(word in check.sentence for word in words)


# --- the checks


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 14, 2), (4, 0, 0)])
def test_python_is_new_enough(version):
    assert is_good(checks.check_python(version))


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 9, 0), (2, 7, 18)])
def test_python_is_too_old(version):
    check = checks.check_python(version)
    assert is_bad(check, ".".join(map(str, version)), "3.11")


@pytest.mark.parametrize(
    ("system", "tool", "python"),
    [
        ("Linux", "uv venv", ".venv/bin/python"),
        ("Darwin", "brew", ".venv/bin/python"),
        ("Windows", "winget", r".venv\Scripts\python"),
    ],
)
def test_an_old_python_is_replaced_in_the_way_of_the_system(system, tool, python):
    mend = checks.check_python((3, 8, 0), system).mend
    assert tool in mend and mend.endswith(" -r requirements.txt") and f" {python} -m pip install" in mend
    assert ("--torch-backend cpu" in mend) == (system == "Linux")
    assert ("&&" in mend) == (system != "Windows"), "PowerShell 5 knows no &&"


def test_environment(tmp_path):
    def check(inside, torch, prefix="/elsewhere", starts=True):
        stand_ins = lambda: inside, versions(torch=torch), tmp_path, prefix, lambda command: starts
        return checks.check_environment(*stand_ins)

    venv = tmp_path / ".venv"
    assert is_good(check(inside=True, torch=None)), "an empty environment: the packages are another check's"
    assert is_good(check(inside=False, torch="2.13.0")), "a container may have no environment"
    assert is_bad(check(inside=False, torch=None), "system's Python")
    assert "venv .venv" in check(inside=False, torch=None).mend
    venv.mkdir()
    for inside in (True, False):
        assert is_bad(check(inside, torch=None), "/elsewhere", ".venv")
        assert check(inside, torch=None).mend == f"{commands.venv_python()} -m utils.doctor"
        broken = check(inside, torch=None, starts=False)
        assert is_bad(broken, "does not start") and " -m venv --clear .venv" in broken.mend
        assert not broken.mend.startswith(commands.venv_python()), "what cannot start mends nothing"
    assert is_good(check(inside=True, torch=None, prefix=str(venv)))


def test_an_environment_whose_python_is_gone_is_told_by_another_python(tmp_path):
    clone = tmp_path / "clone"
    shutil.copytree(ROOT / "utils", clone / "utils", ignore=shutil.ignore_patterns("__pycache__"))
    python = clone / ".venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(tmp_path / "gone")
    done = subprocess.run(
        [sys.executable, "-S", "-m", "utils.doctor"], cwd=clone, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1 and done.stderr == ""
    assert "does not start" in done.stdout and "venv --clear .venv" in done.stdout


def test_an_environment_without_pip_gets_one(monkeypatch):
    assert commands.pip("list") == commands.python_m("pip list")
    monkeypatch.setattr(commands.importlib.util, "find_spec", lambda name: None)
    first, then = commands.pip("list").split("; " if os.name == "nt" else " && ")
    assert first.endswith("-m ensurepip --upgrade") and then.endswith("-m pip list")


def limits(ulimits=None, container=None):
    return checks.check_limits(lambda: ulimits or {}, lambda: container)


def test_limits_of_the_shell_and_of_a_container():
    assert is_good(limits()) and is_good(limits({"-v": 8 * GB}, (4 * GB, GB)))
    assert is_bad(limits({"-v": GB}), "ulimit -v", "1.0 GB") and "ulimit -v" in limits({"-v": GB}).mend
    assert is_bad(limits({"-d": GB // 2}), "ulimit -d", "0.5 GB")
    assert is_bad(limits(container=(GB // 2, 0)), "container", "0.5 GB")


@pytest.mark.skipif(sys.platform != "linux", reason="ulimit -v is Linux's")
def test_a_limit_of_the_shell_is_blamed_and_not_the_kernel():
    command = f"ulimit -v 900000; exec '{sys.executable}' -m utils.doctor"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "ulimit -v" in done.stdout and "kernel" not in done.stdout


def test_folders(tmp_path):
    assert is_good(checks.check_folders())
    asked = []

    def why_not(folder):
        asked.append(folder)
        return PermissionError(13, "Permission denied") if folder == tmp_path else None

    check = checks.check_folders(lambda code: (True, str(tmp_path)), versions(jupyter_core="5"), why_not)
    assert asked == [Path.home(), tmp_path]
    assert is_bad(check, str(tmp_path), "Permission denied", "Jupyter")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_home_that_cannot_be_written_is_named(monkeypatch):
    monkeypatch.setenv("HOME", "/proc")
    check = checks.check_folders()
    assert is_bad(check, "/proc cannot be written") and check.mend.startswith("export HOME=")
    assert machine.why_not_writable(Path("/proc/nowhere/deeper")) is not None


def test_no_folder_for_temporary_files(monkeypatch):
    def no_folder():
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(checks.tempfile, "gettempdir", no_folder)
    assert is_bad(checks.check_folders(), "temporary files")


def test_packages_are_all_here():
    assert is_good(checks.check_packages(version_of=versions()))


def test_a_package_is_missing():
    check = checks.check_packages(version_of=versions(numpy=None, tqdm=None))
    assert is_bad(check, "missing: numpy, tqdm")
    assert " -m pip install " in check.mend and check.mend.endswith(" -r requirements.txt")


def test_linux_without_torch_gets_the_small_build(monkeypatch):
    for system, told in [("Linux", True), ("Darwin", False)]:
        monkeypatch.setattr(commands, "SYSTEM", system)
        monkeypatch.setattr(commands, "in_environment", lambda: True)
        mend = checks.check_packages(version_of=versions(torch=None)).mend
        assert ("--torch-backend cpu" in mend) == told and mend.endswith(" -r requirements.txt")


def test_imports():
    assert is_good(checks.check_imports())


def broken(tmp_path, monkeypatch, name, code):
    """What the check of the imports says when a package of that name stands in the way and runs that code."""
    (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return checks.check_imports()


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("numpy", "raise ImportError('libblas.so: cannot open')", "ImportError: libblas.so: cannot open"),
        ("numpy", "def ones(shape): raise ValueError('no\\nway')", "ValueError: no"),
        ("torch", "import os; os.kill(os.getpid(), 11)", "SIGSEGV"),
        ("torch", "raise SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_a_broken_package_is_named(tmp_path, monkeypatch, name, code, words):
    if "SIG" in words and os.name == "nt":
        pytest.skip("no signals there")
    check = broken(tmp_path, monkeypatch, name, code)
    assert is_bad(check, f"`import {name}` fails", words)
    assert f"{name}=={versions()(name)}" in check.mend and "reinstall" in check.mend


@pytest.mark.skipif(os.name == "nt", reason="no signals there")
def test_a_package_that_is_killed_wants_memory(tmp_path, monkeypatch):
    check = broken(tmp_path, monkeypatch, "torch", "import os; os.kill(os.getpid(), 9)")
    assert is_bad(check, "`import torch` fails", "memory") and check.mend == checks.CLOSE_OTHERS


def test_imports_that_do_not_begin():
    check = checks.check_imports(lambda code, *names, timeout: (False, "no answer within 300 seconds"))
    assert is_bad(check, "no answer within 300 seconds")


def test_a_package_is_of_another_version():
    check = checks.check_packages(version_of=versions(numpy="1.26.4"))
    assert is_bad(check, f"numpy is 1.26.4, not {versions()('numpy')}")
    assert "missing" not in check.sentence


@pytest.mark.parametrize(
    ("here", "wanted", "oldest", "will_do"),
    [
        ("2.13.0+cpu", "2.13.0", None, True),
        ("2.13.9", "2.13.0", None, True),
        ("2.12.1", "2.13.0", None, False),
        ("2.12.1", "2.13.0", "2.12", True),
        ("2.11.0", "2.13.0", "2.12", False),
        ("2.14.0", "2.13.0", "2.12", False),
        ("2.2.0", "2.13.0", None, False),
        ("3.13.0", "2.13.0", None, False),
    ],
)
def test_fits(here, wanted, oldest, will_do):
    assert commands.fits(here, wanted, oldest) == will_do


def test_binder_may_bring_an_older_torch():
    oldest = commands.OLDEST_VERSIONS["torch"]
    assert is_good(checks.check_packages(version_of=versions(torch=f"{oldest}.1")))
    assert is_bad(checks.check_packages(version_of=versions(torch="1.13.1")), "torch is 1.13.1")


def test_the_list_of_packages_is_missing(tmp_path):
    check = checks.check_packages(root=tmp_path)
    assert is_bad(check, str(tmp_path / "requirements.txt"))
    assert "requirements.txt" in check.mend


def test_test_packages_are_read_from_their_own_file():
    check = checks.check_packages("tests/requirements.txt", version_of=lambda name: None)
    assert is_bad(check, "pytest", "hypothesis") and "numpy" not in check.sentence
    assert check.mend.endswith("-r tests/requirements.txt")


def test_course_is_installed():
    assert is_good(checks.check_course())


def test_course_is_not_installed():
    check = checks.check_course(run=lambda code: (False, "ModuleNotFoundError: No module named 'utils'"))
    assert is_bad(check, "No module named 'utils'")
    assert check.mend.endswith(" -m pip install --no-deps -e .")


def test_another_course_stands_in_the_way(tmp_path):
    check = checks.check_course(run=lambda code: (True, str(tmp_path / "utils" / "__init__.py")))
    assert is_bad(check, str(tmp_path / "utils"))


def test_kernel_starts():
    assert is_good(checks.check_kernel())


def test_kernel_is_not_installed():
    check = checks.check_kernel(version_of=versions(ipykernel=None))
    assert is_bad(check, "ipykernel") and check.mend.endswith("-r requirements.txt")


def test_kernel_does_not_start():
    check = checks.check_kernel(run=lambda code: (False, "NoSuchKernel: No such kernel named python3"))
    assert is_bad(check, "does not start", "No such kernel named python3")
    assert check.mend.endswith(" -m ipykernel install --sys-prefix --name python3")


def test_kernel_of_another_python():
    assert is_bad(checks.check_kernel(run=lambda code: (True, "/elsewhere")), "another Python", "/elsewhere")


def test_memory():
    assert is_good(checks.check_memory(lambda: (8 * GB, 1 * GB)))
    assert is_bad(checks.check_memory(lambda: (8 * GB, GB // 2)), "0.5 GB of 8.0 GB", "about 1 GB")


def test_memory_is_read_with_psutil_and_without(monkeypatch):
    total, available = machine.read_memory()
    assert 0 < available <= total <= psutil.virtual_memory().total
    monkeypatch.setitem(sys.modules, "psutil", None)
    if hasattr(os, "sysconf"):
        assert machine.read_memory()[0] == pytest.approx(total, rel=0.01)


def test_memory_and_processors_of_a_container(tmp_path, monkeypatch):
    nowhere = tmp_path / "no list of groups"
    assert machine.container_memory(tmp_path, nowhere) is None
    (tmp_path / "memory.max").write_text(f"{2 * GB}\n")
    (tmp_path / "memory.current").write_text(f"{GB}\n")
    (tmp_path / "memory.stat").write_text(f"anon {GB // 2}\ninactive_file {GB // 4}\n")
    assert machine.container_memory(tmp_path, nowhere) == (2 * GB, GB - GB // 4)
    monkeypatch.setattr(machine, "container_memory", lambda: (1000, 300))
    assert machine.read_memory() == (1000, 700)

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    assert machine.read_processors(tmp_path, nowhere) == (16, 16)
    for setting, usable in [("max 100000", 16), ("150000 100000", 2), ("100000 100000", 1)]:
        (tmp_path / "cpu.max").write_text(f"{setting}\n")
        assert machine.read_processors(tmp_path, nowhere) == (16, usable)


@pytest.mark.parametrize("version", [1, 2])
def test_the_tightest_group_around_the_process_counts(tmp_path, version):
    """A service of the user inside a slice; the list of its own groups says where."""
    own = tmp_path / "own"
    own.write_text({1: "4:memory:/slice/service\n2:cpu,cpuacct:/slice\n", 2: "0::/slice/service\n"}[version])
    names = {1: ("memory.limit_in_bytes", "memory.usage_in_bytes"), 2: ("memory.max", "memory.current")}[
        version
    ]
    base = tmp_path / "memory" if version == 1 else tmp_path
    for folder, limit, used in [
        (base, 1 << 62, 0),
        (base / "slice", 3 * GB, GB),
        (base / "slice/service", 8 * GB, 0),
    ]:
        folder.mkdir(exist_ok=True)
        for name, number in zip(names, (limit, used)):
            (folder / name).write_text(f"{number}\n")
    assert machine.container_memory(tmp_path, own) == (3 * GB, GB)


def test_disk():
    assert is_good(checks.check_disk(1 * GB, versions()))
    assert is_bad(checks.check_disk(GB // 10, versions()), "0.1 GB are free", "0.25 GB")
    assert is_bad(checks.check_disk(1 * GB, versions(torch=None)), "1.0 GB are free", "3 GB")


def threads(processors, asked="1", **environment):
    return checks.check_threads(lambda: processors, lambda: environment, lambda code: (True, asked))


def test_threads():
    assert is_good(threads((4, 4))) and "as the course sets it" in threads((4, 4)).sentence
    check = threads((4, 4), "2", OMP_NUM_THREADS="2")
    assert is_good(check) and "2 a kernel, as OMP_NUM_THREADS says, on 4 processors" in check.sentence
    check = threads((16, 1), "16", OPENBLAS_NUM_THREADS="16")
    assert is_bad(check, "16 a kernel", "1 processor:") and check.mend.endswith("OPENBLAS_NUM_THREADS")
    assert is_bad(threads((2, 2), "2", OMP_NUM_THREADS="9"), "9 a kernel"), "torch takes what BLAS cuts"
    assert is_bad(threads((16, 1), "16"), "16 a kernel"), "the course is not what is imported"
    for nonsense in ("0", "many", "-1"):
        assert is_bad(threads((4, 4), MKL_NUM_THREADS=nonsense), repr(nonsense), "MKL_NUM_THREADS")
    unknown = checks.check_threads(lambda: (4, 4), dict, lambda code: (False, "ImportError"))
    assert unknown.ok and "not known" in unknown.sentence


def test_threads_are_those_of_a_readers_kernel(monkeypatch):
    for name in checks.VARIABLES:
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr(machine.sys.modules["utils.threads"], "SET", list(checks.VARIABLES))
    assert not set(checks.VARIABLES) & machine.readers_environment().keys(), "set by import utils"
    check = checks.check_threads(read=lambda: (4, 4))
    assert is_good(check) and check.sentence.startswith("1 a kernel, as the course sets it")
    monkeypatch.setattr(machine.sys.modules["utils.threads"], "SET", [])
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert is_bad(checks.check_threads(), "many")


@pytest.mark.parametrize(
    ("system", "tool"), [("Linux", "apt-get"), ("Darwin", "brew"), ("Windows", "winget")]
)
def test_browser(system, tool, monkeypatch):
    monkeypatch.delenv("CHROMIUM", raising=False)
    python, no_start = (lambda: sys.executable), (lambda command: False)
    assert is_good(checks.check_browser(python, system))
    check = checks.check_browser(lambda: None, system)
    assert is_bad(check, "No Chromium") and tool in check.mend
    check = checks.check_browser(python, system, no_start)
    assert check.ok if system == "Windows" else is_bad(check, "does not start") and tool in check.mend


def test_a_wrong_browser_is_told_with_and_without_tests(tmp_path, monkeypatch):
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "nowhere"))
    assert is_bad(checks.check_browser(), "CHROMIUM names", "is no program")
    monkeypatch.setenv("CHROMIUM", sys.executable)
    assert is_good(checks.check_browser())
    assert is_bad(checks.check_browser(can_start=lambda command: False), "does not start")
    for kind in ("FIRST_CHECKS", "CHECKS", "TEST_CHECKS"):
        monkeypatch.setattr(report, kind, ())
    assert [finding.name for finding in report.diagnose()] == ["browser"]
    monkeypatch.delenv("CHROMIUM")
    assert report.diagnose() == []


def test_browser_is_the_one_that_the_tests_drive(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    assert commands.find_chromium() is None
    monkeypatch.setenv("CHROMIUM", "my-browser")
    assert commands.find_chromium() == "my-browser"


def test_a_command_runs_elsewhere_and_its_last_line_comes_back():
    assert machine.run_python("print('one'); print('two\\n')") == (True, "two")
    assert machine.run_python("raise ValueError('no good')") == (False, "ValueError: no good")
    assert machine.run_python("import os; print(os.listdir())") == (True, "[]")
    assert machine.run_python("import time; time.sleep(9)", timeout=0.5)[0] is False
    assert machine.run_python("import sys; print(sys.argv[1:])", "a b", "c") == (True, "['a b', 'c']")


def test_commands_name_the_python_that_runs(monkeypatch, tmp_path):
    monkeypatch.setattr(commands, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    assert commands.python_m("pip list") == f"{commands.venv_python()} -m pip list"
    monkeypatch.setattr(sys, "executable", str(tmp_path / "my tools" / "python"))
    assert f'"{tmp_path / "my tools" / "python"}" -m pip list' in commands.python_m("pip list")


# --- the report


def check_that_raises():
    raise RuntimeError("a long story\nand its end")


def test_a_check_that_raises_becomes_a_sentence():
    check = report.examine(check_that_raises)
    assert is_bad(check, "RuntimeError: and its end") and "\n" not in check.sentence
    assert check.name == "that_raises"


def good():
    return Check("good", True, "fine")


def bad():
    return Check("bad", False, "Not fine.", "mend it")


@pytest.mark.parametrize(
    ("first", "others", "tests", "code", "seen"),
    [
        ((good,), (good,), (bad,), 0, ["good", "good"]),
        ((good,), (bad, good), (), 1, ["good", "bad", "good"]),
        ((bad, good), (good,), (), 1, ["bad"]),
        ((good, check_that_raises), (good,), (), 1, ["good", "that_raises"]),
        ((good,), (check_that_raises,), (), 1, ["good", "that_raises"]),
    ],
)
def test_exit_code_and_order(monkeypatch, capsys, first, others, tests, code, seen):
    monkeypatch.setattr(report, "FIRST_CHECKS", first)
    monkeypatch.setattr(report, "CHECKS", others)
    monkeypatch.setattr(report, "TEST_CHECKS", tests)
    assert report.main([]) == code
    output = capsys.readouterr().out
    assert "Traceback" not in output and ("Not ready" in output) == bool(code)
    assert [check.name for check in report.diagnose()] == seen
    assert len(report.diagnose(tests=True)) == len(seen) + (len(tests) if first == (good,) else 0)


def test_the_report_shows_how_to_mend_what_is_bad_only():
    text = report.report([Check("a", True, "fine", "unused"), bad()])
    assert "unused" not in text and "-> mend it" in text and "1 to mend" in text
    assert report.report([good()]).endswith("\nReady.")


def test_stopping_it_shows_no_traceback(monkeypatch, capsys):
    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr(report, "FIRST_CHECKS", (stop,))
    assert report.main([]) == 1
    assert "Stopped" in capsys.readouterr().out


def test_on_a_python_with_nothing_installed():
    """-S hides all installed packages; in an environment without torch the doctor points to the right one."""
    done = subprocess.run(
        [sys.executable, "-S", "-m", "utils.doctor", "--tests"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1 and done.stderr == "" and "Traceback" not in done.stdout
    assert "MEND" in done.stdout and "Not ready" in done.stdout


def test_every_check_survives_a_python_with_nothing_installed():
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from utils.doctor import __main__ as r, checks\n"
        "print(r.report([r.examine(c) for c in checks.FIRST_CHECKS[2:] + checks.CHECKS + checks.TEST_CHECKS]))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stderr == ""
    for words in ("missing: numpy", "missing: pytest", "without nbclient and ipykernel", "Not ready"):
        assert words in done.stdout
    assert "could not be checked" not in done.stdout


def test_on_this_machine():
    done = subprocess.run(
        [sys.executable, "-m", "utils.doctor"], cwd=ROOT, capture_output=True, text=True, timeout=180
    )
    assert done.stderr == "" and "Traceback" not in done.stdout
    assert done.stdout.rstrip().endswith("Ready.") == (done.returncode == 0)
    names = ["Python", "environment", "disk", "packages", "imports", "course", "kernel", "memory", "threads"]
    for name in ["memory limit", "folders", *names]:
        assert f"  {name} " in done.stdout


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_an_old_python_can_read_the_file(file):
    """So that it prints a sentence: the syntax is Python 3.7's, and no third-party module is imported outright."""
    tree = ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 7))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {
        alias.name.partition(".")[0] for node in top if isinstance(node, ast.Import) for alias in node.names
    }
    names |= {node.module.split(".")[0] for node in top if isinstance(node, ast.ImportFrom)}
    assert names <= sys.stdlib_module_names | {"utils"}
