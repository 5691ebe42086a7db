"""What is checked: the two functions and their inputs, bound by the signature of ours, refused by name where unfit."""

import copy
import inspect
from dataclasses import dataclass, field

import numpy as np

from utils.crosscheck.trees import (
    children,
    is_branch,
    is_floating,
    is_list_of_numbers,
    leaves,
    map_leaves,
    step_name,
    to_float64,
)


class Omitted:
    """Stands for an input between those given that was left to its default."""

    def __repr__(self):
        return "omitted"


OMITTED = Omitted()


@dataclass
class Case:
    """The two functions, their inputs as float64, the options, how to call a module.

    inputs: a tree for each input given, OMITTED for one left out between them; by_keyword:
    {position: parameter's name} of those that were given by keyword; names: of all inputs of ours;
    theirs_by_place: True where theirs has other names for those given by keyword;
    slots: how many gradients its pullback returns; like_options: names of inputs that are numbers by
    default; frozen: names of a module's parameters that do not require a gradient.
    """

    ours: object
    theirs: object
    inputs: tuple
    options: dict
    call: object = None
    names: list = field(default_factory=list)
    slots: int = 0
    by_keyword: dict = field(default_factory=dict)
    theirs_by_place: bool = False
    like_options: tuple = ()
    frozen: frozenset = frozenset()

    @property
    def is_module(self):
        import torch

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
    import torch

    refuse_functions(ours, theirs)
    frozen = frozenset()
    if isinstance(theirs, torch.nn.Module):
        frozen = frozenset(name for name, p in theirs.named_parameters() if not p.requires_grad)
        theirs = copy.deepcopy(theirs).double()
        for parameter in theirs.parameters():
            parameter.requires_grad_(True)  # a frozen one has a gradient too, and ours may return it
        params = {name: p.detach().numpy().copy() for name, p in theirs.named_parameters()}
        inputs = (params, *inputs)
    elif call is not None:
        raise ValueError("call= adapts the call of an nn.Module; theirs is a function")
    parameters = parameters_of(ours)
    inputs, options, by_keyword = bound(parameters, inputs, options)
    found = [p.name for p in parameters] + [f"input[{i}]" for i in range(len(parameters), len(inputs))]
    like_options = tuple(p.name for p in parameters if isinstance(p.default, (int, float, str)))
    case = Case(ours, theirs, inputs, options, call, rename(found, names), len(found), by_keyword)
    case.like_options, case.frozen = like_options, frozen
    case.theirs_by_place = takes_by_place(case)
    for name, tree in zip(case.names, inputs):
        refuse_input(name, tree)
    for name, option in options.items():
        if is_tensor(option):
            raise ValueError(f"{name} is a torch tensor; give an array: {name}.detach().numpy()")
    case.inputs = map_leaves(to_float64, tuple(inputs))
    case.options = {name: map_leaves(to_float64_array, option) for name, option in options.items()}
    return case


def takes_by_place(case):
    """Whether theirs cannot take by name what was given by keyword, and nothing is left out between."""
    function = case.theirs.forward if case.is_module and case.call is None else case.call or case.theirs
    if not case.by_keyword or any(tree is OMITTED for tree in case.inputs):
        return False
    given = case.positional(case.inputs)[int(case.is_module) :]
    module = [case.theirs] if case.call else []
    options = {} if case.is_module else case.options
    try:
        inspect.signature(function).bind(*module, *given, **case.keywords(case.inputs), **options)
    except TypeError:
        return True
    except ValueError:  # built in, without a signature
        pass
    return False


def refuse_functions(ours, theirs):
    """ValueError unless both are functions, in the right order."""
    import torch

    if isinstance(ours, torch.nn.Module):
        raise ValueError(
            "ours is an nn.Module; it must be a function of NumPy arrays. Are ours and theirs swapped?"
        )
    for name, given in (("ours", ours), ("theirs", theirs)):
        if not callable(given):
            raise ValueError(f"{name} must be a function; got {type(given).__name__}")
    if inspect.isclass(theirs):
        raise ValueError(f"theirs is a class; give a module made of it: {theirs.__name__}(...)")


def to_float64_array(option):
    """Floating arrays among the options as float64; a Python number stays one."""
    return to_float64(option) if isinstance(option, np.ndarray) else option


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
    by_keyword = {}
    for name in options:
        if name in positions and positions[name] < len(inputs):
            raise ValueError(f"{name} is given twice, by position and by keyword")
        if name in positions:
            by_keyword[positions[name]] = name
    if not by_keyword:
        return tuple(inputs), dict(options), {}
    placed = [OMITTED] * (max(by_keyword) + 1)
    placed[: len(inputs)] = inputs
    for position, name in by_keyword.items():
        placed[position] = options[name]
    return tuple(placed), {n: o for n, o in options.items() if n not in by_keyword.values()}, by_keyword


def rename(found, names):
    """Replace the names found by those given: a sequence in order, or a dict old -> new."""
    if names is None:
        return found
    if isinstance(names, dict):
        return [names.get(name, name) for name in found]
    if isinstance(names, str) or len(names) > len(found):
        raise ValueError(f"names must be at most {len(found)} names, for {found}; got {names!r}")
    return [*names, *found[len(names) :]]


def refuse_input(name, tree):
    """ValueError, with what to give instead, for an input that cannot be checked."""
    name = name.removeprefix("params.")
    if is_list_of_numbers(tree):
        raise ValueError(f"{name} is a list; give an array: np.array({name}, dtype=float)")
    if not is_branch(tree):
        return refuse_leaf(name, tree)
    for step, child in children(tree):
        refuse_input(step_name(name, step), child)


def refuse_leaf(name, leaf):
    if is_tensor(leaf):
        raise ValueError(f"{name} is a torch {tensor_word(leaf)}; give an array: {name}.detach().numpy()")
    if isinstance(leaf, np.ma.MaskedArray):
        raise ValueError(f"{name} is a masked array; give an array and a mask: {name}.data, {name}.mask")
    if isinstance(leaf, (np.ndarray, np.generic)):
        if leaf.dtype.kind == "c":
            raise ValueError(
                f"{name} holds complex numbers; give real ones: {name}.real and {name}.imag as two inputs"
            )
        if leaf.dtype.kind not in "fiub":
            raise ValueError(f"{name} is an array of {leaf.dtype}; give an array of numbers")
    elif isinstance(leaf, complex):
        raise ValueError(f"{name} is a complex number; give a real one")
    elif not (leaf is None or leaf is OMITTED or isinstance(leaf, (int, float))):
        made_of = f"{type(leaf).__module__}.{type(leaf).__name__}"
        if not made_of.startswith("numpy.random."):
            hint = f": np.asarray({name})" if hasattr(leaf, "__array__") else ""
            raise ValueError(f"{name} is a {type(leaf).__name__}; give an array{hint}")
    if is_floating(leaf) and np.isnan(leaf).any():
        where = f" in {np.isnan(leaf).sum()} of {np.size(leaf)} places" if np.ndim(leaf) else ""
        raise ValueError(f"{name} is NaN{where}: nothing can be proved with it; give numbers")


def is_tensor(thing):
    import torch

    return isinstance(thing, torch.Tensor)


def tensor_word(tensor):
    import torch

    return "parameter" if isinstance(tensor, torch.nn.Parameter) else "tensor"
