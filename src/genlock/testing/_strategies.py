"""Schedules for Hypothesis. Drawn before the run, so that they shrink well."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Literal

from genlock.testing import _arguments
from genlock.testing._schedules import DrawnToken, to_text

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def schedules(
    threads: int = 2,
    *,
    decisions: int = 30,
    choices: int = 4,
    granularity: Literal["op", "line"] = "op",
) -> SearchStrategy[str]:
    """A Hypothesis strategy for the tokens that `replay` takes.

    Args:
        threads: how many workers there are.
        decisions: the number of decisions in a run, or more: those that a run does not come to
            change nothing.
        choices: at how many of them another thread than by default goes on, at most.
        granularity: as for `explore`.

    Returns:
        A strategy whose examples are tokens; `replay` takes them without a warning where they do
        not fit.

    Raises:
        ImportError: Hypothesis is not installed: `pip install "genlock[hypothesis]"`.
        TypeError: an argument is not of its type.
        ValueError: an argument is out of its range.
    """
    _arguments.check_count("threads", threads, 1)
    _arguments.check_count("decisions", decisions, 1)
    _arguments.check_count("choices", choices, 0)
    _arguments.check_word("granularity", granularity, ("op", "line"))
    try:
        from hypothesis import strategies
    except ImportError as error:
        raise ImportError(
            'schedules() needs Hypothesis:  pip install "genlock[hypothesis]"', name="hypothesis"
        ) from error

    one = strategies.tuples(
        strategies.integers(0, decisions - 1), strategies.integers(0, threads - 1)
    )
    some = strategies.lists(one, max_size=choices, unique_by=itemgetter(0))
    return some.map(
        lambda drawn: DrawnToken(to_text(tuple(sorted(drawn)), at_lines=granularity == "line"))
    )
