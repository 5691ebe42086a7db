"""Each check of the doctor, fed a machine that lacks what it looks for; and the report, which is never a traceback."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from utils import doctor
from utils.doctor import GB, Check

DOCTOR = Path(doctor.__file__)


def versions(**changed):
    """What stands in for `installed_version`: everything pinned is here, but for the changes (None: missing)."""
    pinned = doctor.pinned(doctor.ROOT / "requirements.txt") | {"ipykernel": "7.4.0"} | changed
    return pinned.get


def is_good(check):
    return check.ok and check.sentence and not check.mend


def is_bad(check, *words):
    """A finding that is bad, says why in words that a person can use, and how to mend it."""
    return not check.ok and check.mend and all(word in check.sentence for word in words)


# --- the checks


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 14, 2), (4, 0, 0)])
def test_python_is_new_enough(version):
    assert is_good(doctor.check_python(version))


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 9, 0), (2, 7, 18)])
def test_python_is_too_old(version):
    check = doctor.check_python(version)
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
    mend = doctor.check_python((3, 8, 0), system).mend
    assert tool in mend and f" {python} -m pip install -r requirements.txt" in mend
    assert ("&&" in mend) == (system != "Windows"), "PowerShell 5 knows no &&"


def test_environment(tmp_path):
    def check(inside, torch, prefix="/elsewhere"):
        return doctor.check_environment(lambda: inside, versions(torch=torch), tmp_path, prefix)

    venv = tmp_path / ".venv"
    assert is_good(check(inside=True, torch=None)), "an empty environment: the packages are another check's"
    assert is_good(check(inside=False, torch="2.13.0")), "a container may have no environment"
    assert is_bad(check(inside=False, torch=None), "system's Python")
    assert "venv .venv" in check(inside=False, torch=None).mend
    venv.mkdir()
    for inside in (True, False):
        assert is_bad(check(inside, torch=None), "/elsewhere", ".venv")
        assert check(inside, torch=None).mend == f"{doctor.venv_python()} -m utils.doctor"
    assert is_good(check(inside=True, torch=None, prefix=str(venv)))


def test_packages_are_all_here():
    assert is_good(doctor.check_packages(version_of=versions()))


def test_a_package_is_missing():
    check = doctor.check_packages(version_of=versions(numpy=None, tqdm=None))
    assert is_bad(check, "missing: numpy, tqdm")
    assert check.mend.endswith(" -m pip install -r requirements.txt")


def test_linux_without_torch_hears_of_the_small_build(monkeypatch):
    for system, told in [("Linux", True), ("Darwin", False)]:
        monkeypatch.setattr(doctor, "SYSTEM", system)
        sentence = doctor.check_packages(version_of=versions(torch=None)).sentence
        assert ("README" in sentence) == told


def test_a_package_is_of_another_version():
    check = doctor.check_packages(version_of=versions(numpy="1.26.4"))
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
    assert doctor.fits(here, wanted, oldest) == will_do


def test_binder_may_bring_an_older_torch():
    oldest = doctor.OLDEST_VERSIONS["torch"]
    assert is_good(doctor.check_packages(version_of=versions(torch=f"{oldest}.1")))
    assert is_bad(doctor.check_packages(version_of=versions(torch="1.13.1")), "torch is 1.13.1")


def test_the_list_of_packages_is_missing(tmp_path):
    check = doctor.check_packages(root=tmp_path)
    assert is_bad(check, str(tmp_path / "requirements.txt"))
    assert "requirements.txt" in check.mend


def test_test_packages_are_read_from_their_own_file():
    check = doctor.check_packages("tests/requirements.txt", version_of=lambda name: None)
    assert is_bad(check, "pytest", "hypothesis") and "numpy" not in check.sentence
    assert check.mend.endswith("-r tests/requirements.txt")


def test_course_is_installed():
    assert is_good(doctor.check_course())


def test_course_is_not_installed():
    check = doctor.check_course(run=lambda code: (False, "ModuleNotFoundError: No module named 'utils'"))
    assert is_bad(check, "No module named 'utils'")
    assert check.mend.endswith(" -m pip install --no-deps -e .")


def test_another_course_stands_in_the_way(tmp_path):
    check = doctor.check_course(run=lambda code: (True, str(tmp_path / "utils" / "__init__.py")))
    assert is_bad(check, str(tmp_path / "utils"))


def test_kernel_starts():
    assert is_good(doctor.check_kernel())


def test_kernel_is_not_installed():
    check = doctor.check_kernel(version_of=versions(ipykernel=None))
    assert is_bad(check, "ipykernel") and check.mend.endswith("-r requirements.txt")


def test_kernel_does_not_start():
    check = doctor.check_kernel(run=lambda code: (False, "NoSuchKernel: No such kernel named python3"))
    assert is_bad(check, "does not start", "No such kernel named python3")
    assert check.mend.endswith(" -m ipykernel install --sys-prefix --name python3")


def test_kernel_of_another_python():
    assert is_bad(doctor.check_kernel(run=lambda code: (True, "/elsewhere")), "another Python", "/elsewhere")


def test_memory():
    assert is_good(doctor.check_memory(lambda: (8 * GB, 1 * GB)))
    assert is_bad(doctor.check_memory(lambda: (8 * GB, GB // 2)), "0.5 GB of 8.0 GB", "about 1 GB")


def test_memory_is_read_with_psutil_and_without(monkeypatch):
    total, available = doctor.read_memory()
    assert 0 < available <= total <= psutil.virtual_memory().total
    monkeypatch.setitem(sys.modules, "psutil", None)
    if hasattr(os, "sysconf"):
        assert doctor.read_memory()[0] == pytest.approx(total, rel=0.01)


def test_memory_and_processors_of_a_container(tmp_path, monkeypatch):
    assert doctor.container_memory(tmp_path) is None
    (tmp_path / "memory.max").write_text(f"{2 * GB}\n")
    (tmp_path / "memory.current").write_text(f"{GB}\n")
    (tmp_path / "memory.stat").write_text(f"anon {GB // 2}\ninactive_file {GB // 4}\n")
    assert doctor.container_memory(tmp_path) == (2 * GB, GB - GB // 4)
    monkeypatch.setattr(doctor, "container_memory", lambda: (1000, 300))
    assert doctor.read_memory() == (1000, 700)

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    assert doctor.read_processors(tmp_path) == (16, 16)
    for setting, usable in [("max 100000", 16), ("150000 100000", 2), ("100000 100000", 1)]:
        (tmp_path / "cpu.max").write_text(f"{setting}\n")
        assert doctor.read_processors(tmp_path) == (16, usable)


def test_disk():
    assert is_good(doctor.check_disk(1 * GB, versions()))
    assert is_bad(doctor.check_disk(GB // 10, versions()), "0.1 GB are free", "0.25 GB")
    assert is_bad(doctor.check_disk(1 * GB, versions(torch=None)), "1.0 GB are free", "3 GB")


def test_threads():
    assert is_good(doctor.check_threads(lambda: (4, 4), setting=""))
    assert is_good(doctor.check_threads(lambda: (16, 1), setting="1"))
    assert is_bad(doctor.check_threads(lambda: (16, 1), setting=""), "16 threads", "1 processor")
    assert (
        doctor.check_threads(lambda: (16, 2), setting="").mend.replace('"', "").endswith("OMP_NUM_THREADS=2")
    )
    for nonsense in ("0", "many", "-1"):
        assert is_bad(doctor.check_threads(lambda: (4, 4), setting=nonsense), repr(nonsense))


def test_threads_are_read_from_the_environment(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert is_bad(doctor.check_threads(), "many")


@pytest.mark.parametrize(
    ("system", "tool"), [("Linux", "apt-get"), ("Darwin", "brew"), ("Windows", "winget")]
)
def test_browser(system, tool):
    assert is_good(doctor.check_browser(lambda: "chromium"))
    check = doctor.check_browser(lambda: None, system)
    assert is_bad(check, "No Chromium") and tool in check.mend


def test_browser_is_the_one_that_the_tests_drive(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    assert doctor.find_chromium() is None
    monkeypatch.setenv("CHROMIUM", "my-browser")
    assert doctor.find_chromium() == "my-browser"


def test_a_command_runs_elsewhere_and_its_last_line_comes_back():
    assert doctor.run_python("print('one'); print('two\\n')") == (True, "two")
    assert doctor.run_python("raise ValueError('no good')") == (False, "ValueError: no good")
    assert doctor.run_python("import os; print(os.listdir())") == (True, "[]")
    assert doctor.run_python("import time; time.sleep(9)", timeout=0.5)[0] is False


def test_commands_name_the_python_that_runs(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    assert doctor.python_m("pip list") == f"{doctor.venv_python()} -m pip list"
    monkeypatch.setattr(sys, "executable", str(tmp_path / "my tools" / "python"))
    assert f'"{tmp_path / "my tools" / "python"}" -m pip list' in doctor.python_m("pip list")


# --- the report


def check_that_raises():
    raise RuntimeError("a long story\nand its end")


def test_a_check_that_raises_becomes_a_sentence():
    check = doctor.examine(check_that_raises)
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
    monkeypatch.setattr(doctor, "FIRST_CHECKS", first)
    monkeypatch.setattr(doctor, "CHECKS", others)
    monkeypatch.setattr(doctor, "TEST_CHECKS", tests)
    assert doctor.main([]) == code
    output = capsys.readouterr().out
    assert "Traceback" not in output and ("Not ready" in output) == bool(code)
    assert [check.name for check in doctor.diagnose()] == seen
    assert len(doctor.diagnose(tests=True)) == len(seen) + (len(tests) if first == (good,) else 0)


def test_the_report_shows_how_to_mend_what_is_bad_only():
    text = doctor.report([Check("a", True, "fine", "unused"), bad()])
    assert "unused" not in text and "-> mend it" in text and "1 to mend" in text
    assert doctor.report([good()]).endswith("\nReady.")


def test_stopping_it_shows_no_traceback(monkeypatch, capsys):
    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "FIRST_CHECKS", (stop,))
    assert doctor.main([]) == 1
    assert "Stopped" in capsys.readouterr().out


def test_on_a_python_with_nothing_installed(tmp_path):
    """-S and -I hide all installed packages; in an environment without torch the doctor points to the right one."""
    done = subprocess.run(
        [sys.executable, "-S", "-I", DOCTOR, "--tests"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1 and done.stderr == "" and "Traceback" not in done.stdout
    assert "MEND" in done.stdout and "Not ready" in done.stdout


def test_every_check_survives_a_python_with_nothing_installed():
    code = (
        f"import sys; sys.path.insert(0, {str(DOCTOR.parent)!r}); import doctor\n"
        "print(doctor.report([doctor.examine(c) for c in doctor.CHECKS + doctor.TEST_CHECKS]))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stderr == ""
    for words in ("missing: numpy", "missing: pytest", "without nbclient and ipykernel", "Not ready"):
        assert words in done.stdout
    assert "could not be checked" not in done.stdout


def test_on_this_machine():
    done = subprocess.run(
        [sys.executable, "-m", "utils.doctor"], cwd=doctor.ROOT, capture_output=True, text=True, timeout=180
    )
    assert done.stderr == "" and "Traceback" not in done.stdout
    assert done.stdout.rstrip().endswith("Ready.") == (done.returncode == 0)
    for name in ("Python", "environment", "disk", "packages", "course", "kernel", "memory", "threads"):
        assert f"  {name} " in done.stdout


def test_an_old_python_can_read_the_file():
    """So that it prints a sentence: the syntax is Python 3.7's, and no third-party module is imported outright."""
    tree = ast.parse(DOCTOR.read_text(encoding="utf-8"), feature_version=(3, 7))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in top if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module.split(".")[0] for node in top if isinstance(node, ast.ImportFrom)}
    assert names <= sys.stdlib_module_names
