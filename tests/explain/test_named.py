"""An exception made from its name: of the real class where it is installed, of a stand-in elsewhere."""

from __future__ import annotations

import json
import sys
import urllib.error
from types import ModuleType
from typing import Self

import pytest

from holdfast import get_error_classifier
from holdfast.explain import NamingError, exception_named
from holdfast.explain.named import known_as


def verdict(name: str, **told: object) -> tuple[str, str]:
    seen = get_error_classifier().classify(exception_named(name, **told).error)  # type: ignore[arg-type]
    return str(seen.category), str(seen.code)


def test_a_builtin_and_a_class_of_a_module_are_the_real_ones() -> None:
    for name, kind in (("TimeoutError", TimeoutError), ("json.JSONDecodeError", json.JSONDecodeError)):
        made = exception_named(name, message="late")
        assert type(made.error) is kind
        assert made.is_real
        assert made.error.args == ("late",)


def test_a_nested_class_is_found() -> None:
    assert type(exception_named("imaplib.IMAP4.abort").error).__qualname__ == "IMAP4.abort"


def test_a_class_of_a_library_that_is_not_installed_is_judged_by_its_name() -> None:
    made = exception_named("mcp.shared.exceptions.SubscriptionLost")
    assert not made.is_real
    assert verdict("mcp.shared.exceptions.SubscriptionLost") == ("TRANSIENT", "MCP_CONNECTION_FAILED")


def test_what_is_told_of_the_exception_counts() -> None:
    assert verdict("some_vendor.ApiError", status=503) == ("TRANSIENT", "EXTERNAL_UNAVAILABLE")
    assert verdict("some_vendor.ApiError", code="insufficient_quota") == ("RESOURCE", "QUOTA_EXHAUSTED")
    error = exception_named("some_vendor.ApiError", status=429, headers={"Retry-After": "7"}).error
    assert get_error_classifier().classify(error).retry_after == 7


def test_a_read_only_attribute_is_given_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    class ReadOnly(Exception):
        @property
        def code(self) -> str:
            return "none"

    module = ModuleType("vendor_of_properties")
    module.ReadOnly = ReadOnly  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vendor_of_properties", module)
    assert exception_named("vendor_of_properties.ReadOnly", code="x").error.__dict__ == {"code": "x"}


def test_a_class_that_cannot_be_made_bare_is_stood_in_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Choosy(Exception):
        def __new__(cls, *_: object) -> Self:
            raise TypeError("needs a response")

    Choosy.__module__ = "choosy_vendor"
    module = ModuleType("choosy_vendor")
    module.Choosy = Choosy  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "choosy_vendor", module)
    error = exception_named("choosy_vendor.Choosy", message="x").error
    assert (type(error).__module__, type(error).__name__, error.args) == ("choosy_vendor", "Choosy", ("x",))


def test_groups_and_errors_with_unusual_constructors_are_made() -> None:
    assert isinstance(exception_named("ExceptionGroup").error, ExceptionGroup)
    assert isinstance(exception_named("urllib.error.HTTPError", message="x").error, urllib.error.HTTPError)
    assert isinstance(exception_named("UnicodeDecodeError").error, UnicodeDecodeError)


def test_a_module_whose_attributes_raise_is_taken_as_one_without_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lazy(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise RuntimeError(name)

    monkeypatch.setitem(sys.modules, "lazy_vendor", Lazy("lazy_vendor"))
    assert not exception_named("lazy_vendor.Error").is_real


def test_a_module_that_breaks_when_it_is_imported_is_taken_as_not_installed(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path_factory.mktemp("modules")
    (place / "module_that_breaks.py").write_text("raise RuntimeError('broken')")
    monkeypatch.syspath_prepend(str(place))
    assert not exception_named("module_that_breaks.Error").is_real
    assert not exception_named("json.NoSuchError").is_real


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("openai.RatelimitError", "openai.RateLimitError"),
        ("openai.RateLimitError", None),
        ("requests.ConectionError", "requests.ConnectionError"),
        ("botocore.exceptions.ClientErorr", "botocore.exceptions.ClientError"),
        ("mcp.shared.SubscriptionLst", "mcp.shared.SubscriptionLost"),
        ("google.genai.UnknownApiResponseEror", "google.genai.errors.UnknownApiResponseError"),
        ("json.JsonDecodeError", "json.JSONDecodeError"),
        ("some_vendor.Busy", None),
        ("ConectionError", "ConnectionError"),
        ("NoSuchThing", None),
    ],
)
def test_what_a_name_is_a_misspelling_of(name: str, meant: str | None) -> None:
    assert known_as(name) == meant


def test_a_module_whose_attributes_raise_has_nothing_to_be_misspelt(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd(ModuleType):
        def __dir__(self) -> list[str]:
            raise RuntimeError

    monkeypatch.setitem(sys.modules, "odd_vendor", Odd("odd_vendor"))
    assert known_as("odd_vendor.Bussy") is None


def test_classes_that_have_their_status_by_themselves_have_it_uninstalled() -> None:
    assert verdict("openai.RateLimitError") == ("EXTERNAL", "EXTERNAL_RATE_LIMITED")
    assert verdict("cerebras.cloud.sdk.BadRequestError") == ("VALIDATION", "BAD_REQUEST")
    assert verdict("some_vendor.RateLimitError") == ("UNKNOWN", "UNKNOWN")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "no name of an exception"),
        ("what is this", "no name of an exception"),
        ("openai..Error", "no name of an exception"),
        ("NoSuchError", "no built-in exception; give its module too"),
        ("TimeOutError", r"no built-in exception; did you mean TimeoutError\? Or give its module too"),
        ("json.dumps", "no exception class, it is function"),
        ("int", "no exception class, it is type"),
    ],
)
def test_what_is_no_exceptions_name_is_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(NamingError, match=why):
        exception_named(name)
