"""The mathematics of the course: NumPy only."""
