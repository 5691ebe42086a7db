"""The command line: `python -m utils.notebooks sync [--back] | check | run | measure | new | renumber | quote | recolour | edit | all | html | index`."""

import argparse
import importlib
import os
import sys
from pathlib import Path

from utils.notebooks.files import ROOT, no_course

NOTEBOOKS = (
    "paths",
    dict(nargs="*", type=Path, help="chapters (05, or optimization), notebooks or folders; without any, all"),
)
CHAPTER = ("chapter", dict(help="its number or name in the register"))


def switch(name, help):
    return name, dict(action="store_true", help=help)


# name: (what it does, what it says when nothing was refused, its arguments). The command is the function of the same
# name in the module of the same name, or where WHERE says; its parameters are the root and the arguments.
COMMANDS = {
    "sync": (
        *("copy shown code from utils/ into the cells", "Shown code is in sync."),
        [NOTEBOOKS, switch("--back", "copy edited cells into utils/ instead")],
    ),
    "check": (
        "say what breaks a rule, without executing anything",
        "Nothing to complain about.",
        [NOTEBOOKS],
    ),
    "run": ("execute the notebooks and keep their outputs", "Every notebook ran.", [NOTEBOOKS]),
    "new": (
        *("write a chapter that is small but whole", "The chapter is there; replace its texts."),
        [
            ("number", dict(type=int)),
            ("name", dict(help="as a Python package: lstm_gru")),
            ("--title", dict(default="", help="for a chapter that the register does not have")),
            ("--chinese", dict(default="", help="its Chinese title")),
        ],
    ),
    "renumber": (
        *("number a chapter's equations in their order", "Done."),
        [CHAPTER, switch("--write", "change the files, and not only say what would change")],
    ),
    "measure": ("run a chapter's long experiments and keep the results", "The results are kept.", [CHAPTER]),
    "edit": (
        *("write a chapter as one readable text, or take its edits back", "Done."),
        [CHAPTER, switch("--back", "take the text's edits into the notebook")],
    ),
    "all": (
        "sync, run, index, README, check, ruff and tests of one chapter",
        "The chapter is whole.",
        [CHAPTER],
    ),
    "quote": (
        *("write where quoted numbers come from", "Every quoted number that a cell holds has it."),
        [NOTEBOOKS],
    ),
    "recolour": ("give formulas the colours that can be read as letters", "Done.", [NOTEBOOKS]),
    "html": (
        *(
            "write a chapter as one page that needs neither kernel nor network, or all of them",
            "The pages are there.",
        ),
        [
            ("chapter", dict(help="its number or name in the register, or all")),
            ("--out", dict(type=Path, help="the folder; build/html where omitted")),
        ],
    ),
    "index": ("write chapters/INDEX.md", "The index is up to date.", []),
}
WHERE = {"all": ("finish", "finish"), "quote": ("quotes", "quote")}


def main(arguments=None):
    """Prints one sentence per remark; returns 1 when something was refused, 130 when it was stopped, else 0."""
    options = vars(parser().parse_args(arguments))
    root, name = options.pop("root"), options.pop("command")
    if reason := no_course(root, options.get("paths")):
        print(f"{root}: {reason}")
        return 1
    refused = 0
    try:
        for remark in command(name)(root, **options):
            print(remark, flush=True)
            refused += remark.refused
    except KeyboardInterrupt:
        print("Stopped.")
        return 130
    print(f"Refused: {refused}." if refused else COMMANDS[name][1])
    return 1 if refused else 0


def command(name):
    """Imported when it is called: check should not wait for the kernel's machinery."""
    module, function = WHERE.get(name, (name, name))
    return getattr(importlib.import_module(f"utils.notebooks.{module}"), function)


def parser():
    program = argparse.ArgumentParser(
        prog="python -m utils.notebooks", description="Keeps the chapters in order."
    )
    program.add_argument("--root", type=Path, default=ROOT, help="the folder that holds chapters/ and utils/")
    commands = program.add_subparsers(required=True, dest="command", metavar="command")
    for name, (help, _, arguments) in COMMANDS.items():
        sub = commands.add_parser(name, help=help, description=help)
        for argument, settings in arguments:
            sub.add_argument(argument, **settings)
    return program


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")  # a console that knows no Chinese still gets the sentence
    try:
        code = main()
    except BrokenPipeError:  # whoever read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)
