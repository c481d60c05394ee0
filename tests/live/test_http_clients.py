"""What real HTTP and LLM clients raise when a server on loopback misbehaves, and how it is judged.

Each way to misbehave has one verdict, whichever client is told of it in its own words.
"""

from __future__ import annotations

import importlib
import ssl
import time
from typing import TYPE_CHECKING

import pytest
import trustme

from holdfast import ErrorClassifier

from .clients import CLIENTS, installed, raised_by
from .servers import answering, misbehaving, nobody

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast import Classification

CLIENT_NAMES = installed()

# Category, codes that are right, scope, circuit outcome.
VERDICTS = {
    "close": ("TRANSIENT", {"CONNECTION_CLOSED", "CONNECTION_RESET", "INCOMPLETE_READ"}, "idempotent", "failure"),
    "reset": ("TRANSIENT", {"CONNECTION_RESET", "CONNECTION_CLOSED"}, "idempotent", "failure"),
    "stall": ("TRANSIENT", {"READ_TIMEOUT", "TIMEOUT"}, "idempotent", "failure"),
    "cut": ("TRANSIENT", {"INCOMPLETE_READ", "CONNECTION_CLOSED"}, "idempotent", "failure"),
    "dribble": ("TRANSIENT", {"READ_TIMEOUT", "TIMEOUT"}, "idempotent", "failure"),
    "garbage": ("EXTERNAL", {"INVALID_RESPONSE"}, "idempotent", "failure"),
}

# On urllib3 1, requests takes what came of a body for all of it, and so calls it bad JSON.
A_SHORT_BODY_IS_BAD_JSON = ("EXTERNAL", {"INVALID_JSON"}, "never", "failure")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with misbehaving() as url:
        yield url


@pytest.fixture(scope="module")
def unknown_authority() -> Iterator[str]:
    """A server whose certificate nobody vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with misbehaving(context) as url:
        yield url


def judged(client: str, url: str) -> Classification:
    error = raised_by(lambda: CLIENTS[client](url))
    return ErrorClassifier().classify(error)


def agrees(said: Classification, verdict: tuple[str, set[str], str, str]) -> bool:
    category, codes, scope, outcome = verdict
    return (said.category, said.retry_scope, said.circuit_outcome) == (category, scope, outcome) and said.code in codes


@pytest.mark.parametrize("client", CLIENT_NAMES)
@pytest.mark.parametrize("behaviour", VERDICTS)
def test_a_misbehaving_server_is_judged_by_what_it_did(client: str, behaviour: str, server: str) -> None:
    said = judged(client, f"{server}/{behaviour}")
    misled = client == "requests" and behaviour == "cut" and not _requests_counts()
    assert agrees(said, A_SHORT_BODY_IS_BAD_JSON if misled else VERDICTS[behaviour]), said


def _requests_counts() -> bool:
    """Whether what requests is built on compares the length of a body with the one that was announced."""
    return not importlib.import_module("urllib3").__version__.startswith("1.")


@pytest.mark.parametrize("client", CLIENT_NAMES)
def test_a_refused_connection_is_safe_to_try_again(client: str) -> None:
    with nobody() as url:
        said = judged(client, url)
    assert agrees(said, ("TRANSIENT", {"CONNECTION_REFUSED"}, "always", "failure")), said


@pytest.mark.parametrize("client", CLIENT_NAMES)
def test_a_bad_certificate_is_a_matter_of_configuration(client: str, unknown_authority: str) -> None:
    said = judged(client, unknown_authority)
    assert (said.category, said.code, said.retryable) == ("CONFIGURATION", "TLS_CERTIFICATE_INVALID", False), said


@pytest.mark.parametrize("client", CLIENT_NAMES)
def test_tls_spoken_to_a_plain_server_is_a_matter_of_configuration(client: str, server: str) -> None:
    said = judged(client, f"{server.replace('http:', 'https:')}/page")
    assert (said.category, said.code, said.retryable) == ("CONFIGURATION", "TLS_ERROR", False), said


# The clients of language models give back a page as a text, as if it were the answer, or trip over it with an
# AttributeError of their own, in which nothing tells of the server.
CLIENTS_THAT_NOTICE_A_PAGE = [name for name in CLIENT_NAMES if not name.startswith(("openai", "anthropic"))]


@pytest.mark.parametrize("client", CLIENTS_THAT_NOTICE_A_PAGE)
def test_a_page_where_json_should_be_is_the_servers_fault(client: str, server: str) -> None:
    said = judged(client, f"{server}/page")
    assert said.category == "EXTERNAL", said
    assert said.trips_circuit


@pytest.mark.parametrize("maker", ["openai.OpenAI", "anthropic.Anthropic"])
def test_so_it_is_by_a_client_of_a_language_model_that_is_told_to_be_strict(maker: str, server: str) -> None:
    library, name = maker.split(".")
    settings = {"api_key": "k", "base_url": f"{server}/page", "max_retries": 0, "_strict_response_validation": True}
    with getattr(importlib.import_module(library), name)(**settings) as client:
        said = ErrorClassifier().classify(raised_by(client.models.list))
    assert (said.category, said.code, said.trips_circuit) == ("EXTERNAL", "INVALID_RESPONSE", True), said


def forms(now: float) -> dict[str, tuple[dict[str, str], float]]:
    """Each way in which a server says when to come back, and the seconds that it means."""
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(now + 60))
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + 60))
    return {
        "seconds": ({"Retry-After": "7"}, 7),
        "date": ({"Retry-After": date}, 60),
        "milliseconds": ({"retry-after-ms": "1500", "Retry-After": "2"}, 1.5),
        "Azure's milliseconds": ({"x-ms-retry-after-ms": "250"}, 0.25),
        "structured": ({"RateLimit": '"default";r=0;t=30', "RateLimit-Policy": '"default";q=10;w=60'}, 30),
        "older draft": ({"RateLimit-Remaining": "0", "RateLimit-Reset": "12"}, 12),
        "epoch": ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(now) + 60)}, 60),
        "Go duration": ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m3s"}, 63),
        "Anthropic's moment": (
            {"anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": stamp},
            60,
        ),
    }


@pytest.mark.parametrize("client", CLIENT_NAMES)
@pytest.mark.parametrize("form", forms(0.0))
@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_that_a_server_asks_for_is_read_whatever_its_form(
    client: str, form: str, status: int, server: str
) -> None:
    now = time.time()
    headers, seconds = forms(now)[form]
    said = judged(client, answering(server, status, headers))
    expected = {
        429: ("EXTERNAL", "EXTERNAL_RATE_LIMITED", "ignore"),
        503: ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "failure"),
    }
    assert (said.category, said.code, said.circuit_outcome) == expected[status], said
    assert said.retryable
    assert said.retry_after == pytest.approx(seconds, abs=5)


@pytest.mark.parametrize("client", CLIENT_NAMES)
@pytest.mark.parametrize(
    ("status", "category", "retryable"),
    [
        (400, "VALIDATION", False),
        (401, "AUTH", False),
        (403, "AUTH", False),
        (404, "PERMANENT", False),
        (422, "VALIDATION", False),
        (500, "EXTERNAL", True),
        (502, "TRANSIENT", True),
        (504, "TRANSIENT", True),
    ],
)
def test_each_status_means_the_same_from_each_client(
    client: str, status: int, category: str, retryable: bool, server: str
) -> None:
    said = judged(client, answering(server, status))
    assert (said.category, said.retryable) == (category, retryable), said
