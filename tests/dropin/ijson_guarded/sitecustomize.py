"""Guards ijson in every interpreter that finds this directory: also in those that its tests start.

Interpreters import a module of this name when they start.
"""

from importing import guard_modules

guard_modules(lambda name: name.partition(".")[0] == "ijson")
