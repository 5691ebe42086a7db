"""measure: what is stored, that a stopped run goes on where it was, and that check refuses what is stale."""

import json

import pytest

from tests.notebooks.tiny_course import sentences
from utils import results
from utils.notebooks.__main__ import main
from utils.notebooks.measure import measure

RUNS = '''"""Long experiments of the little course."""

import pathlib

COUNT = pathlib.Path(__file__).with_name("count")
SEEDS = (0, 7)


def double(seed):
    COUNT.write_text(COUNT.read_text() + "d" if COUNT.exists() else "d")
    return {"value": 2 * seed}


def list_it(seed):
    return [seed, None]


EXPERIMENTS = {"double": double, "list": list_it}
'''
NAME = "utils/chapters/backprop/runs.py"
RESULTS = "utils/chapters/backprop/results.json"


@pytest.fixture
def runs(course):
    return course.write_file(NAME, RUNS)


def stored(course):
    return json.loads((course.root / RESULTS).read_text("utf-8"))


def test_results_and_what_is_needed_to_judge_them(course, runs):
    assert sentences(measure(course.root, "01")) == [f"{RESULTS}: written: 4 runs of 2 experiments"]
    found = stored(course)
    assert found["experiments"] == {
        "double": {"0": {"value": 0}, "7": {"value": 14}},
        "list": {"0": [0, None], "7": [7, None]},
    }
    assert found["seeds"] == {"double": [0, 7], "list": [0, 7]} and set(found["versions"]) == {
        "Python",
        "numpy",
        "torch",
    }
    assert len(found["sources"]) == 16 and found["processor"] and not list(runs.parent.glob("*.partial.json"))
    folder = course.root / "utils/chapters"
    assert results.results("backprop", folder)["double"] == {0: {"value": 0}, 7: {"value": 14}}
    assert results.caption("backprop", folder).startswith(f"Measured on {found['measured']} with Python ")
    assert course.problems() == []


def test_what_is_done_is_not_done_again(course, runs):
    broken = RUNS.replace("return [seed, None]", "raise KeyboardInterrupt")
    runs.write_text(broken)
    assert main(["--root", str(course.root), "measure", "backprop"]) == 130
    assert runs.with_name("count").read_text() == "dd" and not (course.root / RESULTS).exists()
    assert main(["--root", str(course.root), "measure", "backprop"]) == 130
    assert runs.with_name("count").read_text() == "dd", "the partial results were taken"
    runs.write_text(RUNS)
    assert main(["--root", str(course.root), "measure", "backprop"]) == 0
    assert runs.with_name("count").read_text() == "dddd", "other sources, so everything anew"


@pytest.mark.parametrize(
    "change, complaint",
    [
        (lambda course: (course.root / RESULTS).unlink(), "is missing"),
        (lambda course: (course.root / NAME).write_text(RUNS + "changed = 1\n"), "is stale: the sources"),
        (lambda course: (course.root / RESULTS).write_text("{"), "is damaged"),
        (lambda course: (course.root / RESULTS).write_text('{"experiments": []}'), "is damaged"),
        (
            lambda course: edit(course, experiments={"double": {"0": 1, "7": 1}}),
            "does not hold what runs.py names",
        ),
        (
            lambda course: edit(course, seeds={"double": [0, 7], "list": [0]}),
            "does not hold what runs.py names",
        ),
        (lambda course: edit(course, measured=""), "does not say when and on what it was measured"),
    ],
)
def test_check_refuses_what_is_not_of_today(course, runs, change, complaint):
    list(measure(course.root, "01"))
    change(course)
    (problem,) = course.problems()
    assert problem.startswith(f"{RESULTS}: {complaint}") and problem.endswith("utils.notebooks measure 01")


def test_each_experiment_may_have_seeds_of_its_own(course, runs):
    runs.write_text(RUNS.replace("(0, 7)", '{"double": range(2), "list": (3,)}'))
    assert sentences(measure(course.root, "01")) == [f"{RESULTS}: written: 3 runs of 2 experiments"]
    assert stored(course)["experiments"] == {
        "double": {"0": {"value": 0}, "1": {"value": 2}},
        "list": {"3": [3, None]},
    }
    assert "[ 3, null ]" in (course.root / RESULTS).read_text(), "a list of numbers stands on one line"
    assert course.problems() == []


def edit(course, **changed):
    (course.root / RESULTS).write_text(json.dumps(stored(course) | changed))


def test_runs_without_experiments_need_no_results(course):
    course.write_file(NAME, "def train():\n    pass\n")
    assert course.problems() == []
    (told,) = sentences(measure(course.root, "01"))
    assert told == f'{NAME}: has no EXPERIMENTS = {{"name": function}}'


@pytest.mark.parametrize(
    "old, new, complaint",
    [
        ("[seed, None]", "seed / 0", "list, seed 0, raised ZeroDivisionError: division by zero"),
        ("[seed, None]", "float('nan')", "list, seed 0, raised or gave what JSON cannot hold"),
        ("[seed, None]", "object()", "list, seed 0, raised or gave what JSON cannot hold"),
        ("import pathlib", "import nowhere_at_all", "cannot be imported (ModuleNotFoundError: No module"),
        ("(0, 7)", "(0, 'x')", "SEEDS must be whole numbers"),
        ("(0, 7)", '{"double": (0,)}', "SEEDS must name every experiment, and no other; it names double"),
        ('{"double": double, "list": list_it}', "{}", "has no EXPERIMENTS"),
        ('{"double": double, "list": list_it}', "3", "has no EXPERIMENTS"),
    ],
)
def test_what_cannot_be_measured_is_told(course, runs, old, new, complaint):
    runs.write_text(RUNS.replace(old, new))
    (told,) = measure(course.root, "01")
    assert told.refused and told.text.startswith(complaint) and not (course.root / RESULTS).exists()


def test_nothing_to_measure_and_nothing_measured(course):
    assert sentences(measure(course.root, "02")) == [
        "utils/chapters/activations/runs.py: does not exist, so there is nothing to measure"
    ]
    with pytest.raises(ValueError, match="'backprop' has no readable results"):
        results.results("backprop", course.root / "utils/chapters")
