"""A made-up chapter, for the tests of the engine."""
