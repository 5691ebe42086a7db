"""Exercises and predictions of chapter 02, activations and losses."""

from utils.chapters.activations.exercises import numbers, operations, predictions

EXERCISES = sorted(
    [*numbers.EXERCISES, *operations.EXERCISES], key=lambda exercise: int(exercise.number.partition(".")[2])
)
QUIZZES = predictions.QUIZZES
