"""Generator coroutines that threads can share, and that say what happened when they fail."""

from genlock._decorators import coroutine, guarded
from genlock._errors import (
    ContendedCallError,
    DeadlockError,
    GeneratorBusyError,
    GenlockError,
    GuardTimeoutError,
    NotPrimedError,
    ReentrantCallError,
)
from genlock._guard import GuardedGenerator, GuardedIterator, guard
from genlock._policy import Policy, configure
from genlock._records import Diagnosis, Site, Step, Strand

__version__ = "0.1.0"

__all__ = [
    "ContendedCallError",
    "DeadlockError",
    "Diagnosis",
    "GeneratorBusyError",
    "GenlockError",
    "GuardTimeoutError",
    "GuardedGenerator",
    "GuardedIterator",
    "NotPrimedError",
    "Policy",
    "ReentrantCallError",
    "Site",
    "Step",
    "Strand",
    "configure",
    "coroutine",
    "guard",
    "guarded",
]
