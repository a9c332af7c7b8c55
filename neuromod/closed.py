"""Objects whose public attributes are all declared: a write acts, or raises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from neuromod.notebook import html_of
from neuromod.problems import did_you_mean, unknown_name

__all__ = ["Closed", "Once", "ReadOnly", "ReadOnlyDict", "ReadOnlyList", "fixed", "read_only"]

Array = TypeVar("Array", bound=NDArray[Any])
Item = TypeVar("Item")


class Closed:
    """Base of the public classes: an attribute without a setter cannot be set, and none can be added.

    Names that begin with ``_`` are the class's own affair. A class says in ``_HINTS`` what is to be done in place of
    setting an attribute, or of reading or setting one that it does not have.

    Examples
    --------
    >>> class Clock(Closed):
    ...     _HINTS = {"dt": "make a new clock"}
    ...     @property
    ...     def dt(self):
    ...         return 1.0
    >>> try:
    ...     Clock().dt = 2.0
    ... except AttributeError as error:
    ...     print(error)
    Clock.dt: is read-only; make a new clock
    """

    __slots__ = ()
    _HINTS: dict[str, str] = {}  # noqa: RUF012

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            self._check_can_set(name)
        object.__setattr__(self, name, value)

    if not TYPE_CHECKING:  # type checkers are to go on refusing what is not there

        def __getattr__(self, name: str) -> NoReturn:
            """Say what is near to an attribute that is not there."""
            if name.startswith("_"):  # asked for by copy, pickle, NumPy and IPython
                raise AttributeError(name)
            if hasattr(type(self), name):  # a property's own error
                object.__getattribute__(self, name)
            raise self._no_attribute(name)

    def __delattr__(self, name: str) -> None:
        if not name.startswith("_"):
            raise AttributeError(f"{self._where()}.{name}: must not be deleted")
        object.__delattr__(self, name)

    def _repr_html_(self) -> str:
        return html_of(self)

    def _where(self) -> str:
        """What messages call the object."""
        return type(self).__name__

    def _check_can_set(self, name: str) -> None:
        found = getattr(type(self), name, None)
        if isinstance(found, MemberDescriptorType) or (
            isinstance(found, property) and found.fset is not None
        ):
            return
        if name in dir(self):
            hint = f"; {self._HINTS[name]}" if name in self._HINTS else ""
            raise AttributeError(f"{self._where()}.{name}: is read-only{hint}")
        raise self._no_attribute(name)

    def _no_attribute(self, name: str) -> AttributeError:
        """The error of an attribute that is not there, with the one that is meant."""
        known = [each for each in dir(self) if not each.startswith("_")]
        hint = f"; {self._HINTS[name]}" if name in self._HINTS else ""
        hint = hint or did_you_mean(name, known, tuple(kind.__name__ for kind in type(self).__mro__))
        return AttributeError(f"{self._where()}.{name}: no such attribute{hint}", name=name)


class Once(Closed):
    """Base of what is computed when it is made: its attributes are set once, so that a later write raises.

    A class names them in ``_ONCE``. Classes of users that are derived from it may have attributes of their own.

    Examples
    --------
    >>> class Cells(Once):
    ...     _ONCE = ("n",)
    ...     __module__ = "neuromod.example"
    ...     def __init__(self, n):
    ...         self.n = n
    >>> try:
    ...     Cells(3).n = 4
    ... except AttributeError as error:
    ...     print(error)
    Cells.n: is read-only; make another one
    """

    _ONCE: tuple[str, ...] = ()

    def _check_can_set(self, name: str) -> None:
        if not type(self).__module__.startswith("neuromod."):
            return
        if name in vars(self):
            raise AttributeError(f"{self._where()}.{name}: is read-only; make another one")
        if name not in self._ONCE:
            super()._check_can_set(name)


class FixedArray(np.ndarray[Any, Any]):
    """An array that cannot be written, and says so in words of its own; what is computed from it is a plain array."""

    how: str

    def __setitem__(self, key: Any, value: Any) -> None:
        if not self.flags.writeable:
            raise ValueError(self.how)
        super().__setitem__(key, value)

    def __array_finalize__(self, source: Any) -> None:
        self.how = getattr(source, "how", "the array: is read-only")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **named: Any) -> Any:
        out = named.get("out") or ()
        for each in out:
            if isinstance(each, FixedArray) and not each.flags.writeable:
                raise ValueError(each.how)
        if out:
            named["out"] = tuple(map(_plain_array, out))
        return getattr(ufunc, method)(*map(_plain_array, inputs), **named)

    def copy(self, order: Any = "C") -> NDArray[Any]:  # type: ignore[override]
        """A plain array."""
        return np.array(self, order=order, subok=False)

    def __reduce__(self) -> Any:
        return np.asarray(self).__reduce__()

    def __repr__(self) -> str:
        return repr(np.asarray(self))


def _plain_array(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, FixedArray) else value


def fixed(values: Array, how: str = "") -> Array:
    """The same array, read-only: what a property gives that is a copy, so that a write to it raises.

    Parameters
    ----------
    values : ndarray
        A new one, of which nothing else has a view.
    how : str, optional
        What the error says: *where: rule; what to do*. Default: NumPy's words.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> import numpy as np
    >>> fixed(np.zeros(2)).flags.writeable
    False
    """
    found: Any = values
    if how:
        found = values.view(FixedArray)
        found.how = how
    found.flags.writeable = False
    return found  # type: ignore[no-any-return]


def _refuse(self: Any, *_: Any, **__: Any) -> NoReturn:
    """Refuse: the content cannot be changed."""
    raise TypeError(
        "config: is read-only, since the model was built from it; make a model of a changed copy, copy.deepcopy(config)"
    )


class ReadOnly(Mapping[str, Item]):
    """A mapping that cannot be written, and can be copied and pickled.

    Parameters
    ----------
    content : mapping
        Looked up at each reading.
    where : str
        What messages call the mapping.
    """

    __slots__ = ("_content", "_where")

    def __init__(self, content: Mapping[str, Item], where: str) -> None:
        self._content, self._where = content, where

    def __getitem__(self, name: str) -> Item:
        if name not in self._content:
            raise unknown_name(self._where, name, self._content)
        return self._content[name]

    # Those of `Mapping` search for near names.

    def __contains__(self, name: object) -> bool:
        return name in self._content

    def get(self, name: str, default: Any = None) -> Any:
        """Return what has a name, or `default`; a name that is not there is no mistake."""
        return self._content.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)

    def __repr__(self) -> str:
        return repr(dict(self._content))

    def _repr_html_(self) -> str:
        return html_of(self)


class ReadOnlyDict(dict[str, Any]):
    """A dict whose content cannot be changed; a copy is a plain dict.

    Examples
    --------
    >>> import copy
    >>> config = read_only({"dt": 1.0})
    >>> changed = copy.deepcopy(config)
    >>> changed["dt"] = 0.5
    >>> changed, config
    ({'dt': 0.5}, {'dt': 1.0})
    """

    __setitem__ = __delitem__ = update = setdefault = pop = popitem = clear = __ior__ = _refuse

    def __missing__(self, name: Any) -> NoReturn:
        raise unknown_name("config", name, self)

    def __deepcopy__(self, _: Any) -> dict[str, Any]:
        return _plain(self)  # type: ignore[no-any-return]

    def __copy__(self) -> dict[str, Any]:
        return dict(self)

    def __reduce__(self) -> Any:
        return read_only, (_plain(self),)


class ReadOnlyList(list[Any]):
    """A list whose content cannot be changed; a copy is a plain list."""

    __setitem__ = __delitem__ = append = extend = insert = pop = remove = clear = _refuse
    sort = reverse = __iadd__ = __imul__ = _refuse

    def __deepcopy__(self, _: Any) -> list[Any]:
        return _plain(self)  # type: ignore[no-any-return]

    def __copy__(self) -> list[Any]:
        return list(self)

    def __reduce__(self) -> Any:
        return read_only, (_plain(self),)


def read_only(value: Any) -> Any:
    """The same value with dicts and lists that cannot be changed, at any depth.

    Parameters
    ----------
    value : object
        Nested dicts, lists and scalars.

    Examples
    --------
    >>> read_only({"areas": [{"name": "V1"}]})["areas"][0]["name"]
    'V1'
    """
    if isinstance(value, dict):
        return ReadOnlyDict({key: read_only(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return ReadOnlyList([read_only(item) for item in value])
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
