"""Opens cases: draws an operation, a bug and inputs with which three probes tell all suspects apart."""

from itertools import combinations

import numpy as np

from utils.exercises.detective.case import Case
from utils.exercises.detective.levels import level_for
from utils.exercises.detective.operations import LEVELS, OPERATIONS
from utils.exercises.record import progress


def new(seed=None, level=None):
    """Open a case.

    seed: 0 or more, the same number gives the same case; drawn where omitted.  level: 1 elementwise,
    2 products and sums, 3 norms and softmax, 4 ids, masks and time; grows with the streak where
    omitted.  ValueError for anything else.
    """
    if level is not None and level not in LEVELS:
        raise ValueError(f"level must be one of {', '.join(map(str, LEVELS))}; got {level!r}")
    if seed is not None and (not isinstance(seed, int) or seed < 0):
        raise ValueError(f"seed must be a whole number, 0 or more; got {seed!r}")
    level = level or level_for(progress.streak())
    seed = int(np.random.default_rng().integers(1, 100_000)) if seed is None else seed
    rng = np.random.default_rng([seed, level])
    at_level = [operation for operation in OPERATIONS if operation.level == level]
    return open_case(at_level[rng.integers(len(at_level))], rng, seed)


def open_case(operation, rng, seed=0, culprit=None):
    """A case of that operation, its inputs drawn until the standard probes tell all suspects apart."""
    order = rng.permutation(len(operation.suspects))
    culprit = culprit or operation.suspects[rng.integers(len(operation.suspects))]
    for _ in range(100):
        case = Case(operation, culprit, operation.draw(rng), operation.draw(rng), order, seed, following=new)
        if is_solvable(case):
            return case
    raise RuntimeError(f"{operation.name}: no inputs found that tell its suspects apart")


def is_solvable(case):
    """True if no two suspects answer all standard probes alike, in the digits shown, nor as the right pullback does."""
    operation = case.operation
    pullbacks = [operation.function] + [operation.tampered(suspect) for suspect in operation.suspects]
    with np.errstate(all="ignore"):
        answers = [
            [case.table(dy, {}, case.answer_of(pullback), "") for _, dy in case.standard_probes()]
            for pullback in pullbacks
        ]
    return all(a != b for a, b in combinations(answers, 2))
