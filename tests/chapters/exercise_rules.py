"""What must hold for every chapter's exercises and quizzes, as lists of complaints, empty when all is well."""

import re

import numpy as np

from tests.chapters.cells import last_bound, names_for, run
from utils.crosscheck.trees import fresh
from utils.exercises import Edit, Function, Values
from utils.exercises.cards import in_html
from utils.exercises.checkers.functions import is_numeric
from utils.exercises.checkers.values import equal
from utils.exercises.engine import examine
from utils.exercises.quizzes import as_html
from utils.notebooks.course import WHOLE_FROM

TAG = "exercise:"
ASKED = re.compile(r'\b(check|quiz|hint|solution)\(\s*"([^"]+)"')
ENOUGH_WRONG = 3
NUMBER = re.compile(r"(?<![\w.(-])-?\d+(?:\.\d+)?(?![\w)]|\.\d)")
FEWEST_WORDS = 2
NEAR = {"half of it": 0.5, "twice of it": 2, "the other sign": -1, "10 % more": 1.1, "10 % less": 0.9}


def answer_of(exercise, source, earlier=()):
    """The answer that a source gives: its parts by name, the value of its last line, or what that line binds."""
    names = names_for(source, earlier)
    value = run(source, names)
    if value is None and exercise.checker.parts:
        return {part: names[part] for part in exercise.checker.parts}
    return names[last_bound(source)] if value is None else value


def about_exercise(exercise, chapter, earlier=()):
    """Complaints about one exercise: its number, hints, solution, wrong answers."""
    who = exercise.number
    if not who.startswith(f"{chapter}."):
        yield f"{who}: the number does not belong to chapter {chapter}"
    if not exercise.hints:
        yield f"{who}: there is no hint"
    if not exercise.source:
        yield f"{who}: there is no solution"
        return
    solved = examine(exercise.checker, answer_of(exercise, exercise.source, earlier))
    if solved.status != "right":
        yield f"{who}: the solution is refused: {solved.message}"
    wrong = list(wrong_answers(exercise, earlier))
    if len(wrong) < ENOUGH_WRONG:
        yield f"{who}: {len(wrong)} typical wrong answers, expected at least {ENOUGH_WRONG}"
    for what, answer, says in wrong:
        if isinstance(answer, Exception):
            yield f"{who}: {what}: {answer}"
            continue
        outcome = examine(exercise.checker, answer)
        if outcome.status != "wrong" or not outcome.message:
            yield f"{who}: {what} is not refused with a message: {outcome}"
        elif says.lower().rstrip(".") not in outcome.message.lower():
            first = next(
                (
                    w
                    for w, _, s in wrong
                    if s and s != says and s.lower().rstrip(".") in outcome.message.lower()
                ),
                "",
            )
            same = f"; {first} gives the same answer: leave one out" if first else ""
            yield f"{who}: {what} should be told {says!r}; it is told {outcome.message!r}{same}"
    for what, answer in near_misses(exercise.checker):
        if examine(exercise.checker, answer).status == "right":
            yield f"{who}: {what} is taken for right; make rtol and atol smaller"
    for words in [*exercise.hints, *trap_words(exercise.checker)]:
        if len(words.split()) < FEWEST_WORDS:
            yield f"{who}: {words!r} is no help; say where to look"
    for words, value in replies(exercise.checker):
        if told := number_in(words, value, exercise.checker):
            yield f"{who}: the reply {words!r} gives the answer {told} away"


def near_misses(checker):
    """(description, answer) of numbers and functions near the right ones."""
    if isinstance(checker, Values):
        truth = checker.truth()
        for name, value in truth.items():
            for what, near in numbers_near(np.asarray(value)):
                yield f"{f'{name}, ' * bool(name)}{what}", truth | {name: near} if name else near
    elif isinstance(checker, Function):
        results = [checker.reference(*fresh(inputs)) for inputs in checker.tuples()]
        if all(map(is_numeric, results)) and any(np.any(result) for result in results):
            for what, factor in NEAR.items():
                yield what, lambda *inputs, factor=factor: np.asarray(checker.reference(*inputs)) * factor


def numbers_near(array):
    """(description, other numbers); nothing where these are all zero, or no numbers."""
    if array.dtype.kind in "iuf" and array.any():
        yield from ((what, array * factor) for what, factor in NEAR.items())
    if array.dtype.kind in "iu":
        yield "one more", array + 1


def replies(checker):
    """(what a trap is told, the number that is expected there), where one number is."""
    truth = checker.truth() if isinstance(checker, Values) else {}
    for name, value in truth.items():
        if not np.ndim(value) and np.asarray(value).dtype.kind in "iuf":
            traps = checker.traps.get(name, {}) if name else checker.traps
            yield from ((words, float(value)) for words in traps.values())


def number_in(words, value, checker):
    """How a text writes a number, None where it does not; a single digit may be anything."""
    told = [found for found in NUMBER.findall(words) if len(found.strip("-").replace(".", "")) > 1]
    same = (n for n in told if equal(np.asarray(float(n)), np.asarray(value), checker.rtol, checker.atol))
    return next(same, None)


def wrong_answers(exercise, earlier=()):
    """(description, answer or the error that making it raises, words that the message must hold)."""
    traps = trap_words(exercise.checker)
    for trap, words in zip(exercise.checker.trap_answers(), traps):
        yield f"the trap {trap!r}", trap, words
    for item in exercise.wrong:
        if not isinstance(item, Edit):
            yield f"the wrong answer {item!r}", item, ""
            continue
        what = f"the edit {item.old!r} -> {item.new!r}"
        if exercise.source.count(item.old) != 1:
            yield what, ValueError(f"{item.old!r} must be in the solution exactly once"), ""
            continue
        try:
            yield what, answer_of(exercise, exercise.source.replace(item.old, item.new), earlier), item.says
        except Exception as error:
            yield what, error, ""


def trap_words(checker):
    """The sentences of the traps, in the order of trap_answers()."""
    if checker.parts:
        return [w for traps in checker.traps.values() for key, w in traps.items() if not callable(key)]
    answers = checker.trap_answers()
    return [words for key, words in checker.traps.items() if not callable(key) or key in answers]


def about_quiz(item, chapter):
    """Complaints about one quiz."""
    if not item.number.startswith(f"{chapter}."):
        yield f"quiz {item.number}: the number does not belong to chapter {chapter}"
    if item.reply(item.right if item.choices else item.value)["status"] != "right":
        yield f"quiz {item.number}: the right answer is refused"
    for trap in item.traps:
        if item.reply(trap)["status"] != "wrong":
            yield f"quiz {item.number}: the trap {trap!r} is too near the right answer"
    left = [key for key in item.choices if key not in (item.right, *item.traps)]
    if (left or not item.traps) and int(chapter) >= WHOLE_FROM:
        told = ", ".join(left) or "a likely wrong number"
        yield f"quiz {item.number}: traps say nothing to {told}; say why it is wrong"
    if len(item.choices) == 1:
        yield f"quiz {item.number}: one option is no choice"
    if in_html(item.truth) not in as_html(item):
        yield f"quiz {item.number}: a page without a kernel does not show the answer"


def about_notebook(cells, exercises, quizzes):
    """Complaints about the cells of a chapter's notebook: numbers on both sides, friendly stubs."""
    tagged = [
        (tag.removeprefix(TAG), i) for i, (tags, _) in enumerate(cells) for tag in tags if tag.startswith(TAG)
    ]
    numbers = [number for number, _ in tagged]
    asked = [found for _, source in cells for found in ASKED.findall(source)]
    for number in exercises:
        if numbers.count(number) != 1:
            yield f"{number}: the tag {TAG}{number} stands on {numbers.count(number)} cells, expected 1"
    for number in quizzes:
        if ("quiz", number) not in asked:
            yield f'quiz {number}: no cell holds quiz("{number}")'
    for name, number in asked:
        if number not in (quizzes if name == "quiz" else exercises):
            yield f'{name}("{number}"): there is no such {"quiz" if name == "quiz" else "exercise"}'
    for number, i in tagged:
        if number not in exercises:
            yield f"{number}: a cell is tagged {TAG}{number}, and there is no such exercise"
        else:
            yield from about_stub(number, cells[i][1], [source for _, source in cells[:i]])


def about_stub(number, source, earlier):
    """Complaints about the cell that the reader finds: it must say "not written yet", and nothing else."""
    if ("check", number) not in ASKED.findall(source):
        yield f'{number}: the cell does not call check("{number}", ...)'
        return
    try:
        verdict = run(source, names_for(source, earlier))
    except Exception as error:
        yield f"{number}: the stub raises {type(error).__name__}: {error}"
        return
    if getattr(verdict, "status", None) != "todo" or "not written yet" not in repr(verdict):
        yield f"{number}: the stub does not end with a check that says not written yet: {verdict!r}"


def about_chapter(chapter, exercises, quizzes, cells):
    """All complaints about a chapter; cells: of its notebook, None if there is none."""
    earlier = [source for _, source in cells or ()]
    for exercise in exercises.values():
        yield from about_exercise(exercise, chapter, earlier)
    for item in quizzes.values():
        yield from about_quiz(item, chapter)
    if cells is None:
        yield f"chapter {chapter}: there are exercises, and no notebook chapters/{chapter}_*.ipynb"
    else:
        yield from about_notebook(cells, exercises, quizzes)
