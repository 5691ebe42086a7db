"""Exercises and predictions of chapter 03, initialization."""

from utils.chapters.initialization.exercises.built import BUILT
from utils.chapters.initialization.exercises.by_hand import BY_HAND
from utils.chapters.initialization.exercises.predictions import PREDICTIONS

EXERCISES = sorted(BY_HAND + BUILT, key=lambda exercise: int(exercise.number.split(".")[1]))
QUIZZES = PREDICTIONS
