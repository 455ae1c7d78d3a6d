"""Has the hooks of wrapt called for modules that are loaded past its finder.

That is asked only where no other finder comes first, as pytest's does, and by nobody where a
program loads a file by its path, as programs do with their plugins.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import wrapt

if TYPE_CHECKING:
    from collections.abc import Collection
    from importlib.machinery import ModuleSpec
    from types import ModuleType

_HOOKED = wrapt.register_post_import_hook.__module__


def see_loaded(names: Collection[str]) -> None:
    """Have the hooks called for modules of these names, whoever finds them; for good."""
    bootstrap: Any = importlib._bootstrap  # noqa: SLF001
    prepare = getattr(bootstrap, "_init_module_attrs", None)
    if prepare is None:  # as every version has it that this knows of
        return

    def prepare_and_see(spec: Any, module: Any, *, override: bool = False) -> Any:
        prepared = prepare(spec, module, override=override)
        # One that has an `override` is being reloaded.
        if spec.name in names and not override and _can_be_followed(spec.loader):
            spec.loader = _Followed(spec.loader, spec)
        return prepared

    bootstrap._init_module_attrs = prepare_and_see  # noqa: SLF001


def _can_be_followed(loader: object) -> bool:
    return hasattr(loader, "exec_module") and type(loader).__module__ != _HOOKED


class _Followed(wrapt.BaseObjectProxy):  # type: ignore[type-arg]  # not at run time
    """A loader that has the hooks called after it; gives way to the real one when it is used."""

    def __init__(self, loader: Any, spec: ModuleSpec) -> None:
        super().__init__(loader)
        self._self_spec = spec

    def exec_module(self, module: ModuleType) -> None:
        __tracebackhide__ = True  # pytest reports errors that tests have when they are imported
        self._self_spec.loader = self.__wrapped__
        self.__wrapped__.exec_module(module)
        wrapt.notify_module_loaded(module)
