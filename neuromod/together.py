"""Checks of several arguments, of which all that fail are reported at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from neuromod.errors import ConfigError

__all__ = ["Together"]

Value = TypeVar("Value")
Arguments = ParamSpec("Arguments")


class Together:
    """What checks raise, collected: call it with a check and its arguments, and `finish` at the end.

    Examples
    --------
    >>> found = Together()
    >>> found(int, "3"), found(int, "a"), found(float, "b")
    (3, None, None)
    >>> len(found)
    2
    """

    def __init__(self) -> None:
        self.errors: list[ValueError | TypeError] = []

    def __len__(self) -> int:
        return len(self.errors)

    def __call__(
        self, check: Callable[Arguments, Value], *arguments: Arguments.args, **named: Arguments.kwargs
    ) -> Value | None:
        """What the check gives; None where it raises ValueError or TypeError, which is kept."""
        try:
            return check(*arguments, **named)
        except (ValueError, TypeError) as error:
            self.errors.append(error)
            return None

    def wrong(self, problem: str) -> None:
        """Note a problem, ``where: rule; what came``."""
        self.errors.append(ConfigError([problem]))

    @property
    def problems(self) -> list[str]:
        """What was kept, each problem once."""
        return [*dict.fromkeys(line for error in self.errors for line in _lines(error))]

    def finish(self) -> None:
        """Raise what was kept: one error as it came; several as a ConfigError that lists each once."""
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            raise ConfigError(self.problems)


def _lines(error: ValueError | TypeError) -> tuple[str, ...]:
    return error.problems if isinstance(error, ConfigError) else (str(error),)
