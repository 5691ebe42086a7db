"""The course's own library: the mathematics in nn, the witness in crosscheck, the explorables, the exercises."""

from utils import threads

threads.use_one()
