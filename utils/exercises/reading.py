"""Reading what a reader wrote: is it written yet, does it run, and how to say what it is in a few words."""

import ast
import inspect
import linecache
import sys
import textwrap
import types
from pathlib import Path

import numpy as np

from utils.exercises.wording import clip, count

HERE = Path(__file__).resolve().parents[1]  # utils/
DEEP = 6  # how far nested answers are looked into


class Unwritten(Exception):
    """A part of the answer is still `...`; the text says which, empty for all of it."""


class Trouble(Exception):
    """The answer cannot be judged; the text, for the reader, says why."""


def has_dots(answer, depth=DEEP):
    """True if the answer is Ellipsis or holds one: in tuples, lists, dicts and object arrays."""
    if answer is Ellipsis:
        return True
    if isinstance(answer, np.ndarray):
        return answer.dtype == object and any(item is Ellipsis for item in answer.ravel())
    if depth == 0 or not isinstance(answer, (tuple, list, dict)):
        return False
    children = answer.values() if isinstance(answer, dict) else answer
    return any(has_dots(child, depth - 1) for child in children)


def run(function, *inputs, **options):
    """Call a reader's function.  Unwritten if `...` is in the way, Trouble if it stops with an error."""
    try:
        returned = function(*inputs, **options)
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        if stopped_by_dots(error, function):
            raise Unwritten from None
        raise Trouble(words_of_error(error)) from None
    if returned is None and is_stub(function):
        raise Unwritten
    return returned


def stopped_by_dots(error, function):
    """True if an error comes of a part that is still `...` (or of NotImplementedError)."""
    if isinstance(error, NotImplementedError) or "ellipsis" in str_of(error).lower():
        return True
    if isinstance(error, (RecursionError, KeyboardInterrupt, SystemExit)):
        return False
    held = (value for frame, _ in reader_frames(error) for value in frame.f_locals.values())
    return any(value is Ellipsis for value in held) or placeholder_left(function)


def reader_frames(error):
    """(frame, line number) of the calls that are neither ours nor a library's, outermost first."""
    found, step = [], error.__traceback__
    while step is not None:
        path = step.tb_frame.f_code.co_filename
        library = path.startswith((sys.prefix, sys.base_prefix, "<frozen", "<__array"))
        library |= "site-packages" in path or "dist-packages" in path  # a user's own, or those of Debian
        if not library and HERE not in Path(path).parents:
            found.append((step.tb_frame, step.tb_lineno))
        step = step.tb_next
    return found


def words_of_error(error):
    """An error as one sentence, with the line of the reader's code where it happened."""
    if isinstance(error, KeyboardInterrupt):
        return "it was interrupted; does every loop in it come to an end?"
    frames = reader_frames(error)
    line = linecache.getline(frames[-1][0].f_code.co_filename, frames[-1][1]).strip() if frames else ""
    where = f", in the line `{clip(line, 90)}`" if line else ""
    if isinstance(error, RecursionError):
        return f"it calls itself without end{where}"
    text = clip(" ".join(str_of(error).split()), 200)
    return f"it stops with {type(error).__name__}{': ' if text else ''}{text}{where}"


def str_of(thing):
    """str(thing), even where that raises."""
    try:
        return str(thing)
    except Exception:
        return ""


def syntax_of(function):
    """The syntax tree of a function's source, or None where there is no source."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError, ValueError, IndentationError):
        return None


def is_stub(function):
    """True for a function whose body does nothing: a docstring, pass, `...`."""
    tree = syntax_of(function)
    if tree is not None and tree.body and isinstance(tree.body[0], ast.FunctionDef):
        return all(isinstance(s, ast.Pass) or is_constant(s) for s in tree.body[0].body)
    return False


def is_constant(statement):
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def placeholder_left(function):
    """True if a function's code holds a `...` that is no index, as x[..., 0] is."""
    tree = syntax_of(function)
    if tree is None:
        return Ellipsis in constants(getattr(function, "__code__", None))
    indices = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        for inner in ast.walk(node.slice)
    }
    dots = (n for n in ast.walk(tree) if isinstance(n, ast.Constant) and n.value is Ellipsis)
    return any(id(node) not in indices for node in dots)


def constants(code):
    """The constants of compiled code and of the functions defined in it."""
    if code is None:
        return []
    inner = [c for const in code.co_consts if isinstance(const, types.CodeType) for c in constants(const)]
    return [c for c in code.co_consts if not isinstance(c, tuple)] + inner


def needs_function(answer, inputs, options=()):
    """Trouble unless the answer is a function that can be called with these inputs and options (their names)."""
    if answer is Ellipsis or answer is None:
        raise Unwritten
    if inspect.isclass(answer):
        raise Trouble("this is a class; expected a function")
    if not callable(answer):
        raise Trouble(f"this is {kind_of(answer)}; expected a function, its name without parentheses")
    try:
        inspect.signature(answer).bind(*inputs, **dict.fromkeys(options))
    except TypeError:
        wanted = ", ".join([*inputs, *(f"{name}=" for name in options)])
        raise Trouble(f"it must accept {count(len(inputs), 'input')}: {wanted}") from None
    except ValueError:
        return  # builtins without a signature: calling them will tell


NAMES = {
    str: "a text", bytes: "bytes", bool: "True or False", int: "a number", float: "a number",
    complex: "a complex number", list: "a list", tuple: "a tuple", dict: "a dict", set: "a set",
    types.FunctionType: "a function", types.GeneratorType: "a generator", types.ModuleType: "a module",
}  # fmt: skip


# what arrays hold, by the kind of their dtype
HELD = {"c": "complex numbers", "U": "texts", "S": "texts", "O": "objects", "M": "dates", "m": "times"}


def kind_of(answer):
    """What an answer is, in a word or two: a number, a text, an array of shape (2, 3)."""
    if answer is None:
        return "None"
    if inspect.isclass(answer):
        return "a class"
    if isinstance(answer, np.ndarray):
        held = HELD.get(answer.dtype.kind, "")
        return f"an array of {held} of shape {answer.shape}" if held else f"an array of shape {answer.shape}"
    name = type(answer).__name__
    if type(answer).__module__.partition(".")[0] == "torch":
        held = "complex numbers of " if str(getattr(answer, "dtype", "")).startswith("torch.complex") else ""
        shape = f" of {held}shape {tuple(answer.shape)}" if hasattr(answer, "shape") else ""
        return f"a torch {name.lower()}{shape}"
    return NAMES.get(type(answer), f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}")


def short(value, length=120):
    """A value in one line, small and rounded, even where its repr raises."""
    try:
        if callable(value):
            return getattr(value, "__name__", "").replace("<lambda>", "") or kind_of(value)
        if isinstance(value, (float, np.floating)):
            return f"{value:.4g}"
        if isinstance(value, np.ndarray):
            text = np.array2string(value, precision=4, threshold=20, separator=", ", suppress_small=True)
            return clip(" ".join(text.split()), length)
        if isinstance(value, (list, tuple, dict, set, str)) and len(value) > 200:
            return f"{kind_of(value)} of length {len(value)}"
        return clip(" ".join(repr(value).split()), length)
    except Exception:
        return kind_of(value)
