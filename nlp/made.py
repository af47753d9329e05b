"""Models of one's own, named in the settings by ``module:function``."""

from __future__ import annotations

from importlib import import_module

from incidents.errors import ModelError


def made(name: str) -> object:
    """What ``function()`` of ``module`` returns. The settings file is the operator's own, so what it names is run.

    Raises:
        ModelError: there is no such module or function, or it could not make a model.
    """
    module, _, function = name.partition(":")
    try:
        return getattr(import_module(module), function)()
    except ModelError:
        raise
    except Exception as error:  # anything may go wrong in code that is not ours; around one load
        raise ModelError(f"The model {name!r} cannot be made: {type(error).__name__}: {error}.") from error
