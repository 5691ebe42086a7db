"""Exercises and predictions of chapter 04, normalization."""

from utils.chapters.normalization.exercises.built import BUILT
from utils.chapters.normalization.exercises.by_hand import BY_HAND
from utils.chapters.normalization.exercises.predictions import PREDICTIONS

EXERCISES = sorted(BY_HAND + BUILT, key=lambda exercise: int(exercise.number.split(".")[1]))
QUIZZES = PREDICTIONS
