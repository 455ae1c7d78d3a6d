"""What was wrong with two bare coroutines, told by a program; then the cure, without touching them.

Programs need not parse what `explain` says: it comes as plain records, too.
"""

from collections.abc import Generator

import genlock

Player = Generator[None, int, None]


def player(others: list[Player]) -> Player:
    """Count down, and let the next one go on."""
    while True:
        count = yield
        if count:
            next_one = others[count % 2]
            next_one.send(count - 1)


def new_game() -> list[Player]:
    """Two players who know each other, both at their first yield."""
    players: list[Player] = []
    players += player(players), player(players)
    for one in players:
        next(one)
    return players


def facts(explanation: genlock.Explanation) -> str:
    """Which generator it was, and what it was doing, without a word of prose."""
    sighting: genlock.Sighting | None = explanation.sighting
    if sighting is None:
        return explanation.code
    candidates: tuple[genlock.Candidate, ...] = sighting.candidates
    (candidate,) = candidates
    return f"{explanation.code}: {candidate.name} was {candidate.state}, by {sighting.expression}"


def main() -> None:
    """Play bare, explain what happens, play again with guards put around from outside."""
    try:
        new_game()[0].send(4)
    except ValueError as error:
        print(facts(genlock.explain(error)))
    handle: genlock.Instrument = genlock.instrument(f"{__name__}:player", on_reentry="defer")
    with handle:
        new_game()[0].send(4)
        print("played to the end:", *handle.matched)


if __name__ == "__main__":
    main()
