"""Explorables of chapter 01 that need arguments, made for the tests."""

from utils.chapters.backprop import explore, runs

EXAMPLES = {"travelling": lambda: explore.travelling({n: runs.travelling(n, epochs=3) for n in (2, 6)})}
