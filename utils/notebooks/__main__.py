"""The command line: `python -m utils.notebooks sync [--back] | check | run | new | all | index`."""

import argparse
import sys
from pathlib import Path

from utils.notebooks.files import ROOT, no_course


def main(arguments=None):
    """Prints one sentence per remark; returns 1 when something was refused, else 0."""
    options = parser().parse_args(arguments)
    if reason := no_course(options.root, getattr(options, "paths", None)):
        print(f"{options.root}: {reason}")
        return 1
    refused = 0
    try:
        for remark in options.command(options):
            print(remark, flush=True)
            refused += remark.refused
    except KeyboardInterrupt:
        print("Stopped.")
        return 130
    print(f"Refused: {refused}." if refused else options.all_well)
    return 1 if refused else 0


def parser():
    program = argparse.ArgumentParser(
        prog="python -m utils.notebooks", description="Keeps the chapters in order."
    )
    program.add_argument("--root", type=Path, default=ROOT, help="the folder that holds chapters/ and utils/")
    commands = program.add_subparsers(required=True, metavar="command")

    def add(name, command, help, all_well):
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(command=command, all_well=all_well)
        return sub

    notebooks = dict(nargs="*", type=Path, help="notebooks or folders; without any, all of chapters/")
    sync = add("sync", _sync, "copy shown code from utils/ into the cells", "Shown code is in sync.")
    sync.add_argument("--back", action="store_true", help="copy edited cells into utils/ instead")
    sync.add_argument("paths", **notebooks)
    check = add(
        "check", _check, "say what breaks a rule, without executing anything", "Nothing to complain about."
    )
    check.add_argument("paths", **notebooks)
    run = add("run", _run, "execute the notebooks and keep their outputs", "Every notebook ran.")
    run.add_argument("paths", **notebooks)
    new = add(
        "new", _new, "write a chapter that is small but whole", "The chapter is there; replace its texts."
    )
    new.add_argument("number", type=int)
    new.add_argument("name", help="as a Python package: lstm_gru")
    new.add_argument("--title", default="", help="for a chapter that the register does not have")
    new.add_argument("--chinese", default="", help="its Chinese title")
    whole = add(
        "all", _all, "sync, run, index, README, check, ruff and tests of one chapter", "The chapter is whole."
    )
    whole.add_argument("chapter", help="its number or name in the register")
    add("index", _index, "write chapters/INDEX.md", "The index is up to date.")
    return program


# Each command imports what it needs when it is called: check should not wait for the kernel's machinery.


def _sync(options):
    from utils.notebooks.sync import sync

    return sync(options.root, options.paths, back=options.back)


def _check(options):
    from utils.notebooks.check import check

    return check(options.root, options.paths)


def _run(options):
    from utils.notebooks.run import run

    return run(options.root, options.paths)


def _new(options):
    from utils.notebooks.new import new

    return new(options.root, options.number, options.name, options.title, options.chinese)


def _all(options):
    from utils.notebooks.finish import finish

    return finish(options.root, options.chapter)


def _index(options):
    from utils.notebooks.index import index

    return index(options.root)


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")  # a console that knows no Chinese still gets the sentence
    sys.exit(main())
