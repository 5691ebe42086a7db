"""Small pieces of sentences."""


def join(names):
    """a; a and b; a, b and c."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def codes(names):
    """Names between backticks, joined; the first three of many."""
    return join([f"`{name}`" for name in names[:3]] + (["more"] if len(names) > 3 else []))


def be(names):
    return "is" if len(names) == 1 else "are"


def count(n, noun):
    """1 hint, 2 hints."""
    return f"{n} {noun}{'' if n == 1 else 's'}"


def clip(text, length):
    return text if len(text) <= length else text[: length - 3] + "..."


def sentence(text):
    """The text with a full stop, and with a capital letter where it starts with a word: w8 and dx stay as they are."""
    text = text.strip()
    first, _, rest = text.partition(" ")
    is_word = first.isalpha() and (len(first) > 2 or first in SHORT_WORDS) and not rest.startswith("=")
    text = text[0].upper() + text[1:] if is_word else text
    return text + ("" if not text or text.endswith((".", "?")) else ".")


SHORT_WORDS = {"a", "an", "as", "at", "by", "if", "in", "is", "it", "no", "of", "on", "so", "to"}
