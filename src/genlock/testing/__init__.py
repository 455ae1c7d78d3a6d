"""The testing kit: find an order of threads that fails, replay it, keep it fixed.

Functions that need no test runner. `explore` tries the orders in which threads can take turns,
`replay` runs one of them again, `schedules` draws them for Hypothesis; `hammer` lets threads run
into one another as they like. `transcript` and `drive` are for one generator in one thread;
`assert_no_cycle`, `assert_no_inversion` and `leaks` for what must not be there in the end.
"""

from genlock.testing._explore import Exploration, explore, replay
from genlock.testing._hammer import hammer
from genlock.testing._leaks import Leak, leaks
from genlock.testing._orders import assert_no_cycle, assert_no_inversion
from genlock.testing._strategies import schedules
from genlock.testing._transcript import Transcript, drive, transcript

__all__ = [
    "Exploration",
    "Leak",
    "Transcript",
    "assert_no_cycle",
    "assert_no_inversion",
    "drive",
    "explore",
    "hammer",
    "leaks",
    "replay",
    "schedules",
    "transcript",
]
