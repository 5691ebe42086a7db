"""What is checked: the two functions and their inputs, bound by the signature of ours, refused by name where unfit."""

import copy
import inspect
from dataclasses import dataclass, field

import numpy as np
import torch

from utils.crosscheck.trees import (
    OMITTED,
    children,
    is_branch,
    is_floating,
    is_list_of_numbers,
    leaves,
    map_leaves,
    to_float64,
)


@dataclass
class Case:
    """The two functions, their inputs as float64, the options, how to call a module.

    inputs: a tree for each input given, OMITTED for one left out between them; names: of all inputs of
    ours; by_keyword: {position: parameter's name} of those that were given by keyword; theirs_by_place:
    True where theirs has other names for them; like_options: names of inputs that are numbers by
    default; frozen: names of a module's parameters that do not require a gradient.
    """

    ours: object
    theirs: object
    inputs: tuple
    options: dict
    call: object = None
    names: list = field(default_factory=list)
    by_keyword: dict = field(default_factory=dict)
    theirs_by_place: bool = False
    like_options: tuple = ()
    frozen: frozenset = frozenset()

    @property
    def is_module(self):
        return isinstance(self.theirs, torch.nn.Module)

    def call_ours(self, inputs, options):
        """What ours returns for a tree an input, those given by keyword by keyword again."""
        return self.ours(*self.positional(inputs), **self.keywords(inputs), **options)

    def call_theirs(self, function, inputs, options):
        """What PyTorch's function returns for the inputs that are its own."""
        first = int(self.is_module)
        if self.theirs_by_place:
            return function(*inputs[first:], **options)
        return function(*self.positional(inputs)[first:], **self.keywords(inputs), **options)

    def positional(self, inputs):
        first = min(self.by_keyword, default=len(inputs))
        return [tree for tree in inputs[:first] if tree is not OMITTED]

    def keywords(self, inputs):
        return {name: inputs[position] for position, name in self.by_keyword.items()}

    def filled(self, flat):
        """The inputs with their leaves replaced, in order, by `flat`."""
        flat = iter(flat)
        return tuple(
            tree if tree is OMITTED else map_leaves(lambda _: next(flat), tree) for tree in self.inputs
        )


def input_leaves(case):
    """(name, leaf) for every leaf of every input; a module's parameters go by their own names."""
    pairs = []
    for position, (name, tree) in enumerate(zip(case.names, case.inputs)):
        if case.is_module and position == 0:
            pairs += tree.items()
        elif tree is not OMITTED:
            pairs += [(found.removeprefix("params."), leaf) for found, leaf in leaves(tree, name)]
    return pairs


def make_case(ours, theirs, inputs, options, call, names):
    """Bind inputs and options to the parameters of ours, and refuse by name what cannot be checked."""
    refuse_functions(ours, theirs)
    frozen = frozenset()
    if isinstance(theirs, torch.nn.Module):
        frozen = frozenset(name for name, p in theirs.named_parameters() if not p.requires_grad)
        # a frozen one has a gradient too, and ours may return it
        theirs = copy.deepcopy(theirs).double().requires_grad_(True)
        inputs = ({name: p.detach().numpy().copy() for name, p in theirs.named_parameters()}, *inputs)
    elif call is not None:
        raise ValueError("call= adapts the call of an nn.Module; theirs is a function")
    parameters = parameters_of(ours)
    inputs, options, by_keyword = bound(parameters, inputs, options)
    found = [p.name for p in parameters] + [f"input[{i}]" for i in range(len(parameters), len(inputs))]
    like_options = tuple(p.name for p in parameters if isinstance(p.default, (int, float, str)))
    case = Case(
        ours, theirs, inputs, options, call, rename(found, names), by_keyword, False, like_options, frozen
    )
    case.theirs_by_place = takes_by_place(case)
    for name, tree in zip(case.names, inputs):
        refuse_input(name, tree)
    for name, option in options.items():
        if isinstance(option, torch.Tensor):
            raise ValueError(f"{name} is a torch tensor; give an array: {name}.detach().numpy()")
    case.inputs = map_leaves(to_float64, tuple(inputs))
    as_array = lambda leaf: to_float64(leaf) if isinstance(leaf, np.ndarray) else leaf  # a number stays one
    case.options = {name: map_leaves(as_array, option) for name, option in options.items()}
    return case


def takes_by_place(case):
    """Whether theirs cannot take by name what was given by keyword, and nothing is left out between."""
    if not case.by_keyword or any(tree is OMITTED for tree in case.inputs):
        return False
    function = case.theirs.forward if case.is_module and case.call is None else case.call or case.theirs
    module, options = [case.theirs] if case.call else [], {} if case.is_module else case.options
    bind = lambda *given, **named: inspect.signature(function).bind(*module, *given, **named)
    try:
        case.call_theirs(bind, case.inputs, options)
    except TypeError:
        return True
    except ValueError:  # built in, without a signature
        pass
    return False


def refuse_functions(ours, theirs):
    """ValueError unless both are functions, in the right order."""
    if isinstance(ours, torch.nn.Module):
        raise ValueError(
            "ours is an nn.Module; it must be a function of NumPy arrays. Are ours and theirs swapped?"
        )
    for name, given in (("ours", ours), ("theirs", theirs)):
        if not callable(given):
            raise ValueError(f"{name} must be a function; got {type(given).__name__}")
    if inspect.isclass(theirs):
        raise ValueError(f"theirs is a class; give a module made of it: {theirs.__name__}(...)")


def parameters_of(ours):
    """The parameters of ours that are inputs: all that may be given by position."""
    try:
        parameters = inspect.signature(ours).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def bound(parameters, inputs, options):
    """Inputs by position, the options that are left, and {position: name} of inputs given by keyword.

    What is given by keyword for a parameter before the bare `*` is an input, as if given by position.
    """
    positions = {p.name: i for i, p in enumerate(parameters) if p.kind is p.POSITIONAL_OR_KEYWORD}
    by_keyword = {positions[name]: name for name in options if name in positions}
    for position, name in by_keyword.items():
        if position < len(inputs):
            raise ValueError(f"{name} is given twice, by position and by keyword")
    placed = [*inputs, *[OMITTED] * (max(by_keyword, default=-1) + 1 - len(inputs))]
    for position, name in by_keyword.items():
        placed[position] = options[name]
    return tuple(placed), {n: o for n, o in options.items() if n not in by_keyword.values()}, by_keyword


def rename(found, names):
    """Replace the names found by those given: a sequence in order, or a dict old -> new."""
    if names is None or isinstance(names, dict):
        return [(names or {}).get(name, name) for name in found]
    if isinstance(names, str) or len(names) != len(found):
        raise ValueError(f"names must be {len(found)} names, for {found}; got {names!r}")
    return list(names)


def refuse_input(name, tree):
    """ValueError, with what to give instead, for an input that cannot be checked."""
    name = name.removeprefix("params.")
    if is_list_of_numbers(tree):
        raise ValueError(f"{name} is a list; give an array: np.array({name}, dtype=float)")
    if not is_branch(tree):
        if told := unfit(name, tree):
            raise ValueError(f"{name} {told}")
        return
    for _, inner, child in children(tree, name):
        refuse_input(inner, child)


def unfit(name, leaf):
    """Why a leaf cannot be checked, and what to give instead; None for one that can."""
    if isinstance(leaf, torch.Tensor):
        kind = "parameter" if isinstance(leaf, torch.nn.Parameter) else "tensor"
        return f"is a torch {kind}; give an array: {name}.detach().numpy()"
    if isinstance(leaf, np.ma.MaskedArray):
        return f"is a masked array; give an array and a mask: {name}.data, {name}.mask"
    if isinstance(leaf, (np.ndarray, np.generic)):
        if leaf.dtype.kind == "c":
            return f"holds complex numbers; give real ones: {name}.real and {name}.imag as two inputs"
        if leaf.dtype.kind not in "fiub":
            return f"is an array of {leaf.dtype}; give an array of numbers"
    elif isinstance(leaf, complex):
        return "is a complex number; give a real one"
    elif not (leaf is None or leaf is OMITTED or isinstance(leaf, (int, float))):
        hint = f": np.asarray({name})" if hasattr(leaf, "__array__") else ""
        generator = type(leaf).__module__.startswith("numpy.random")
        return None if generator else f"is a {type(leaf).__name__}; give an array{hint}"
    if is_floating(leaf) and np.isnan(leaf).any():
        where = f" in {np.isnan(leaf).sum()} of {np.size(leaf)} places" if np.ndim(leaf) else ""
        return f"is NaN{where}: nothing can be proved with it; give numbers"
