"""What a case says: the cards of the case itself, of a probe, of an accusation."""

from utils.exercises.cards import Block, Card
from utils.exercises.detective.levels import level_for
from utils.exercises.detective.showing import side_by_side, titled
from utils.exercises.wording import codes, count, sentence

CLOSED = Card("The case is closed.", ("`detective.new()` opens the next one.",), "todo")


def of_case(case):
    """The operation, its inputs, the suspects, and what one may do."""
    arrays = [(titled(name, array), array) for name, array in (case.inputs | {"value": case.value}).items()]
    listed = "\n".join(f"{letter}  {name}" for letter, name in case.suspects.items())
    place = ", ".join("0" * case.value.ndim)
    ways = f"`case.ones`, `case.unit({place})`, `case.random()`" if place else "1.0, 2.0"
    operation = case.operation
    return Card(
        f"Case {case.seed}, level {operation.level}: {operation.name}. {operation.formula}.",
        (
            Block(operation.forward),
            Block(side_by_side(arrays)),
            "Somebody has changed one place in the pullback. Which of the suspects was it?",
            Block(listed),
            f"{count(case.left, 'probe')} left. `case.probe(dy)` shows what comes back for an upstream gradient dy: "
            f"{ways} or your own. `case.measure(dy)` shows what should, for the price of a probe. Then `case.accuse(...)` one of them.",
        ),
    )


def of_no_probe(why):
    return Card("That was no probe, and cost nothing.", (sentence(why),), "todo")


def of_probe(head, used, allowed, shown):
    """What came back, and how many probes are left."""
    left = allowed - used
    rest = f"{count(left, 'probe')} left." if left else "No probes left: accuse somebody."
    return Card(f"{head}, probe {used} of {allowed}. {rest}", (Block(shown),))


def of_nobody(suspects):
    return Card("Nobody was accused.", (f"Expected one of {codes(list(suspects))}.",), "todo")


def of_accusation(case, right, clue, before, streak):
    """Who it was, the line that was wrong, what spoke against the one accused, and the count of cases."""
    culprit = case.culprit
    found = f"suspect {case.letter_of(culprit.name)}, {culprit.name}"
    wrong_line, right_line = case.operation.lines(culprit)
    lines = Block(f"the line was  {wrong_line}\nit should be  {right_line}")
    row = case.report().wrong[0]
    verdict = sentence(f"`crosscheck` says: {row.name} {row.verdict}")
    spoke = (f"{clue[0]}: with that bug this would have come back.", Block(clue[1])) if clue else ()
    head = f"Right: {found}." if right else f"It was somebody else: {found}."
    body = (culprit.why, lines, verdict, *spoke, words_for_streak(streak, before))
    return Card(head, body, "right" if right else "wrong")


def words_for_streak(streak, before):
    level = level_for(streak)
    up = f" Level {level} begins." if level > before else ""
    row = f"{count(streak, 'case')} in a row.{up}" if streak else "The count of cases in a row starts anew."
    return f"{row} `detective.new()` opens the next one."
