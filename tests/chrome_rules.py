"""What Chrome and Perfetto ask of a trace, as far as genlock makes use of their format."""

from __future__ import annotations

import json
from typing import Any

SLACK = 1e-6  # microseconds: what is lost where times are written in decimals


def check(text: str) -> list[dict[str, Any]]:
    """The entries of a trace, if it keeps the rules; AssertionError if not."""
    whole = json.loads(text)
    entries: list[dict[str, Any]] = whole["traceEvents"]
    assert whole["displayTimeUnit"] in ("ns", "ms")
    for entry in entries:
        assert isinstance(entry["name"], str)
        assert type(entry["pid"]) is type(entry["tid"]) is int
        _CHECKS[entry["ph"]](entry)
    check_nesting([entry for entry in entries if entry["ph"] == "X"])
    check_arrows(entries)
    check_names(entries)
    return entries


def check_slice(entry: dict[str, Any]) -> None:
    check_instant({**entry, "s": "t"})
    assert entry["dur"] >= 0


def check_instant(entry: dict[str, Any]) -> None:
    assert entry["ts"] >= 0
    assert entry["cat"]
    assert entry["s"] == "t"


def check_arrow(entry: dict[str, Any]) -> None:
    assert entry["ts"] >= 0
    assert type(entry["id"]) is int
    assert (entry.get("bp") == "e") == (entry["ph"] == "f")


def check_meta(entry: dict[str, Any]) -> None:
    assert entry["name"] == "thread_name"
    assert isinstance(entry["args"]["name"], str)


_CHECKS = {"X": check_slice, "i": check_instant, "s": check_arrow, "f": check_arrow}
_CHECKS["M"] = check_meta


def check_nesting(slices: list[dict[str, Any]]) -> None:
    """Slices of one thread lie within one another or apart."""
    lanes: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for entry in slices:
        span = (entry["ts"], entry["ts"] + entry["dur"])
        lanes.setdefault((entry["pid"], entry["tid"]), []).append(span)
    for spans in lanes.values():
        spans.sort(key=lambda span: (span[0], -span[1]))
        open_: list[float] = []
        for begin, end in spans:
            while open_ and open_[-1] <= begin + SLACK:
                open_.pop()
            assert not open_ or end <= open_[-1] + SLACK, "slices of one thread overlap"
            open_.append(end)


def check_arrows(entries: list[dict[str, Any]]) -> None:
    """Every arrow has one begin and one end, in that order, each on a slice of its thread."""
    ends: dict[int, list[dict[str, Any]]] = {}
    for entry in entries:
        if entry["ph"] in "sf":
            ends.setdefault(entry["id"], []).append(entry)
    lanes: dict[int, list[dict[str, Any]]] = {}
    for entry in entries:
        if entry["ph"] == "X":
            lanes.setdefault(entry["tid"], []).append(entry)
    for pair in ends.values():
        begin, end = sorted(pair, key=lambda entry: entry["ph"], reverse=True)
        assert (begin["ph"], end["ph"]) == ("s", "f")
        assert begin["ts"] <= end["ts"]
        assert (begin["name"], begin["cat"]) == (end["name"], end["cat"])
        for entry in pair:
            assert any(
                other["ts"] - SLACK <= entry["ts"] <= other["ts"] + other["dur"] + SLACK
                for other in lanes.get(entry["tid"], ())
            ), "an arrow leads nowhere"


def check_names(entries: list[dict[str, Any]]) -> None:
    """Every thread has a name, and one only."""
    named = [entry["tid"] for entry in entries if entry["ph"] == "M"]
    assert sorted(named) == sorted({entry["tid"] for entry in entries})
