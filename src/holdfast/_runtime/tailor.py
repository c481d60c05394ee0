"""Wrappers cut to the measure of the function they guard.

A wrapper that takes `*args, **kwargs` pays more for packing and unpacking them than for all that a guard does on its
quiet path. So a guard writes its wrapper once, as a template, and each function gets one of its own that takes exactly
the function's parameters, plain or async as the function is. (The standard library makes dataclasses and named tuples
in the same way.)

A template is the body of the wrapper in Python, with these words in it:

=====================  ========================================================================
``AWAIT``              ``await`` for an async function, nothing for a plain one
``CALL(something)``    the call of `something` with what the wrapper was called with
``ARGS``, ``KWARGS``   the same as a tuple and a dict, for the slow path
``#: words``           behind a line: only where all of these words hold (below)
=====================  ========================================================================

``plain`` functions may return something to await, so their wrapper looks at each result. Of several guards around one
function only the innermost needs to: it is ``looking``, and the others are ``trusting``. They call the guard
``beneath`` them in another form than anybody else does (that is its ``outermost`` form): one that raises what is to be
awaited, in a `Handed`, and so returns nothing but plain results.

Rules that keep the result a good citizen:

* The parameters have names of their own while the template is compiled, and get the function's names afterwards, in the
  code object; so they can be named like anything the template uses. The template's variables get a dot before theirs
  then, as CPython does with variables of its own, so that a debugger does not take one for the other.
* Functions of the same shape share what was compiled, so that decorating costs microseconds; but each wrapper has a
  code object of its own, since CPython keeps what it learns of a call site there.
* What is no plain Python function (a partial, a builtin, a callable object) is called with `*args, **kwargs`.
"""

from __future__ import annotations

from functools import lru_cache
from types import FunctionType, GeneratorType
from weakref import ref

from ..functions import is_async
from ..typed import TYPE_CHECKING
from .callables import dress, is_awaitable

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    Shape: TypeAlias = tuple[int, int, tuple[str, ...], bool, bool]
    """How the parameters of a function are passed, whatever their names: how many positional-only ones, how many
    positional ones in all, the names of the keyword-only ones (they alone need theirs), and if there are `*args` and
    `**kwargs`."""

_VARARGS = 0x04
_VARKEYWORDS = 0x08  # bits of `code.co_flags`, as documented in the `inspect` module
_SHAPES_KEPT = 256
_TYPES_KEPT = 16


_ANYTHING: Shape = (0, 0, (), True, True)


class Template:
    """The wrapper of one guard: `body` as told above; `names` are those that `tailor` is given values for."""

    __slots__ = ("body", "guard", "names", "stacks")

    def __init__(self, guard: str, names: str, body: str) -> None:
        self.guard = guard
        self.names = names
        self.body = body
        self.stacks = "#: beneath" in body


class Handed(BaseException):
    """What a guard beneath another one returned that is to be awaited; never seen outside these two wrappers."""

    __slots__ = ("result",)

    def __init__(self, result: object) -> None:
        self.result = result

    def taken(self) -> Any:
        """Give it away."""
        result, self.result = self.result, None
        return result


def hand(result: object) -> object:
    """Return a plain result; raise what is to be awaited."""
    if is_awaitable(result):
        raise Handed(result)
    return result


class _Making:
    """What a wrapper was made of. It hangs on the wrapper, so that nothing else keeps either of them alive."""

    __slots__ = ("function", "template", "values", "wrapper")

    def __init__(
        self, wrapper: FunctionType, template: Template, function: Callable[..., Any], values: dict[str, object]
    ) -> None:
        self.wrapper = ref(wrapper)  # others may copy a function's attributes to another one, as `functools.wraps` does
        self.template = template
        self.function = function
        self.values = values


_MAKING = "__holdfast_making__"


def beneath(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the form of a wrapper for the guard that is put around it now, or `function` itself if it has none."""
    making = function.__dict__.get(_MAKING) if isinstance(function, FunctionType) else None
    if making is None or making.wrapper() is not function:
        return function
    form: Callable[..., Any] = _cut(making.template, making.function, making.values, stacked=True)
    return form


def tailor(template: Template, function: Callable[..., Any], *, as_called: bool = False, **values: object) -> Any:
    """Return a wrapper of `function` with its looks and its parameters; `values` are the template's names.

    `as_called`: the wrapper takes `*args, **kwargs`, so that ARGS and KWARGS are what the caller wrote.
    """
    wrapper = _cut(template, function, values, as_called=as_called)
    if template.stacks and not is_async(function):
        wrapper.__dict__[_MAKING] = _Making(wrapper, template, function, values)
    return wrapper


def _cut(
    template: Template,
    function: Callable[..., Any],
    values: dict[str, object],
    *,
    as_called: bool = False,
    stacked: bool = False,
) -> Any:
    shape, names = (_ANYTHING, ("args", "kwargs")) if as_called else _measure(function)
    words = {"async"} if is_async(function) else {"plain", "beneath" if stacked else "outermost"}
    if "plain" in words:
        words.add("looking" if values.get("inner", function) is function else "trusting")
    pattern = _factory(template, shape, frozenset(words))(function, **values)
    code = pattern.__code__
    code = code.replace(
        co_varnames=(*names, *_hidden(code.co_varnames[len(names) :])), co_freevars=_hidden(code.co_freevars)
    )
    own = function if isinstance(function, FunctionType) and not as_called else pattern
    # A new function, since CPython does not optimise calls of one whose code or defaults have been changed.
    wrapper = FunctionType(code, pattern.__globals__, pattern.__name__, own.__defaults__, pattern.__closure__)
    if own.__kwdefaults__:
        wrapper.__kwdefaults__ = own.__kwdefaults__
    return dress(wrapper, function)


def _hidden(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names of the template as no parameter can be called; debuggers tell variables apart by their names."""
    return tuple(f".{name}" for name in names)


def _measure(function: object) -> tuple[Shape, tuple[str, ...]]:
    """Return the shape and the names of the parameters."""
    if not isinstance(function, FunctionType):
        return _ANYTHING, ("args", "kwargs")
    code = function.__code__
    named = code.co_argcount + code.co_kwonlyargcount
    varargs, varkeywords = bool(code.co_flags & _VARARGS), bool(code.co_flags & _VARKEYWORDS)
    shape = (
        code.co_posonlyargcount,
        code.co_argcount,
        code.co_varnames[code.co_argcount : named],
        varargs,
        varkeywords,
    )
    return shape, code.co_varnames[: named + varargs + varkeywords]


@lru_cache(_SHAPES_KEPT)
def _factory(template: Template, shape: Shape, words: frozenset[str]) -> Callable[..., Any]:
    """Return the function that makes wrappers of this shape, `make(function, **values)`."""
    asynchronous = "async" in words
    lines = []
    for line in template.body.splitlines():
        code, _, only = line.partition("#:")
        if words.issuperset(only.split()):
            lines.append(code.rstrip())
    parameters, call, args, kwargs = _render(shape)
    body = "\n        ".join(lines).replace("AWAIT ", "await " if asynchronous else "")
    # The function's own words come in last, and at marks that no word has in it.
    body = body.replace("KWARGS", "\0k").replace("ARGS", "\0a")
    while "CALL(" in body:
        before, _, rest = body.partition("CALL(")
        called, _, after = rest.partition(")")
        body = before + call.replace("\0f", called) + after
    body = body.replace("\0k", kwargs).replace("\0a", args)
    source = (
        f"def make(function, {template.names}):\n"
        f"    {'async ' * asynchronous}def wrapper({parameters}):\n"
        f"        {body}\n"
        "    return wrapper\n"
    )
    made: dict[str, Any] = {"__name__": __name__, "Handed": Handed, "hand": hand}
    exec(compile(source, f"<holdfast {template.guard}>", "exec"), made)  # noqa: S102  our own text, and nobody else's
    factory: Callable[..., Any] = made["make"]
    return factory


def _render(shape: Shape) -> tuple[str, str, str, str]:
    r"""Return the parameters, a call of ``\0f`` with them, and them as a tuple and as a dict, as source code."""
    positional_only, count, keyword_only, varargs, varkeywords = shape
    positional = [f"_{number}" for number in range(count)]
    by_name = {name: f"_{count + number}" for number, name in enumerate(keyword_only)}
    parameters = list(positional)
    if positional_only:
        parameters.insert(positional_only, "/")
    if varargs:
        parameters.append("*_args")
    elif by_name:
        parameters.append("*")
    # Of parameters with defaults the wrapper takes the function's own later, so here they need none.
    parameters += by_name.values()
    parameters += ["**_kwargs"] * varkeywords
    stars = ["*_args"] * varargs
    given = [*positional, *stars, *(f"{name}={value}" for name, value in by_name.items())]
    call = f"\0f({', '.join(given)})"
    if varkeywords:
        # Most calls have no keywords, and passing on an empty dict costs as much as all the rest of a guard.
        call = f"(\0f({', '.join([*given, '**_kwargs'])}) if _kwargs else {call})"
    args = "".join(f"{each}, " for each in (*positional, *stars))
    kwargs = ", ".join([*(f"{name!r}: {value}" for name, value in by_name.items()), *["**_kwargs"] * varkeywords])
    return ", ".join(parameters), call, f"({args})", f"{{{kwargs}}}"


class PlainTypes:
    """The types of results of one plain function that were seen to be just results: with nothing in them to await.

    The first two, which is all that most functions have, stand by themselves; all of them by their id (which asks
    nothing of a class, unlike its hash or a comparison), with the types kept alive.
    """

    __slots__ = ("by_id", "first", "second")

    def __init__(self) -> None:
        self.first: type | None = None
        self.second: type | None = None
        self.by_id: dict[int, type] = {}

    def learn(self, result: object) -> None:
        """Remember the type of a result that cannot be awaited."""
        kind = type(result)  # some generators can be awaited, so each one is looked at
        if kind is GeneratorType or len(self.by_id) >= _TYPES_KEPT:
            return
        self.by_id[id(kind)] = kind
        if self.first is None:
            self.first = kind
        elif self.second is None:
            self.second = kind
