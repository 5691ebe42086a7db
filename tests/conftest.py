"""Settings for all tests: the same hypothesis examples in every run, no deadline on a busy machine."""

from hypothesis import settings

settings.register_profile("course", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("course")
