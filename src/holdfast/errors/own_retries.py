"""Client libraries that retry on their own, and how an error of theirs shows that they just did.

A retry around such a client multiplies: three attempts around three are nine requests, just when the server can bear
them least. Whether a client retried is not guessed from its name, since users switch it off: it is read from the
frames of the error's traceback, where the client's retry loop has passed and left its counter, or from what the client
notes on its errors.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from .attributes import look_up, read

if TYPE_CHECKING:
    from collections.abc import Callable


class Client(NamedTuple):
    """A client that retries: what to call it, and how its retries are switched off."""

    name: str
    switch_off: str


class OwnRetries(NamedTuple):
    """What a client did before its error came out: so many calls more than the one it was asked for."""

    client: Client
    times: int


_OPENAI = Client("openai", "OpenAI(max_retries=0)")
_ANTHROPIC = Client("anthropic", "Anthropic(max_retries=0)")
_AWS = Client("boto3", "Config(retries={'total_max_attempts': 1})")
_AZURE = Client("azure-core", "retry_total=0 for the client")
_GOOGLE = Client("google-api-core", "retry=None for the call")
_STRIPE = Client("stripe", "stripe.max_network_retries = 0")
_SLACK = Client("slack_sdk", "WebClient(retry_handlers=[])")
_REDIS = Client("redis", "Redis(retry=Retry(NoBackoff(), 0))")
_ELASTIC = Client("elasticsearch", "Elasticsearch(max_retries=0)")
_OPENSEARCH = Client("opensearch-py", "OpenSearch(max_retries=0)")
_URLLIB3 = Client("urllib3", "retries=False (for Kubernetes: Configuration.retries = False)")


def _number(value: Any) -> int:
    return value if type(value) is int else 0


def _after_the_first(value: Any) -> int:
    return _number(value) - 1


def _earlier_failures(value: Any) -> int:
    return len(value) if isinstance(value, (list, tuple)) else 0


def _failures_but_the_last(value: Any) -> int:
    return _earlier_failures(value) - 1


def _azure_history(settings: Any) -> int:
    return _failures_but_the_last(look_up(settings, "history"))


def _slack_attempt(state: Any) -> int:
    return _number(read(state, "current_attempt"))


# Module and function of each retry loop, the local variable that counts, and how to read it as a number of retries.
_LOOPS: dict[tuple[str, str], tuple[Client, str, Callable[[Any], int]]] = {
    ("openai._base_client", "request"): (_OPENAI, "retries_taken", _number),
    ("openai._base_client", "_request"): (_OPENAI, "retries_taken", _number),
    ("anthropic._base_client", "request"): (_ANTHROPIC, "retries_taken", _number),
    ("anthropic._base_client", "_request"): (_ANTHROPIC, "retries_taken", _number),
    ("botocore.endpoint", "_send_request"): (_AWS, "attempts", _after_the_first),
    ("aiobotocore.endpoint", "_send_request"): (_AWS, "attempts", _after_the_first),
    ("azure.core.pipeline.policies._retry", "send"): (_AZURE, "retry_settings", _azure_history),
    ("azure.core.pipeline.policies._retry_async", "send"): (_AZURE, "retry_settings", _azure_history),
    ("google.api_core.retry.retry_unary", "retry_target"): (_GOOGLE, "error_list", _failures_but_the_last),
    ("google.api_core.retry.retry_unary_async", "retry_target"): (_GOOGLE, "error_list", _failures_but_the_last),
    ("stripe._http_client", "_request_with_retries_internal"): (_STRIPE, "num_retries", _number),
    ("stripe._http_client", "_request_with_retries_internal_async"): (_STRIPE, "num_retries", _number),
    ("slack_sdk.web.base_client", "_perform_urllib_http_request"): (_SLACK, "retry_state", _slack_attempt),
    ("redis.retry", "call_with_retry"): (_REDIS, "failures", _after_the_first),
    ("redis.asyncio.retry", "call_with_retry"): (_REDIS, "failures", _after_the_first),
    ("elastic_transport._transport", "perform_request"): (_ELASTIC, "errors", _earlier_failures),
    ("elastic_transport._async_transport", "perform_request"): (_ELASTIC, "errors", _earlier_failures),
    ("opensearchpy.transport", "perform_request"): (_OPENSEARCH, "attempt", _number),
    ("opensearchpy._async.transport", "perform_request"): (_OPENSEARCH, "attempt", _number),
    ("urllib3.util.retry", "increment"): (_URLLIB3, "history", _failures_but_the_last),
}
_RETRYING_PACKAGES = tuple({module.partition(".")[0] for module, _ in _LOOPS})

_MOST_FRAMES = 200
_MOST_LINKS = 4


def retried_by_client(error: BaseException) -> OwnRetries | None:
    """Say which client retried before this error came out, and how often; None if no trace of that is to be seen.

    Cheap where none of these clients is in use, else some microseconds.
    """
    if not any(package in sys.modules for package in _RETRYING_PACKAGES):
        return None
    try:
        link: BaseException | None = error
        for _ in range(_MOST_LINKS):
            if link is None:
                break
            found = _by_aws_metadata(link) or _by_frames(link)
            if found is not None:
                return found
            link = link.__cause__ or link.__context__
    except Exception:  # foreign frames and foreign attributes
        return None
    return None


def _by_aws_metadata(error: BaseException) -> OwnRetries | None:
    count = _number(look_up(read(error, "response"), "ResponseMetadata", "RetryAttempts"))
    return OwnRetries(_AWS, count) if count > 0 else None


def _by_frames(error: BaseException) -> OwnRetries | None:
    trace = error.__traceback__
    for _ in range(_MOST_FRAMES):
        if trace is None:
            break
        frame = trace.tb_frame
        loop = _LOOPS.get((frame.f_globals.get("__name__", ""), frame.f_code.co_name))
        if loop is not None:
            client, counter, read_as = loop
            count = read_as(frame.f_locals.get(counter))
            if count > 0:
                return OwnRetries(client, count)
        trace = trace.tb_next
    return None
