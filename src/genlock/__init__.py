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
from genlock._guard import (
    DeferringGenerator,
    GuardedGenerator,
    GuardedIterator,
    GuardedSender,
    guard,
)
from genlock._policy import Policy, configure
from genlock._records import Diagnosis, Site, Step, Strand

TYPE_CHECKING = False
if TYPE_CHECKING:
    from genlock._explaining._excepthook import install_excepthook
    from genlock._explaining._explain import Explanation, explain
    from genlock._explaining._explain_filter import ExplainFilter
    from genlock._observing._live import dump, snapshot, state
    from genlock._observing._on_signal import dump_on_signal
    from genlock._observing._snapshots import Snapshot
    from genlock._observing._watch import watch
    from genlock._programs._instrument import Instrument, instrument
    from genlock._records import Candidate, GuardState, LongStay, Sighting, Wait
    from genlock._traces._calls import CallGraph, Cycle, Edge, Inversion, Node
    from genlock._traces._events import Event
    from genlock._tracing._recording import Recording, load, trace
    from genlock._tracing._subscribing import Subscription, subscribe

__version__ = "0.1.0"

__all__ = [
    "DEFERRED",
    "AbandonedGeneratorError",
    "CallGraph",
    "Candidate",
    "ContendedCallError",
    "Cycle",
    "DeadlockError",
    "Deferred",
    "DeferringGenerator",
    "Diagnosis",
    "Edge",
    "Event",
    "ExplainFilter",
    "Explanation",
    "GeneratorBusyError",
    "GenlockError",
    "GuardState",
    "GuardTimeoutError",
    "GuardedGenerator",
    "GuardedIterator",
    "GuardedSender",
    "Instrument",
    "Inversion",
    "LongStay",
    "Node",
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
    "CallGraph": "genlock._traces._calls",
    "Candidate": "genlock._records",
    "Cycle": "genlock._traces._calls",
    "Edge": "genlock._traces._calls",
    "Event": "genlock._traces._events",
    "ExplainFilter": "genlock._explaining._explain_filter",
    "Explanation": "genlock._explaining._explain",
    "GuardState": "genlock._records",
    "Instrument": "genlock._programs._instrument",
    "Inversion": "genlock._traces._calls",
    "LongStay": "genlock._records",
    "Node": "genlock._traces._calls",
    "Recording": "genlock._tracing._recording",
    "Sighting": "genlock._records",
    "Snapshot": "genlock._observing._snapshots",
    "Subscription": "genlock._tracing._subscribing",
    "Wait": "genlock._records",
    "dump": "genlock._observing._live",
    "dump_on_signal": "genlock._observing._on_signal",
    "explain": "genlock._explaining._explain",
    "install_excepthook": "genlock._explaining._excepthook",
    "instrument": "genlock._programs._instrument",
    "load": "genlock._tracing._recording",
    "snapshot": "genlock._observing._live",
    "state": "genlock._observing._live",
    "subscribe": "genlock._tracing._subscribing",
    "trace": "genlock._tracing._recording",
    "watch": "genlock._observing._watch",
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
