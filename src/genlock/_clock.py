"""The clock of events: monotonic, and as quick to read as this interpreter can."""

from __future__ import annotations

import sys
import time

if sys.version_info >= (3, 12) and hasattr(time, "CLOCK_MONOTONIC"):
    # A call with one argument takes 10 ns less than one with none, and a float 5 ns less than an
    # int. A float of seconds is exact to the nanosecond in the first hundred days of a machine.
    READING = "_clock(_CLOCK_ID)"
    read = time.clock_gettime
    CLOCK_ID = time.CLOCK_MONOTONIC
