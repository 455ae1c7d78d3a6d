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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from genlock._events import Event
    from genlock._recording import Recording, load, trace
    from genlock._subscribing import Subscription, subscribe

__version__ = "0.1.0"

__all__ = [
    "DEFERRED",
    "AbandonedGeneratorError",
    "ContendedCallError",
    "DeadlockError",
    "Deferred",
    "DeferringGenerator",
    "Diagnosis",
    "Event",
    "GeneratorBusyError",
    "GenlockError",
    "GuardTimeoutError",
    "GuardedGenerator",
    "GuardedIterator",
    "NotPrimedError",
    "Policy",
    "Recording",
    "ReentrantCallError",
    "Site",
    "Step",
    "Strand",
    "Subscription",
    "UndeliveredValuesError",
    "configure",
    "coroutine",
    "exclusive",
    "guard",
    "guarded",
    "load",
    "subscribe",
    "trace",
]

_LATER: dict[str, str] = {
    "Event": "genlock._events",
    "Recording": "genlock._recording",
    "Subscription": "genlock._subscribing",
    "load": "genlock._recording",
    "subscribe": "genlock._subscribing",
    "trace": "genlock._recording",
}
"""Where the names are that few programs use, imported when one asks for them (PEP 562)."""


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module 'genlock' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_LATER[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
