"""The command `genlock`: a thin door. Each subcommand is a module here, imported when it is used.

Such a module has `describe(parser)`, which adds its arguments, and `perform(options)`, which does
the work and returns the exit status. What cannot be done it raises as a `RefusedError`. It may have
`spelled_out(words)`, which rewrites its part of the command line as argparse can read it.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS: dict[str, str] = {
    "dump": "Print what the guards of a running process do, and who waits for whom.",
    "explain": "Say what an error about a generator means, by its code or from a log.",
    "report": "Show what a recording tells: each coroutine, call cycles, inverted orders.",
    "run": "Run a program unchanged, and explain its errors about generators.",
}
"""The subcommands, each with the line that says what it is for."""

MISUSED = 2
"""The exit status for what could not be understood, as that of `python` and argparse."""


class RefusedError(Exception):
    """What the user asked for cannot be done: one line that says why, and the exit status."""

    def __init__(self, text: str, status: int = MISUSED) -> None:
        super().__init__(text)
        self.status = status


class Command(Protocol):
    """What the module of a subcommand has."""

    def describe(self, parser: argparse.ArgumentParser) -> None:
        """Add the subcommand's arguments."""

    def perform(self, options: argparse.Namespace) -> int:
        """Do it; returns the exit status."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, by default that of this process; returns the exit status."""
    given = _spelled_out(sys.argv[1:] if arguments is None else list(arguments))
    options = _parser(given).parse_args(given)
    try:
        return _command(options.command).perform(options)
    except RefusedError as refused:
        print(f"genlock {options.command}: {refused}", file=sys.stderr)
        return refused.status


def _spelled_out(given: list[str]) -> list[str]:
    if not given or given[0] not in COMMANDS:
        return given
    name, *words = given
    return [name, *getattr(_command(name), "spelled_out", list)(words)]


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="genlock",
        description="Generator coroutines that threads share: what happened, and what to write.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, purpose in COMMANDS.items():
        subparser = commands.add_parser(name, help=purpose, description=purpose)
        if given and name == given[0]:  # to describe the others, they would have to be imported
            _command(name).describe(subparser)
    return parser


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        parser.exit(message=f"genlock {version('genlock')}\n")


def _command(name: str) -> Command:
    return cast("Command", importlib.import_module(f"genlock.cli.{name}"))
