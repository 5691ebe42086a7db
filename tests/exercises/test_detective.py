"""The gradient detective: honest operations, bugs that crosscheck rejects, cases that three probes solve."""

from dataclasses import replace

import numpy as np
import pytest

from utils.crosscheck import crosscheck
from utils.exercises import detective, progress
from utils.exercises.detective.board import Board
from utils.exercises.detective.levels import level_for
from utils.exercises.detective.opening import LEVELS, OPERATIONS, is_solvable, open_case
from utils.exercises.detective.showing import cells, side_by_side
from utils.exercises.detective.suspects import Suspect

BUGS = [(operation, suspect) for operation in OPERATIONS for suspect in operation.suspects]
BUG_IDS = [f"{operation.name}: {suspect.name}" for operation, suspect in BUGS]
rng = np.random.default_rng


def report(operation, function, inputs):
    return crosscheck(function, operation.theirs, *inputs, names=list(operation.inputs), raises=False)


def case_of(name, culprit=None, seed=0):
    operation = next(operation for operation in OPERATIONS if operation.name == name)
    return open_case(operation, rng(seed), seed, operation.suspect(culprit) if culprit else None)


# ---- operations and bugs


def test_there_is_enough_to_do():
    assert LEVELS == [1, 2, 3, 4]
    assert all(sum(operation.level == level for operation in OPERATIONS) >= 6 for level in LEVELS)
    assert all(len(operation.suspects) >= 5 for operation in OPERATIONS)
    assert len(BUGS) >= 140
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_the_right_operation_passes_crosscheck(operation):
    for seed in range(3):
        found = report(operation, operation.function, operation.draw(rng(seed)))
        assert found.ok, f"\n{found}"


@pytest.mark.parametrize("operation, suspect", BUGS, ids=BUG_IDS)
def test_every_bug_is_rejected_and_leaves_the_value_alone(operation, suspect):
    found = report(operation, operation.tampered(suspect), operation.draw(rng(0)))
    assert not found.ok
    assert all(row.ok for row in found.rows if row.name.startswith("output"))
    assert all(row.diagnosis.kind != "second call" for row in found.wrong)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_suspect_is_told_apart_by_three_probes(operation):
    """An automatic detective, who knows the forward code and the list of suspects, is always right."""
    for seed in range(3):
        expected = None
        for suspect in operation.suspects:
            case = open_case(operation, rng(seed), seed, suspect)
            seen = [case.probe(dy).blocks[0] for _, dy in case.standard_probes()]
            # the inputs depend on the seed alone, so what each suspect would answer is worked out once
            expected = expected or {name: answers(case, name) for name in case.suspects.values()}
            assert [name for name in expected if expected[name] == seen] == [suspect.name]
            assert case.left == 0


def answers(case, name):
    """What the standard probes would show if that bug had been committed."""
    pullback = case.answer_of(case.operation.tampered(case.operation.suspect(name)))
    return [case.table(dy, {}, pullback, "came back") for _, dy in case.standard_probes()]


def test_ones_alone_do_not_suffice():
    """Otherwise there would be nothing to learn: what looks right for ones is not right."""
    case = case_of("softmax", "the path through the total is a plain mean")
    right = case.table(case.ones, {}, case.answer_of(case.operation.function), "")
    assert case.table(case.ones, {}, case.answer_of(case.tampered), "") == right


def test_suspects_that_cannot_be_told_apart_are_noticed():
    case = case_of("square")
    assert is_solvable(case)
    first = case.operation.suspects[0]
    case.operation = replace(
        case.operation, suspects=(*case.operation.suspects, replace(first, name="its twin"))
    )
    assert not is_solvable(case)


def test_a_suspect_that_would_change_nothing_is_noticed():
    case = case_of("square")
    innocent = Suspect("innocent", "dy * 2 * x", "2 * dy * x", "")
    case.operation = replace(case.operation, suspects=(*case.operation.suspects, innocent))
    assert not is_solvable(case)


def test_a_piece_that_is_not_there_once_is_refused():
    operation = case_of("square").operation
    for piece in ("x**3", "*"):
        with pytest.raises(ValueError, match="exactly once"):
            operation.tampered(Suspect("unclear", piece, "", ""))


def test_the_pullback_is_not_shown_before_the_accusation():
    for operation in OPERATIONS:
        body = [line.strip() for line in operation.split[1].splitlines() if line.strip()]
        assert not any(line in operation.forward.splitlines() for line in body)
        assert "def pullback" in operation.forward
        compile(operation.forward, "forward", "exec")
        case = open_case(operation, rng(0))
        assert case.operation.lines(case.culprit)[0] not in repr(case)


# ---- a case


def test_the_same_seed_is_the_same_case_and_another_is_another():
    assert repr(detective.new(seed=5, level=2)) == repr(detective.new(seed=5, level=2))
    assert len({repr(detective.new(seed=seed, level=2)) for seed in range(12)}) == 12
    assert detective.new(level=1).seed != detective.new(level=1).seed


@pytest.mark.parametrize(
    "given", [dict(level=0), dict(level=5), dict(level="1"), dict(seed=-1), dict(seed="x"), dict(seed=1.5)]
)
def test_wrong_seeds_and_levels(given):
    with pytest.raises(ValueError, match=f"{next(iter(given))} must be"):
        detective.new(**given)


def test_levels_grow_with_the_streak():
    assert [level_for(streak) for streak in (0, 2, 3, 6, 9, 100)] == [1, 1, 2, 3, 4, 4]
    for _ in range(3):
        progress.close_case(True)
    assert detective.new(seed=1).operation.level == 2
    progress.close_case(False)
    assert detective.new(seed=1).operation.level == 1


def test_a_probe_shows_what_the_tampered_pullback_returns():
    case = case_of("square", "the factor 2 is missing")
    card = case.probe([[1, 2, 3], [0, 0, -1.0]])
    x = case.inputs["x"]
    expected = {"came back: dx (2, 3)": np.array([[1, 2, 3], [0, 0, -1.0]]) * x}
    assert side_by_side(expected.items()).splitlines()[1].strip() in card.blocks[0]
    assert card.head == "What came back, probe 1 of 3. 2 probes left."


def test_other_inputs_may_be_sent():
    case = case_of("square", "the factor 2 is missing")
    card = case.probe(case.ones, x=10 * case.ones)
    assert (
        "with x (2, 3)" in card.blocks[0] and "10.000  10.000  10.000" in card.blocks[0].split("came back")[1]
    )
    assert case.probe(case.ones, **case.other).head.startswith("What came back")
    assert not np.array_equal(case.other["x"], case.inputs["x"])


def test_measuring_costs_a_probe_and_tells_the_truth():
    for operation in OPERATIONS:
        case = open_case(operation, rng(1))
        dy = case.random(3)
        measured = case.measure(dy).blocks[0]
        assert measured == case.table(
            np.asarray(dy, float), {}, case.answer_of(operation.function), "should be"
        )
        assert case.left == 2


def test_three_probes_and_no_more():
    case = detective.new(seed=1)
    cards = [case.probe(case.ones) for _ in range(4)]
    assert [case.left, cards[2].head, cards[3].head] == [
        0, "What came back, probe 3 of 3. No probes left: accuse somebody.", "That was no probe, and cost nothing.",
    ]  # fmt: skip


BAD = ["ones", None, ..., 1.0, [[1, 2], [3, 4]], np.ones((3, 2)), [[1, 2, 3], [1, 2]], [["a"] * 3] * 2, np.full((2, 3), np.nan),
       np.full((2, 3), 1e9), object(), np.tanh, {1: 2}, (i for i in range(6)), np.ones((2, 3)) * 1j, np.ones((2, 3), bool)]  # fmt: skip


@pytest.mark.parametrize("dy", BAD, ids=range(len(BAD)))
def test_a_bad_probe_gets_a_sentence_and_costs_nothing(dy):
    case = case_of("tanh")
    for ask in (case.probe, case.measure):
        card = ask(dy)
        assert card.head == "That was no probe, and cost nothing." and card.sentences[0].startswith("`dy`")
    assert case.left == 3


def test_other_things_that_do_not_fit():
    case = case_of("cross entropy")
    says = lambda *a, **k: case.probe(*a, **k).sentences[0]
    assert "here is no input `x`" in says(1.0, x=[1])
    assert "`target` stays as it is" in says(1.0, target=[0, 1])
    assert "`logits` has shape (2,)" in says(1.0, logits=[1.0, 2.0])
    assert "Only dy comes without a name" in says(1.0, np.ones((2, 3)))
    assert "`dy` is None" in says()
    assert case_of("reciprocal").probe(np.ones((2, 3)), x=np.zeros((2, 3))).sentences == [
        "Nothing finite comes of these inputs."
    ]
    assert case.left == 3


def test_upstream_gradients_that_fit():
    case = case_of("linear")
    assert (
        case.ones.shape == case.random().shape == (2, 3)
        and case.unit(1, 2)[1, 2] == case.unit(1, 2).sum() == 1
    )
    assert not np.array_equal(case.random(1), case.random(2))
    for place in [(0,), (2, 0), (0.5, 1), ("a", 0), ()]:
        with pytest.raises(ValueError, match="place must be an index for each axis"):
            case.unit(*place)
    assert case_of("mean square").random().shape == ()


def test_a_right_accusation_explains_and_counts():
    case = case_of("tanh", "the output is not squared")
    letter = case.letter_of("the output is not squared")
    card = case.accuse(letter)
    text = repr(card)
    assert text.startswith(f"Right: suspect {letter}, the output is not squared.")
    assert "the line was  return dy * (1 - y)" in text and "it should be  return dy * (1 - y**2)" in text
    assert "crosscheck says: gradient of x" in text and "is computed as 1 - y instead of 1 - y**2" in text
    assert "1 case in a row." in text
    assert case.closed and "closed" in repr(case.accuse("a")) and "closed" in repr(case.probe(case.ones))
    assert progress.streak() == 1


def test_a_wrong_accusation_says_what_spoke_against_it():
    case = case_of("tanh", "the output is not squared")
    progress.close_case(True)
    case.measure(case.ones)
    case.probe(case.random())
    wrong = case.letter_of("the sign is wrong")
    text = repr(case.accuse(wrong))
    assert text.startswith("It was somebody else: suspect ")
    assert f"Probe 2 spoke against {wrong}" in text and f"with {wrong}: dx" in text
    assert "starts anew" in text and progress.streak() == 0


def test_probes_that_could_not_tell_are_called_so():
    case = case_of("softmax", "the path through the total is a plain mean")
    other = case.letter_of("the total is taken over the columns")
    assert "Your probes could not tell; a unit vector would have spoken" in repr(case.accuse(other))


def test_an_accusation_of_nobody_costs_nothing():
    case = case_of("tanh")
    for nobody in ("z", "", None, 3, ["a"], ...):
        assert "Nobody was accused" in repr(case.accuse(nobody))
    assert not case.closed and progress.streak() == 0


def test_accusing_by_name_and_the_next_level():
    for _ in range(2):
        progress.close_case(True)
    case = case_of("tanh")
    assert "3 cases in a row. Level 2 begins." in repr(case.accuse(case.culprit.name.upper()))


def test_probing_changes_nothing():
    case = case_of("recurrence")
    before = {name: array.copy() for name, array in case.inputs.items()}
    dy = case.random()
    first, kept = case.probe(dy).blocks, dy.copy()
    assert case.probe(dy).blocks == first and np.array_equal(dy, kept)
    assert all(np.array_equal(before[name], case.inputs[name]) for name in before)


# ---- how arrays are shown


def test_arrays_as_text():
    assert cells(np.array([-0.0001, 2.0])).tolist() == ["0.000", "2.000"]
    assert cells(np.array([True, False])).tolist() == ["True", "False"]
    assert side_by_side([("x (2,)", np.array([1.0, -2.0])), ("y", np.array(3))]) == (
        "x (2,)            y\n 1.000  -2.000    3"
    )


def test_wide_tables_continue_below():
    wide = side_by_side([(f"array {k}", np.ones((2, 4))) for k in range(5)])
    assert max(map(len, wide.splitlines())) <= 96 and wide.count("\n\n") == 1


# ---- the board


def test_the_board_plays_a_case():
    board = detective.new(seed=1).board()
    assert isinstance(board, Board) and repr(board) == repr(board.case)
    size = board.case.value.size
    board.handle({"do": "probe", "dy": [1] * size})
    board.handle({"do": "measure", "dy": [0.5] * size, "other": True})
    assert [board.state["left"], len(board.state["log"])] == [1, 2]
    assert "with" in board.state["log"][1]["body"][0][1]
    board.handle({"do": "accuse", "letter": board.case.letter_of(board.case.culprit.name)})
    assert board.state["closed"] and board.state["log"][-1]["tone"] == "right"
    assert board.state["standing"] == "1 in a row, level 1"
    before = board.state["head"]
    board.handle({"do": "new"})
    assert board.state["head"] != before and board.state["log"] == [] and not board.state["closed"]


def test_messages_that_make_no_sense_change_nothing():
    board = case_of("tanh").board()
    before = dict(board.state)
    for message in (None, [], "probe", {}, {"do": "explode"}):
        board.handle(message)
    assert board.state == before
    for dy in (None, "text", [1, 2], [None] * 6, [["x"]], {}):
        board.handle({"do": "probe", "dy": dy})
    assert board.state["left"] == 3 and board.state["log"][0]["tone"] == "todo"


def test_the_board_has_text_and_html_for_pages_without_a_kernel():
    data, _ = case_of("tanh").board()._repr_mimebundle_()
    assert data["text/plain"].startswith("Case 0, level 1: tanh.") and "<pre" in data["text/html"]
