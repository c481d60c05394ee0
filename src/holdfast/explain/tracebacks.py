"""An exception made from a printed traceback: its class, what its message tells, and the chain that led to it."""

from __future__ import annotations

import re
from typing import NamedTuple

from .named import Named, NamingError, exception_named

_CAUSE = "The above exception was the direct cause of the following exception:"
_CONTEXT = "During handling of the above exception, another exception occurred:"

_EXCEPTION = re.compile(r"^(?P<name>[A-Za-z_][\w.]*)(?:: ?(?P<message>.*))?$")
_FRAME = re.compile(r'^\s*File ".*", line \d+')
_BORDER = re.compile(r"^[ |]*\+[-+]+(?: \d+ -+| \.\.\. -+|-*)$")  # between the members of an exception group
_GROUP = re.compile(r"\(\d+ sub-exceptions?\)$")

_ENDINGS = ("Error", "Exception", "Exit", "Interrupt", "Group")
_ERRNO = re.compile(r"\[(?:Errno|WinError) (-?\d+)\] ?([^\[]*)")
_AWS = re.compile(r"An error occurred \((\w[\w.]*)\) when calling")
_ORIGINAL = re.compile(r"\(((?:\w+\.)+\w+)\) (.*)", re.DOTALL)
_STATUS = re.compile(
    r"(?:^|\b(?:error code|(?:client |server )?error|status(?: code)?|http(?:/[\d.]+)?|returned)\W{1,3})([345]\d\d)\b",
    re.IGNORECASE,
)


class Part(NamedTuple):
    """One printed exception: its name, its message, and whether the one before it is its cause."""

    name: str
    message: str
    is_caused: bool


def exception_in(text: str) -> Named:
    r"""Return the exception that a printed traceback ends with, with the ones before it as its cause or context.

    A group comes back with those of its members that could be read. Raises `NamingError` if there is no exception.

    >>> exception_in("Traceback (most recent call last):\nValueError: no\n").error
    ValueError('no')
    """
    sections: list[list[str]] = [[]]
    for line in text.splitlines():
        if _BORDER.match(line):
            sections.append([])
        else:
            sections[-1].append(line.lstrip(" |") if len(sections) > 1 else line.removeprefix("  | "))
    found = [made for lines in sections if (made := _chain(lines)) is not None]
    if not found:
        raise NamingError("no exception was found in the text; give a traceback as Python prints it")
    if len(found) == 1:
        return found[0]
    members = [made.error for made in found if isinstance(made.error, Exception)]
    return Named(ExceptionGroup("as printed", members), is_real=True)


def _chain(lines: list[str]) -> Named | None:
    """Return the exception that one section ends with, and the chain before it; None if none, or if it is a group."""
    made: Named | None = None
    for part in _parts(lines):
        following = None if _GROUP.search(part.message) else _exception(part)
        if following is None:
            continue
        if made is not None:
            if part.is_caused:
                following.error.__cause__ = made.error
            else:
                following.error.__context__ = made.error
        made = following
    return made


def _parts(lines: list[str]) -> list[Part]:
    parts: list[Part] = []
    pending: list[str] = []
    is_caused = False
    for line in [*lines, _CONTEXT]:
        if line.strip() in {_CAUSE, _CONTEXT}:
            part = _last(pending, is_caused=is_caused)
            if part is not None:
                parts.append(part)
            pending, is_caused = [], line.strip() == _CAUSE
        else:
            pending.append(line)
    return parts


def _last(lines: list[str], *, is_caused: bool) -> Part | None:
    """Return the exception below the last frame: its line, and the rest of its message below that."""
    frames = [at for at, line in enumerate(lines) if _FRAME.match(line)]
    begin = frames[-1] + 1 if frames else 0
    for at in range(begin, len(lines)):
        match = _EXCEPTION.match(lines[at])
        if match is not None and _may_be_an_exception(match["name"], bare=match["message"] is None):
            return Part(match["name"], "\n".join([match["message"] or "", *lines[at + 1 :]]).strip(), is_caused)
    return None


def _may_be_an_exception(name: str, *, bare: bool) -> bool:
    own = name.rpartition(".")[2]
    return "." in name or own.endswith(_ENDINGS) or (not bare and own[0].isupper())


def _exception(part: Part) -> Named | None:
    code = _AWS.search(part.message)
    status = None if code else _STATUS.search(part.message)
    try:
        made = exception_named(part.name, message=part.message, status=int(status[1]) if status else None)
    except NamingError:
        return None
    error = made.error
    errno = _ERRNO.search(part.message)
    if errno and isinstance(error, OSError):
        error.errno, error.strerror = int(errno[1]), errno[2].strip()
    if code:
        error.response = {"Error": {"Code": code[1]}}  # type: ignore[attr-defined]
    original = _ORIGINAL.match(part.message)
    if original:
        inner = _exception(Part(original[1], original[2], is_caused=False))
        if inner is not None:
            error.orig = inner.error  # type: ignore[attr-defined]
    return made
