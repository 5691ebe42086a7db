"""All operations that may be tampered with, by level."""

from utils.exercises.detective.operations import elementwise, normalizing, products, sequences

OPERATIONS = [
    *elementwise.OPERATIONS,
    *products.OPERATIONS,
    *normalizing.OPERATIONS,
    *sequences.OPERATIONS,
]
LEVELS = sorted({operation.level for operation in OPERATIONS})
