"""crosscheck_steps: an update rule with state, proved step by step against a class of torch.optim."""

import copy
import inspect

import numpy as np

from utils.crosscheck.finding import Diagnosis
from utils.crosscheck.protocol import ProtocolError, call_failed, kind_of
from utils.crosscheck.report import CrosscheckError, Report, Row, wrong_row
from utils.crosscheck.streams import STEPS, check_seed, stream
from utils.crosscheck.suspect_steps import diagnose_step
from utils.crosscheck.trees import aligned, differs, is_floating, leaves, map_leaves, refill, to_float64

TOLERANCE = 1e-9  # relative to the way that a parameter has gone
SHAPES = {"weight": (4, 3), "bias": (4,)}
# sizes of the gradients, powers of ten, in turns: as they should be, as small as eps and its root, and smaller
SIZES = [(-0.5, 0.5), (-6.0, -3.0), (-10.0, -7.0)]
SHARE_OF_ZEROS = 0.2  # after the first step


def crosscheck_steps(rule, optimizer, params=None, *, steps=5, seed=0, raises=True, **options):
    """Prove an update rule with state, step by step, in float64, with random gradients.

    rule: has init(params) -> state and step(params, grads, state) -> (params, state), which leave
    their arguments as they are; optimizer: a class of torch.optim; options: of its constructor, lr=...,
    momentum=...; the rule has its own.  params: an array, or a tuple or dict of them, a small dict
    where omitted.  The gradients come from a stream that nothing else draws from, the same for both;
    their sizes run from 1e-9 to 10, and some are zero.

    Returns a Report, a row per parameter, that says at which step it first differs.  Raises
    CrosscheckError on a mismatch, unless raises=False; ValueError, naming the argument, for what
    cannot be checked and where either of the two raises.  Tolerance: 1e-9, relative to the largest
    way that an element of the parameter has gone.
    """
    from utils.crosscheck.case import refuse_input  # PyTorch is imported when the first check is run

    check_steps(rule, optimizer, steps)
    check_seed(seed)
    rng = stream(seed, STEPS)
    if params is None:
        params = {name: rng.standard_normal(shape) for name, shape in SHAPES.items()}
    refuse_input("params", params)
    params = map_leaves(to_float64, params)
    for name, leaf in leaves(params, "params"):
        if not (isinstance(leaf, np.ndarray) and is_floating(leaf)):
            raise ValueError(f"{name} must be an array of floats; it is {kind_of(leaf)}")
    try:
        report = Report(Run(rule, optimizer, options, params, draw_gradients(params, steps, rng)).rows())
    except ProtocolError as error:
        report = Report([wrong_row("rule", None, Diagnosis("protocol", str(error)))])
    if raises and not report.ok:
        raise CrosscheckError(report)
    return report


def check_steps(rule, optimizer, steps):
    """ValueError for arguments that are not what their names say."""
    import torch

    if not (callable(getattr(rule, "init", None)) and callable(getattr(rule, "step", None))):
        wanted = "two functions, init(params) and step(params, grads, state)"
        raise ValueError(f"rule must have {wanted}; got {kind_of(rule)}")
    if not (inspect.isclass(optimizer) and issubclass(optimizer, torch.optim.Optimizer)):
        wanted = "a class of torch.optim, such as torch.optim.SGD"
        raise ValueError(f"optimizer must be {wanted}; got {optimizer!r}")
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise ValueError(f"steps must be a whole number, 1 or more; got {steps!r}")


def draw_gradients(params, steps, rng):
    """A tree of gradients for each step; every element has its own size, and is zero now and then."""

    def sized(leaf):
        low, high = np.array(SIZES)[np.arange(leaf.size) % len(SIZES)].T
        return 10 ** rng.uniform(low, high).reshape(leaf.shape)

    def drawn(size, zeros):
        kept = rng.random(size.shape) >= zeros
        return size * rng.uniform(0.5, 2, size.shape) * rng.choice([-1, 1], size.shape) * kept

    sizes = map_leaves(sized, params)
    return [map_leaves(lambda size, n=n: drawn(size, SHARE_OF_ZEROS * (n > 0)), sizes) for n in range(steps)]


class Run:
    """Both sides, step by step: `ours` and `theirs` hold the leaves of the parameters, the start first."""

    def __init__(self, rule, optimizer, options, params, gradients):
        from utils.crosscheck.witnesses import torch_steps

        self.rule, self.optimizer, self.options = rule, optimizer, options
        self.params, self.gradients = params, gradients
        self.named = [(name.removeprefix("params."), leaf) for name, leaf in leaves(params, "params")]
        self.theirs = torch_steps(optimizer, options, params, gradients)
        self.written = []
        self.ours = self.our_steps()

    def our_steps(self):
        """The leaves after each step; what the rule writes into is noted."""
        found = [[leaf for _, leaf in self.named]]
        state, tree = self.call("init", self.params), self.params
        for gradient in self.gradients:
            tree, state = self.one_step(tree, gradient, state)
            found.append(aligned(self.params, tree))
            if not self.fit(found[-1]):
                break  # nothing to go on from
            tree = refill(self.params, found[-1])
        return found

    def one_step(self, params, gradient, state):
        """(params, state) after a step; ProtocolError where something else comes back."""
        returned = self.call("step", params, gradient, state)
        if isinstance(returned, tuple) and len(returned) == 2:
            return returned
        got = kind_of(returned)
        raise ProtocolError(
            f"step must return two things, the new parameters and the state; it returned {got}"
        )

    def call(self, name, *arguments):
        """Call init or step with copies, and note which of them were written into."""
        function, titles = getattr(self.rule, name), ("params", "grads", "state")
        given = copy.deepcopy(arguments)
        try:
            returned = function(*given)
        except Exception as error:
            raise call_failed(f"{name} of rule", function, error, titles[:2], arguments[:2]) from error
        for title, before, after in zip(titles, arguments, given):
            pairs = zip(leaves(before), leaves(after))
            if any(differs(old, new) for (_, old), (_, new) in pairs) and title not in self.written:
                self.written.append(title)
        return copy.deepcopy(returned)

    def fresh_step(self, before, step):
        """The leaves after a step from `before` with a state that has just begun; None where that fails."""
        params = refill(self.params, before)
        try:
            tree, _ = self.one_step(params, self.gradients[step - 1], self.call("init", params))
        except ValueError:
            return None
        found = aligned(self.params, tree)
        return found if self.fit(found) else None

    def fit(self, found):
        """Whether the leaves have the shapes of the parameters."""
        return all(
            is_number(leaf) and np.shape(leaf) == like.shape for leaf, (_, like) in zip(found, self.named)
        )

    def rows(self):
        found = [self.row(k, *named) for k, named in enumerate(self.named)]
        wrong = [row for row in found if not row.ok]
        if len(wrong) > 1:
            worst = max(wrong, key=lambda row: (-row.step, row.torch_error))
            worst.verdict += " (this one first, or most)"
        verdict = "was written into; init and step must return new arrays and leave theirs as they are"
        written = [wrong_row(name, None, Diagnosis("input changed", verdict)) for name in self.written]
        return [*written, *found]

    def row(self, k, name, start):
        """Parameter k: the first step at which it is not PyTorch's."""
        worst = 0.0
        for step, (ours, theirs) in enumerate(zip(self.ours[1:], self.theirs[1:]), start=1):
            error = error_of(ours[k], theirs[k], start)
            worst = max(worst, error)
            if error > TOLERANCE:
                found = diagnose_step(self, k, step)
                start_of_verdict = f"differs from PyTorch from step {step} on: "
                return wrong_row(name, start.shape, found, start_of_verdict, torch_error=error, step=step)
        words = f"{len(self.gradients)} steps" if len(self.gradients) > 1 else "1 step"
        return Row(name, start.shape, True, f"agrees with PyTorch over {words}", torch_error=worst)


def is_number(leaf):
    return isinstance(leaf, (np.ndarray, np.generic, float))


def error_of(ours, theirs, start):
    """Relative to the largest way that an element has gone; inf for what cannot be compared."""
    if not is_floating(ours) or np.shape(ours) != start.shape or not np.isfinite(ours).all():
        return np.inf
    error = np.abs(ours - theirs).max(initial=0)
    rounding = 4 * np.finfo(float).eps * np.abs(theirs).max(initial=0)
    return 0.0 if error <= rounding else error / max(np.abs(theirs - start).max(initial=0), 1e-300)
