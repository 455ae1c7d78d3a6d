"""`genlock report`: what a recording tells, in the terminal or as a page."""

from __future__ import annotations

import os
import sys
from itertools import chain
from typing import TYPE_CHECKING

from genlock._traces import _report_wording as wording
from genlock._traces._calls import call_graph
from genlock._traces._summary import summary
from genlock._tracing._recording import load
from genlock.cli import RefusedError
from genlock.cli._page_file import check_name, write_page
from genlock.cli._terminal import write

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from genlock._traces._events import Trace

_ROWS = 20
_FINDINGS = 20
_LEAST_WIDTH = 80


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand's arguments."""
    parser.add_argument("file", help="what Recording.save has written: .json or .jsonl")
    parser.add_argument(
        "--by",
        choices=("guard", "function"),
        help="a row for each guard, or one for all guards of a function (default: guard)",
    )
    parser.add_argument(
        "--top", type=int, metavar="N", help=f"how many rows to show (default: {_ROWS})"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE.html",
        help="write a page that shows all of it, with a time line, in the place of the summary",
    )


def perform(options: argparse.Namespace) -> int:
    """Print the summary, or write the page; returns the exit status."""
    _check(options)
    trace = _loaded(options.file)
    if options.output is not None:
        name = os.path.basename(options.file)
        write(write_page(trace, name, options.output, "--output"))
    else:
        _write_summary(trace, options)
    if trace.cut:
        raise RefusedError(wording.only_so_far(trace.cut))
    return 0


def _write_summary(trace: Trace, options: argparse.Namespace) -> None:
    write("\n".join([*wording.missing(trace), f"{options.file}: {wording.facts(trace)}"]))
    nothing = wording.no_calls(trace)
    if nothing:
        write(nothing)
        return
    _write_table(trace, options.by or "guard", options.top or _ROWS)
    _write_findings(trace)


def _check(options: argparse.Namespace) -> None:
    if options.top is not None and options.top < 1:
        raise RefusedError(f"--top has to be 1 or more, not {options.top}")
    if options.output is None:
        return
    check_name("--output", options.output)
    given = {"--by": options.by, "--top": options.top}
    unused = [option for option, value in given.items() if value is not None]
    if unused:
        raise RefusedError(wording.not_for_a_page(unused))


def _loaded(name: str) -> Trace:
    try:
        return load(name).trace
    except OSError as error:
        raise RefusedError(f"{name}: {error.strerror or error}") from error
    except ValueError as error:
        raise RefusedError(str(error)) from error


def _write_table(trace: Trace, by: str, top: int) -> None:
    rows = [wording.cells(row) for row in summary(trace, by=by)]
    if not rows:
        return
    write("")
    if not _draw_with_rich(rows[:top]):
        write("\n".join(wording.table([wording.COLUMNS, *rows[:top]])))
    if len(rows) > top:
        write(wording.left_out(len(rows) - top))


def _draw_with_rich(rows: Sequence[Sequence[str]]) -> bool:
    """On a terminal wide enough, and where rich is installed; whether it was so."""
    if not sys.stdout.isatty():
        return False
    try:
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        return False
    console = Console()
    if console.width < _LEAST_WIDTH:
        return False
    first, *figures, last = wording.COLUMNS
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, overflow="fold")
    for name in figures:
        table.add_column(name.replace(" ", "\n"), justify="right", no_wrap=True)
    table.add_column(last, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)
    return True


def _write_findings(trace: Trace) -> None:
    if trace.failures:
        write("\n".join(["", *wording.failures(trace.failures)]))
    # Of guards: that a function drives itself, in another generator, is no cycle.
    graph = call_graph(trace)
    cycles = [wording.cycle(found) for found in graph.cycles()]
    inversions = [wording.inversion(found) for found in graph.inversions()]
    for paragraphs, what in ((cycles, "call cycle"), (inversions, "inverted order")):
        lines = list(chain.from_iterable(paragraphs[:_FINDINGS]))
        if len(paragraphs) > _FINDINGS:
            lines.append(wording.more_findings(len(paragraphs) - _FINDINGS))
        write("\n".join(["", *(lines or [wording.nothing_found(what, trace)])]))
