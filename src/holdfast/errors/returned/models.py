"""Answers of language models that are none: cut off, refused, filtered, or empty. They come with a 200.

What was cut off or refused comes out the same if it is asked for again as it is, so that is no retry's business. What
is empty or garbled may well come out better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..recognition import Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from .parts import entries, part, text
from .services import by_type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..classification import Classification

_CUT_OFF = verdict(Category.PERMANENT, Code.INVALID_RESPONSE, "never", "success")
_REFUSED = verdict(Category.PERMANENT, Code.FORBIDDEN, "never", "success")
_GARBLED = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "idempotent")
_EMPTY = _GARBLED.because("the model gave no answer")
_SAID_NO = _REFUSED.because("the model refused")
_FAILED = verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent", reason="the model's service failed")

# The reasons to stop of OpenAI, Anthropic, Google, Mistral, Cohere and Bedrock, in lower case; those that are missing
# here ended the answer as it should: stop, end_turn, tool_calls, tool_use, pause_turn, stop_sequence …
_REASONS: dict[str, Classification] = {
    reason: meaning.because(f"the model stopped: {reason}")
    for reasons, meaning in {
        "length max_tokens max_output_tokens model_length model_context_window_exceeded error_limit": _CUT_OFF,
        "content_filter content_filtered refusal guardrail_intervened error_toxic": _REFUSED,
        "safety recitation blocklist prohibited_content spii language model_armor": _REFUSED,
        "image_safety image_prohibited_content image_recitation": _REFUSED,
        "malformed_function_call unexpected_tool_call malformed_response malformed_model_output": _GARBLED,
        "malformed_tool_use too_many_tool_calls missing_thought_signature error other no_image": _GARBLED,
    }.items()
    for reason in reasons.split()
}


def _by_reason(reason: Any) -> Classification | None:
    return _REASONS.get(text(reason))


def _unless_one_is_fine(found: Iterable[Classification | None]) -> Classification | None:
    """Of several answers one may be fine; else the first tells."""
    verdicts = list(found)
    return verdicts[0] if all(verdicts) else None


def _completion(value: Any) -> Classification | None:
    """Judge a chat completion in the form of OpenAI's, which many have taken over."""
    choices = part(value, "choices")
    if choices is None:
        return _EMPTY
    told = entries(choices)
    return None if told is None else _unless_one_is_fine(map(_choice, told)) if told else _EMPTY


def _choice(choice: Any) -> Classification | None:
    found = _by_reason(part(choice, "finish_reason"))
    if found is None and text(part(part(choice, "message"), "refusal")):
        return _SAID_NO
    return found


def _completion_body(value: Any) -> Classification | None:
    return _completion(value) if part(value, "object") == "chat.completion" else None


def _response(value: Any) -> Classification | None:
    """Judge a response of OpenAI's Responses API."""
    status = part(value, "status")
    if status == "failed":
        return by_type(part(part(value, "error"), "code")) or _FAILED
    if status == "incomplete":
        return _by_reason(part(part(value, "incomplete_details"), "reason"))
    return None


def _response_body(value: Any) -> Classification | None:
    return _response(value) if part(value, "object") == "response" else None


def _message(value: Any) -> Classification | None:
    """Judge a message of Anthropic's."""
    return _by_reason(part(value, "stop_reason"))


def _message_body(value: Any) -> Classification | None:
    return _message(value) if part(value, "type") == "message" and part(value, "role") == "assistant" else None


def _converse(value: Any) -> Classification | None:
    """Judge the reply of Bedrock's Converse."""
    return _by_reason(part(value, "stopReason")) if type(part(value, "output")) is dict else None


def _candidates(value: Any) -> Classification | None:
    """Judge an answer of Gemini's, as an object of either of Google's clients or as JSON."""
    told = part(value, "candidates")
    found = list(told[:_MOST]) if told else []
    if not found:
        feedback = part(value, "prompt_feedback") or part(value, "promptFeedback")
        blocked = part(feedback, "block_reason") or part(feedback, "blockReason")
        return _SAID_NO if blocked else _EMPTY
    return _unless_one_is_fine(_by_reason(part(each, "finish_reason") or part(each, "finishReason")) for each in found)


def _candidates_body(value: Any) -> Classification | None:
    known = type(part(value, "usageMetadata")) is dict and type(part(value, "candidates")) in (list, type(None))
    return _candidates(value) if known else None


def _finished(name: str) -> Callable[[Any], Classification | None]:
    return lambda value: _by_reason(part(value, name))


def _of_langchain(value: Any) -> Classification | None:
    told = part(value, "response_metadata")
    return _by_reason(part(told, "finish_reason") or part(told, "stop_reason")) if type(told) is dict else None


_MOST = 16

MODELS: Table = table(
    {
        "openai:ChatCompletion groq:ChatCompletion litellm:ModelResponse": _completion,
        "mistralai:ChatCompletionResponse huggingface_hub:ChatCompletionOutput": _completion,
        "azure:ChatCompletions together:ChatCompletionResponse": _completion,
        "openai:Response": _response,
        "anthropic:Message": _message,
        "google:GenerateContentResponse": _candidates,
        "cohere:ChatResponse cohere:V2ChatResponse": _finished("finish_reason"),
        "ollama:ChatResponse ollama:GenerateResponse": _finished("done_reason"),
        "langchain_core:AIMessage": _of_langchain,
    }
)

MODEL_SHAPES: tuple[tuple[str, Callable[[Any], Classification | None]], ...] = (
    ("choices", _completion_body),
    ("incomplete_details", _response_body),
    ("stop_reason", _message_body),
    ("stopReason", _converse),
    ("usageMetadata", _candidates_body),
)
