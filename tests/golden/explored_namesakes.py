"""A deadlock of two guards that one function made: they are numbered as setup returns them."""

from collections.abc import Generator

import genlock
from genlock.testing import explore

Accounts = tuple[genlock.GuardedGenerator[int, int, None], ...]


@genlock.coroutine
def account() -> Generator[int, int, None]:
    total = 0
    while True:
        total += yield total


def two_accounts() -> Accounts:
    return account(), account()


def there(accounts: Accounts) -> None:
    with genlock.exclusive(accounts[0]):
        accounts[1].send(5)


def back(accounts: Accounts) -> None:
    with genlock.exclusive(accounts[1]):
        accounts[0].send(5)


print(explore(two_accounts, [there, back]))
