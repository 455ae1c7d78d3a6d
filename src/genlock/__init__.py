"""Generator coroutines that threads can share, and that say what happened when they fail."""

from genlock._decorators import coroutine, guarded
from genlock._deferral import DEFERRED, Deferred
from genlock._errors import (
    AbandonedGeneratorError,
    ContendedCallError,
    DeadlockError,
    GeneratorBusyError,
    GenlockError,
    GuardTimeoutError,
    NotPrimedError,
    ReentrantCallError,
    UndeliveredValuesError,
)
from genlock._exclusive import exclusive
from genlock._guard import DeferringGenerator, GuardedGenerator, GuardedIterator, guard
from genlock._policy import Policy, configure
from genlock._records import Diagnosis, Site, Step, Strand

__version__ = "0.1.0"

__all__ = [
    "DEFERRED",
    "AbandonedGeneratorError",
    "ContendedCallError",
    "DeadlockError",
    "Deferred",
    "DeferringGenerator",
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
    "UndeliveredValuesError",
    "configure",
    "coroutine",
    "exclusive",
    "guard",
    "guarded",
]
