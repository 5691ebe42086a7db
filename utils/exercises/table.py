"""The table that progress() shows."""

from utils.exercises import registry
from utils.exercises.cards import Block, Card
from utils.exercises.wording import count


def of(record, notes=()):
    """A card with a row a chapter, and the detective's streak."""
    rows = [("chapter", "exercises", "quizzes")]
    for number, entry in registry.chapters().items():
        exercises, quizzes = registry.exercises(number), registry.quizzes(number)
        done = sum(n in exercises for n in record["exercises"])
        told = sum(n in quizzes for n in record["quizzes"])
        rows.append((f"{number} {entry.title}", f"{done} of {len(exercises)}", f"{told} of {len(quizzes)}"))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    begun = record["exercises"] or record["quizzes"] or record["detective"]["solved"]
    head = "Your progress" if begun else "Your progress: everything still lies ahead."
    listed = Block("\n".join(lines) if len(rows) > 1 else "")
    return Card(head, (listed, words_for(record["detective"]), *notes))


def words_for(cases):
    """The detective's line, empty before the first case is solved."""
    if not cases["solved"]:
        return ""
    row = f"{count(cases['streak'], 'case')} in a row"
    return f"Gradient detective: {count(cases['solved'], 'case')} solved, {row}, best {cases['best']}."
