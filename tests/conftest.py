"""Lets the tests import the examples by name, as they import each other."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
