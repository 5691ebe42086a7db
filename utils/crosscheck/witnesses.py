"""The three witnesses: a NumPy pullback, PyTorch's autograd, central differences; all in float64."""

import copy
import inspect
from dataclasses import dataclass, field

import numpy as np

from utils.crosscheck.trees import aligned, fresh, is_floating, leaves, map_leaves, refill, to_float64

EXACT_UP_TO = 300  # elements; above, coordinates are sampled
SAMPLES, DIRECTIONS = 100, 3
STEP = 1e-5
ONE_SIDED_AGREE = 2e-5  # how far the one-sided differences may lie apart, relative to the largest gradient


class Missing:
    """Stands where a pullback returned nothing for an input."""

    def __repr__(self):
        return "nothing"


MISSING = Missing()


@dataclass
class Case:
    """What is checked: the two functions, their inputs as float64, the options, the upstream gradient."""

    ours: object
    theirs: object
    inputs: tuple
    options: dict
    call: object = None
    input_names: list = field(default_factory=list)
    slots: int = 0

    @property
    def is_module(self):
        import torch

        return isinstance(self.theirs, torch.nn.Module)


def make_case(ours, theirs, inputs, options, call, names):
    """Prepare inputs, and name them by the signature of `ours` (or by `names`)."""
    import torch

    for name, given in (("ours", ours), ("theirs", theirs)):
        if not callable(given):
            raise ValueError(f"{name} must be a function; got {type(given).__name__}")
    if isinstance(theirs, torch.nn.Module):
        theirs = copy.deepcopy(theirs).double()
        params = {name: p.detach().numpy().copy() for name, p in theirs.named_parameters()}
        inputs = (params, *inputs)
    elif call is not None:
        raise ValueError("call= adapts the call of an nn.Module; theirs is a function")
    inputs = map_leaves(to_float64, tuple(inputs))
    options = {name: map_leaves(to_float64_array, option) for name, option in options.items()}
    found, slots = signature_of(ours, len(inputs))
    return Case(ours, theirs, inputs, options, call, rename(found, names), slots)


def to_float64_array(option):
    """Floating arrays among the options as float64; a Python number stays one."""
    return to_float64(option) if isinstance(option, np.ndarray) else option


def signature_of(ours, given):
    """Names of the inputs, and how many slots the pullback must return."""
    try:
        parameters = list(inspect.signature(ours).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    names = (named + [f"input[{i}]" for i in range(len(named), given)])[: max(given, len(named))]
    return names, len(names)


def rename(found, names):
    """Replace the names found by those given: a sequence in order, or a dict old -> new."""
    if names is None:
        return found
    if isinstance(names, dict):
        return [names.get(name, name) for name in found]
    if isinstance(names, str) or len(names) > len(found):
        raise ValueError(f"names must be at most {len(found)} names, for {found}; got {names!r}")
    return [*names, *found[len(names) :]]


def input_leaves(case):
    """(name, leaf) for every leaf of every input; a module's parameters go by their own names."""
    pairs = []
    for name, tree in zip(case.input_names, case.inputs):
        pairs += [(found.removeprefix("params."), leaf) for found, leaf in leaves(tree, name)]
    return pairs


class NumpyWitness:
    """Calls `ours` once; then `gradients(upstream)` gives its gradient for every input leaf."""

    def __init__(self, case):
        self.case = case
        self.inputs, self.options = fresh(case.inputs), fresh(case.options)
        returned = case.ours(*self.inputs, **self.options)
        if not (isinstance(returned, tuple) and len(returned) == 2 and callable(returned[1])):
            raise ProtocolError("it must return two things, its value and its pullback (a function)")
        value, self.pullback = returned
        self.value = map_leaves(lambda leaf: np.array(leaf) if is_floating(leaf) else leaf, value)
        self.output = leaves(self.value, "output")

    def changed_inputs(self):
        """Names of the input arrays that a call has written into."""
        now = [leaf for tree in self.inputs for _, leaf in leaves(tree, "")]
        pairs = zip(input_leaves(self.case), now)
        return [name for (name, before), after in pairs if differs(before, after)]

    def gradients(self, upstream):
        """What the pullback returns for `upstream` (a list, one entry an output leaf), leaf by leaf."""
        sent = [u.copy()[()] if isinstance(u, np.ndarray) else u for u in upstream]
        returned = self.pullback(refill(self.value, sent))
        case = self.case
        if case.slots == 1:
            returned = (returned,)
        elif not isinstance(returned, tuple) or len(returned) != case.slots:
            got = f"{len(returned)} things" if isinstance(returned, tuple) else type(returned).__name__
            raise ProtocolError(
                f"the pullback must return a tuple of {case.slots}, a slot for each of "
                f"{', '.join(case.input_names)}; it returned {got}"
            )
        found = []
        for tree, gradient in zip(case.inputs, returned):
            found += aligned(tree, gradient, MISSING)
        return [f.copy() if isinstance(f, np.ndarray) else f for f in found]


def differs(before, after):
    """True for two arrays that are not the same to the bit."""
    return isinstance(before, np.ndarray) and not np.array_equal(before, after, equal_nan=is_floating(before))


class ProtocolError(Exception):
    """`ours` does not return what an operation of this course returns; the text says what is missing."""


class TorchWitness:
    """Calls `theirs` on tensors; `gradients(upstream)` gives autograd's gradients for every input leaf."""

    def __init__(self, case):
        import torch

        self.case = case
        tensors = [map_leaves(as_tensor, fresh(tree)) for tree in case.inputs]
        if case.is_module:
            module = case.theirs
            call = case.call or (lambda module, *inputs: module(*inputs))
            value = call(module, *tensors[1:])
            parameters = dict(module.named_parameters())
            tensors[0] = {name: parameters[name] for name in case.inputs[0]}
            self.options = dict(module.named_buffers())
        else:
            self.options = {key: map_leaves(as_option, o) for key, o in fresh(case.options).items()}
            value = case.theirs(*tensors, **self.options)
        self.input_tensors = [leaf for tree in tensors for _, leaf in leaves(tree, "")]
        self.output_tensors = [leaf for _, leaf in leaves(value, "output")]
        as_array = [t.detach().numpy() if isinstance(t, torch.Tensor) else t for t in self.output_tensors]
        self.output = list(zip([name for name, _ in leaves(value, "output")], as_array))

    def gradients(self, upstream):
        import torch

        sources = [t for t in self.input_tensors if isinstance(t, torch.Tensor) and t.requires_grad]
        pairs = [
            (t, torch.from_numpy(np.array(u)))
            for t, u in zip(self.output_tensors, upstream)
            if isinstance(t, torch.Tensor) and t.requires_grad and u is not None
        ]
        found = [None] * len(sources)
        if pairs and sources:
            outputs, sent = zip(*pairs)
            found = torch.autograd.grad(outputs, sources, sent, retain_graph=True, allow_unused=True)
        zeros_for_unused = [torch.zeros_like(s) if g is None else g for s, g in zip(sources, found)]
        gradients = iter(zeros_for_unused)
        return [
            next(gradients).numpy().copy() if isinstance(t, torch.Tensor) and t.requires_grad else None
            for t in self.input_tensors
        ]


def as_tensor(leaf):
    """A leaf as PyTorch takes it: floating arrays with a gradient."""
    import torch

    if is_floating(leaf):
        return torch.tensor(np.asarray(leaf, dtype=np.float64), requires_grad=True)
    return torch.from_numpy(leaf) if isinstance(leaf, np.ndarray) else leaf


def as_option(leaf):
    """An option as PyTorch takes it: arrays become tensors, float64 where floating."""
    import torch

    if not isinstance(leaf, np.ndarray):
        return leaf
    return torch.from_numpy(leaf.astype(np.float64) if is_floating(leaf) else leaf)


@dataclass
class Differences:
    """Central differences of one input leaf.

    places: tuple of index arrays; values: the slope there, nan at a kink, where the one-sided
    differences disagree; noise: how much of each slope may be rounding; directions: a list of
    (unit direction, slope, noise).
    """

    places: tuple
    values: np.ndarray
    noise: np.ndarray
    directions: list


class DifferencesWitness:
    """Measures slopes of sum(upstream * output) by moving the inputs of `ours` a little."""

    def __init__(self, case, witness, upstream):
        self.case, self.upstream = case, upstream
        self.leaves = [leaf for _, leaf in input_leaves(case)]
        self.base = self.weigh(witness.output)
        pairs = [(u, leaf) for u, (_, leaf) in zip(upstream, witness.output) if u is not None]
        weighed = sum(np.abs(u * leaf).sum() for u, leaf in pairs)
        self.noise = 16 * np.finfo(float).eps * (1 + weighed)

    def weigh(self, output):
        total = 0.0
        with np.errstate(invalid="ignore", over="ignore"):
            for u, (_, leaf) in zip(self.upstream, output):
                total += 0.0 if u is None else float((u * np.asarray(leaf)).sum())
        return total

    def moved(self, k, change):
        """The weighed output after adding `change` to leaf k."""
        inputs = list(self.leaves)
        inputs[k] = inputs[k] + change
        trees = fresh(refill(self.case.inputs, inputs))
        value, _ = self.case.ours(*trees, **fresh(self.case.options))
        return self.weigh(leaves(value, "output"))

    def slope(self, k, direction, size, scale):
        """(slope, its noise) along `direction`: the step shrinks until both sides agree; nan at a kink."""
        gap_before = np.inf
        for step in (STEP * size, STEP * size / 10, STEP * size / 100):
            ahead, behind = self.moved(k, step * direction), self.moved(k, -step * direction)
            right, left = (ahead - self.base) / step, (self.base - behind) / step
            gap = abs(right - left)
            if gap <= ONE_SIDED_AGREE * scale + self.noise / step or gap <= 0.3 * gap_before < np.inf:
                return (ahead - behind) / (2 * step), self.noise / step
            gap_before = gap if np.isfinite(gap) else np.inf
        return np.nan, 0.0

    def measure(self, k, scale, rng):
        """Differences for leaf k: every coordinate up to EXACT_UP_TO elements, else a sample."""
        leaf = np.asarray(self.leaves[k])
        everywhere = leaf.size <= EXACT_UP_TO
        chosen = np.arange(leaf.size) if everywhere else rng.choice(leaf.size, SAMPLES, replace=False)
        places = np.unravel_index(chosen, leaf.shape) if leaf.ndim else ()
        found = []
        for place in zip(*places) if leaf.ndim else [()]:
            unit = np.zeros_like(leaf)
            unit[place] = 1.0
            found.append(self.slope(k, unit, max(1.0, abs(leaf[place])), scale))
        directions = [] if everywhere else [self.along(k, leaf, scale, rng) for _ in range(DIRECTIONS)]
        values, noise = np.array(found).reshape(-1, 2).T
        return Differences(places, values, noise, directions)

    def along(self, k, leaf, scale, rng):
        direction = rng.standard_normal(leaf.shape)
        direction /= np.linalg.norm(direction)
        return direction, *self.slope(k, direction, max(1.0, np.abs(leaf).max()), scale)
