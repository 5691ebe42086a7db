"""Two of the three witnesses: a NumPy pullback and PyTorch's autograd, both in float64."""

import contextlib
import copy
import functools

import numpy as np
import torch

from utils.crosscheck.case import input_leaves
from utils.crosscheck.protocol import (
    ProtocolError,
    call_failed,
    kind_of,
    slots_of,
    value_and_pullback,
    words_of,
)
from utils.crosscheck.streams import PLACES, stream
from utils.crosscheck.trees import (
    OMITTED,
    aligned,
    differs,
    fresh,
    is_branch,
    is_floating,
    is_list_of_numbers,
    leaves,
    map_leaves,
    refill,
)


class NumpyWitness:
    """Calls `ours` once; then `gradients(upstream)` gives its gradient for every input leaf.

    written: names of what a call of the pullback has written into, among the upstream gradients and
    the values.  ValueError where ours raises, ProtocolError where it returns something else.
    """

    def __init__(self, case):
        self.case = case
        self.inputs, self.options = fresh(case.inputs), fresh(case.options)
        try:
            returned = case.call_ours(self.inputs, self.options)
        except Exception as error:
            raise call_failed("ours", case.ours, error, case.names, case.inputs) from error
        self.returned, self.pullback = value_and_pullback(returned)
        if is_list_of_numbers(self.returned):
            got = kind_of(self.returned)
            raise ProtocolError(f"its value must be an array, or a tuple or dict of arrays; it is {got}")
        self.value = map_leaves(lambda leaf: np.array(leaf) if is_floating(leaf) else leaf, self.returned)
        self.output = leaves(self.value, "output")
        self.written = {}

    def changed_inputs(self):
        """Names of the input arrays that a call has written into."""
        now = [leaf for tree in self.inputs if tree is not OMITTED for _, leaf in leaves(tree)]
        pairs = zip(input_leaves(self.case), now)
        return [name for (name, before), after in pairs if differs(before, after)]

    def gradients(self, upstream):
        """What the pullback returns for `upstream` (a list, one entry an output leaf), leaf by leaf."""
        sent = [u.copy()[()] if isinstance(u, np.ndarray) else u for u in upstream]
        try:
            returned = self.pullback(refill(self.value, sent))
        except Exception as error:
            names = [f"gradient of {name}" for name, _ in self.output]
            failed = call_failed("the pullback of ours", self.pullback, error, names, sent)
            if is_branch(self.value):
                given = f" The gradient from above has the form of the value, {kind_of(self.value)}."
                failed = ValueError(f"{failed}{given}")
            raise failed from error
        self.note_what_was_written(upstream, sent)
        pairs = [(tree, g) for tree, g in zip(self.case.inputs, self.slots(returned)) if tree is not OMITTED]
        found = [leaf for tree, gradient in pairs for leaf in aligned(tree, gradient)]
        return [f.copy() if isinstance(f, np.ndarray) else f for f in found]

    def slots(self, returned):
        case = self.case
        try:
            return slots_of(returned, case.names, bare=not (case.inputs and is_branch(case.inputs[0])))
        except ProtocolError as error:
            if case.like_options:
                hint = f"; is {case.like_options[0]} an option? Options stand after a bare `*`"
                raise ProtocolError(f"{error}{hint}") from None
            raise

    def note_what_was_written(self, upstream, sent):
        for (name, value), (_, now) in zip(self.output, leaves(self.returned)):
            if isinstance(now, np.ndarray) and differs(value, now):
                self.written[name] = np.shape(value)
        for (name, _), before, after in zip(self.output, upstream, sent):
            if differs(before, after):
                which = f", {name}" if len(sent) > 1 else ""
                self.written[f"gradient from above{which}"] = np.shape(before)


@contextlib.contextmanager
def doubles():
    """Inside, tensors that PyTorch makes of Python numbers and integers are float64."""
    kept = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(kept)


class TorchWitness:
    """Calls `theirs` on tensors; `gradients(upstream)` gives autograd's gradients for every input leaf.

    A module's parameters all get a gradient, frozen ones too.  ValueError where theirs raises.
    """

    def __init__(self, case):
        self.case = case
        self.module = copy.deepcopy(case.theirs) if case.is_module else None
        tensors = [tree if tree is OMITTED else map_leaves(as_tensor, fresh(tree)) for tree in case.inputs]
        self.options = map_leaves(lambda leaf: as_tensor(leaf, option=True), fresh(case.options))
        try:
            with doubles():
                value = self.call(tensors)
            self.set_outputs(leaves(value, "output"))
        except Exception as error:
            first = int(case.is_module)
            raise call_failed(
                "theirs", case.theirs, error, case.names[first:], case.inputs[first:]
            ) from error
        if isinstance(value, tuple) and len(value) == 2 and callable(value[1]):
            raise ValueError(
                "theirs returns a value and a pullback, as ours must: are ours and theirs swapped?"
            )
        if self.module is not None:
            parameters = dict(self.module.named_parameters())
            tensors[0] = {name: parameters[name] for name in case.inputs[0]}
            self.options = dict(self.module.named_buffers())
        self.input_tensors = [leaf for tree in tensors if tree is not OMITTED for _, leaf in leaves(tree)]

    def call(self, tensors):
        """What theirs returns: a function for inputs and options, a module for the inputs behind its parameters."""
        case, module = self.case, self.module
        if module is None:
            return case.call_theirs(case.theirs, tensors, self.options)
        with torch.no_grad():
            for name, parameter in module.named_parameters():
                parameter.copy_(tensors[0][name])
        return case.call_theirs(functools.partial(case.call, module) if case.call else module, tensors, {})

    def set_outputs(self, named):
        self.output_tensors = [leaf for _, leaf in named]
        as_array = lambda t: t.detach().numpy() if isinstance(t, torch.Tensor) else t
        self.output = [(name, as_array(leaf)) for name, leaf in named]

    def reorder(self, names):
        """Put the outputs in the order of these names, which are the same names."""
        by_name = dict(zip([name for name, _ in self.output], self.output_tensors))
        self.set_outputs([(name, by_name[name]) for name in names])

    @property
    def has_history(self):
        """Whether autograd knows a way from any output to the inputs."""
        return any(map(is_live, self.output_tensors))

    def gradients(self, upstream):
        outputs, sent = self.sent(upstream)
        sources = [t for t in self.input_tensors if is_live(t)]
        found = [None] * len(sources)
        if outputs and sources:
            with doubles():
                found = torch.autograd.grad(outputs, sources, sent, retain_graph=True, allow_unused=True)
        found = iter([torch.zeros_like(s) if g is None else g for s, g in zip(sources, found)])
        return [next(found).numpy().copy() if is_live(t) else None for t in self.input_tensors]

    def sent(self, upstream):
        """(outputs, gradients) for what comes from above."""
        pairs = [(t, u) for t, u in zip(self.output_tensors, upstream) if is_live(t) and u is not None]
        return [t for t, _ in pairs], [torch.from_numpy(np.array(u)).to(t.dtype) for t, u in pairs]


def is_live(a):
    """A tensor that gradients flow through."""
    return isinstance(a, torch.Tensor) and a.requires_grad and a.is_floating_point()


def as_tensor(leaf, option=False):
    """A leaf as PyTorch takes it: floating arrays as float64, with a gradient where they are no option."""
    if is_floating(leaf) and not option:
        return torch.tensor(np.asarray(leaf, dtype=np.float64), requires_grad=True)
    if not isinstance(leaf, np.ndarray):
        return leaf
    return torch.from_numpy(leaf.astype(np.float64) if is_floating(leaf) else leaf)


def is_differentiable_in(case, k, together=False):
    """Whether theirs takes leaf k, integers, as floats and has a gradient there that is not zero.

    Alone, or together with all the other integers: a product wants both of one kind.
    """
    whole = lambda leaf: isinstance(leaf, (np.ndarray, np.generic)) and leaf.dtype.kind in "iu"
    pairs = enumerate(input_leaves(case))
    flat = [np.asarray(a, float) if i == k or (together and whole(a)) else a for i, (_, a) in pairs]
    as_floats = copy.copy(case)
    as_floats.inputs = case.filled(flat)
    rng = stream(0, PLACES)
    try:
        witness = TorchWitness(as_floats)
        gradient = witness.gradients([random_like(value, rng) for _, value in witness.output])[k]
    except Exception:
        return not together and is_differentiable_in(case, k, together=True)
    return gradient is not None and bool(gradient.any())


def random_like(leaf, rng):
    """An upstream gradient for an output: standard normal, None where it is not floating."""
    return rng.standard_normal(np.shape(leaf)) if is_floating(leaf) else None


def torch_steps(optimizer, options, params, gradients):
    """The leaves of the parameters after each of PyTorch's steps, the start first."""
    tensors = [torch.nn.Parameter(torch.tensor(leaf)) for _, leaf in leaves(params)]
    found = [[t.detach().numpy().copy() for t in tensors]]
    try:
        chosen = optimizer(tensors, **options)
        for gradient in gradients:
            for tensor, (_, leaf) in zip(tensors, leaves(gradient)):
                tensor.grad = torch.tensor(leaf)
            chosen.step()
            found.append([t.detach().numpy().copy() for t in tensors])
    except Exception as error:
        given = ", ".join(f"{name}={value!r}" for name, value in options.items())
        raise ValueError(f"optimizer, {optimizer.__name__}({given}), raised {words_of(error)}") from error
    return found
