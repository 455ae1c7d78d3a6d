"""Sees the interpreter's errors about generators at the moment that they are raised."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from genlock._frames import is_internal, is_interruption
from genlock._protocol import SUSPECTS, recognise

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

    from genlock._records import Sighting

    Sight = Callable[[BaseException, FrameType], Sighting]
    Place = tuple[CodeType, int]

_REMEMBERED = 256
_REST = 50
"""How many times as long as it took to look around no other look is taken at the same places."""

_TOOLS = (4, 3, 5, 1, 2, 0)
"""The identifiers of monitoring tools; first those that no kind of tool is advised to take."""
