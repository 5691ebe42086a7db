"""Exercises and predictions of chapter 01, back-propagation."""

from utils.chapters.backprop.exercises import building, numbers, operations, predictions

EXERCISES = sorted(
    [*numbers.EXERCISES, *operations.EXERCISES, *building.EXERCISES],
    key=lambda exercise: int(exercise.number.partition(".")[2]),
)
QUIZZES = predictions.QUIZZES
