"""Two threads that send to one bare coroutine, and the same two with a guard."""

from collections.abc import Generator

import genlock
from genlock.testing import explore


class Account:
    def __init__(self) -> None:
        self.balance = self.ledger()
        next(self.balance)

    def ledger(self) -> Generator[int, int, None]:
        total = 0
        while True:
            amount = yield total
            total += amount


class GuardedAccount(Account):
    def __init__(self) -> None:
        self.balance = genlock.guard(self.ledger(), prime=True)


def salary(account: Account) -> None:
    account.balance.send(100)


def rent(account: Account) -> None:
    account.balance.send(-60)


def is_right(account: Account) -> bool:
    return account.balance.send(0) == 40


print(explore(Account, [salary, rent], is_right))
print()
print(explore(GuardedAccount, [salary, rent], is_right))
