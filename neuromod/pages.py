"""The pages of the guide, which are installed with the package: ``neuromod guide`` lists and prints them."""

from __future__ import annotations

from importlib.resources import files

from neuromod.problems import did_you_mean, shown

__all__ = ["listing", "page"]

_GUIDE = files("neuromod") / "guide"


def _names() -> list[str]:
    """Names of the pages, the index first."""
    found = sorted(each.name.removesuffix(".md") for each in _GUIDE.iterdir() if each.name.endswith(".md"))
    return sorted(found, key=lambda name: name != "index")


def listing() -> str:
    """A line for each page: its name and title; then where they are.

    Examples
    --------
    >>> print(listing())  # doctest: +ELLIPSIS
    index               ...
    agents              ...
    """
    lines = [f"{name:<24}{_title(page(name))}" for name in _names()]
    return "\n".join([*lines, "", f"`neuromod guide NAME` prints one; they are in {_GUIDE}"])


def page(name: str) -> str:
    """The text of a page.

    Parameters
    ----------
    name : str
        As in `listing`; with or without ``.md``.

    Raises
    ------
    ValueError
        If there is none of that name; names the nearest.

    Examples
    --------
    >>> page("units").splitlines()[0]
    '# Units and conventions'
    """
    known = _names()
    if name.removesuffix(".md") not in known:
        hint = did_you_mean(name, known) or f"; there are {', '.join(known)}"
        raise ValueError(f"page: must be a page of the guide; got {shown(name)}{hint}")
    return (_GUIDE / f"{name.removesuffix('.md')}.md").read_text(encoding="utf-8")


def _title(text: str) -> str:
    return text.partition("\n")[0].removeprefix("#").strip()
