"""Files of a model alone; those of whole simulations are `neuromod.keeping`'s."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from neuromod.archive import read_archive, write_archive
from neuromod.errors import ConfigError, FileError
from neuromod.network.saved import plain_content_of, plain_model_again

__all__ = ["load", "problems_of", "save"]

Model = Any


def save(model: Model, path: Any) -> None:
    """Write the model to a file."""
    with model._store.gate:
        content = plain_content_of(model)
    write_archive(path, "model", content)


def load(cls: type[Model], path: Any) -> Model:
    """The model of a file that `save` has written."""
    found = read_archive(path, "model")
    with problems_of(path):
        return plain_model_again(cls, found.content, "model")


@contextlib.contextmanager
def problems_of(path: Any) -> Iterator[None]:
    """What is wrong with the content of a file, as a `FileError` that names the file."""
    try:
        yield
    except FileError:
        raise
    except ConfigError as error:
        raise FileError([f"{path}: {problem}" for problem in error.problems]) from None
    except ValueError as error:
        raise FileError([f"{path}: {error}"]) from None
