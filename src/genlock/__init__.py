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
    from genlock._excepthook import install_excepthook
    from genlock._explain import Explanation, explain
    from genlock._explain_filter import ExplainFilter
    from genlock._instrument import Instrument, instrument
    from genlock._live import dump, snapshot, state
    from genlock._on_signal import dump_on_signal
    from genlock._recording import Recording, load, trace
    from genlock._records import Candidate, GuardState, LongStay, Sighting, Wait
    from genlock._snapshots import Snapshot
    from genlock._subscribing import Subscription, subscribe
    from genlock._watch import watch

__version__ = "0.1.0"

__all__ = [
    "DEFERRED",
    "AbandonedGeneratorError",
    "Candidate",
    "ContendedCallError",
    "DeadlockError",
    "Deferred",
    "DeferringGenerator",
    "Diagnosis",
    "Event",
    "ExplainFilter",
    "Explanation",
    "GeneratorBusyError",
    "GenlockError",
    "GuardState",
    "GuardTimeoutError",
    "GuardedGenerator",
    "GuardedIterator",
    "Instrument",
    "LongStay",
    "NotPrimedError",
    "Policy",
    "Recording",
    "ReentrantCallError",
    "Sighting",
    "Site",
    "Snapshot",
    "Step",
    "Strand",
    "Subscription",
    "UndeliveredValuesError",
    "Wait",
    "configure",
    "coroutine",
    "dump",
    "dump_on_signal",
    "exclusive",
    "explain",
    "guard",
    "guarded",
    "install_excepthook",
    "instrument",
    "load",
    "snapshot",
    "state",
    "subscribe",
    "trace",
    "watch",
]

_LATER: dict[str, str] = {
    "Candidate": "genlock._records",
    "Event": "genlock._events",
    "ExplainFilter": "genlock._explain_filter",
    "Explanation": "genlock._explain",
    "GuardState": "genlock._records",
    "Instrument": "genlock._instrument",
    "LongStay": "genlock._records",
    "Recording": "genlock._recording",
    "Sighting": "genlock._records",
    "Snapshot": "genlock._snapshots",
    "Subscription": "genlock._subscribing",
    "Wait": "genlock._records",
    "dump": "genlock._live",
    "dump_on_signal": "genlock._on_signal",
    "explain": "genlock._explain",
    "install_excepthook": "genlock._excepthook",
    "instrument": "genlock._instrument",
    "load": "genlock._recording",
    "snapshot": "genlock._live",
    "state": "genlock._live",
    "subscribe": "genlock._subscribing",
    "trace": "genlock._recording",
    "watch": "genlock._watch",
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
