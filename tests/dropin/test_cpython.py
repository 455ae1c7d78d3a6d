"""The interpreter's own tests of generators pass with every generator in them guarded."""

from __future__ import annotations

import pytest

import suites
import table


@pytest.fixture(params=suites.SUITES)
def suite(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if not suites.is_shipped(name):
        pytest.skip(f"this interpreter came without test.{name}")
    return name


def test_nothing_fails_but_what_is_known_to(suite: str) -> None:
    outcome = suites.run_suite(suite)
    known = suites.known_failures(suite)
    assert outcome.failed.keys() == known.keys(), outcome.failed
    for test, failure in known.items():
        if failure.examples:
            assert outcome.failed[test] == [example for example, _ in failure.examples]
    assert not outcome.unexpected_successes


def test_guards_were_in_the_way(suite: str) -> None:
    outcome = suites.run_suite(suite)
    assert outcome.run > outcome.skipped
    assert outcome.served > 0


def test_the_readme_says_so(suite: str) -> None:
    rows = [row for row in table.written() if row.suite == suite]
    assert {row.python.rpartition(".")[0] for row in rows} == set(suites.ALL_RELEASES)
    if suites.PYTHON not in {row.python for row in rows}:
        pytest.skip(f"README.md speaks of other releases than {suites.PYTHON}")
    assert table.measured(suite) in rows


def test_no_more_than_eight_fail() -> None:
    for release in suites.ALL_RELEASES:
        known = [known for known in suites.KNOWN_FAILURES if release in known.releases]
        assert len(known) <= 8
        assert all(failure.reasons for failure in known)
