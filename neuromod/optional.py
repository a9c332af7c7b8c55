"""Libraries that are loaded only where a call needs them."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["installing", "optional_module"]


def optional_module(module: str, extra: str, what: str) -> Any:
    """The module of that name; ModuleNotFoundError that names the extra to install.

    Parameters
    ----------
    module : str
        For example ``"scipy.sparse"``.
    extra : str
        Extra of this package that brings it.
    what : str
        The call that needs it, for the message.
    """
    library = module.split(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != library:
            raise
        raise ModuleNotFoundError(f"{what} needs {library}: {installing(extra)}", name=library) from None


def installing(extra: str) -> str:
    """The command that installs an extra of this package, and the one for a clone of it.

    >>> installing("plot")
    'pip install "neuromod-snn[plot]", in a clone pip install ".[plot]"'
    """
    return f'pip install "neuromod-snn[{extra}]", in a clone pip install ".[{extra}]"'
