"""A generator that only produces can be shared too: four threads, one ``for`` loop each."""

from collections import Counter
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor

import genlock

LIMIT = 10**200
THREADS = 4


def fibonacci() -> Generator[int, None, None]:
    """Yield the Fibonacci numbers; whoever asks decides when to stop."""
    number, following = 0, 1
    while True:
        yield number
        number, following = following, number + following


def up_to(limit: int, numbers: Iterable[int]) -> list[int]:
    """Take numbers until one is above ``limit``."""
    taken = []
    for number in numbers:
        if number > limit:
            break
        taken.append(number)
    return taken


def main() -> None:
    """Take the numbers alone, then with four threads that share one guard."""
    print(*up_to(100, genlock.guard(fibonacci())))

    shared = genlock.guard(fibonacci())
    with ThreadPoolExecutor(THREADS) as pool:
        shares = list(pool.map(up_to, [LIMIT] * THREADS, [shared] * THREADS))

    expected = up_to(LIMIT, fibonacci())
    together = [number for share in shares for number in share]
    exactly_once = Counter(together) == Counter(expected)
    print(f"{THREADS} threads took {len(together)} numbers, each exactly once: {exactly_once}")


if __name__ == "__main__":
    main()
