"""Asks a prediction: `quiz("01.a")` and `quiz("01.b", then=explorable)`, what a notebook calls."""

from utils.exercises import registry
from utils.exercises.quizzes import judge, key_of
from utils.exercises.reading import kind_of


def quiz(number, answer=None, *, then=None):
    """Ask the reader for a prediction, or judge one.

    number: of the quiz, "01.2"; answer: a key, the text of an option, or a number; then: an explorable, covered until
    the guess is made or skipped.  Returns a Verdict if there is an answer and no picture, else a card with radio
    buttons or a field; on a page without a kernel it shows the options, and folded away the answer and the picture.
    ValueError for a number that does not exist, or a `then` that is no explorable.
    """
    asked = registry.find(number, "QUIZZES")
    if then is not None and not hasattr(then, "with_opening"):
        raise ValueError(f"then must be an explorable; got {kind_of(then)}")
    unanswered = answer is None or answer is Ellipsis
    if unanswered or then is not None:
        from utils.exercises.quiz_card import QuizCard  # anywidget takes a moment, and many never need it

        given = "" if unanswered else key_of(asked, answer)
        return QuizCard(asked, then, given)
    return judge(asked, answer)
