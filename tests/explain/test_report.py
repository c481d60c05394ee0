"""What the command says of an exception: the verdict, the rule, and what each named policy does."""

from __future__ import annotations

import io
import json
import sys

import pytest

from holdfast import RETRY_POLICIES
from holdfast.__main__ import main
from holdfast.explain import exception_named, explain


def test_each_named_policy_is_asked() -> None:
    told = explain(exception_named("some_vendor.Error", status=429, headers={"Retry-After": "7"}))
    assert set(told["policies"]) == set(RETRY_POLICIES)
    assert told["policies"]["llm"] == {"retry": True, "why": "EXTERNAL is in retryable_categories"}
    assert told["policies"]["none"] == {"retry": False, "why": "it makes one attempt"}
    assert told["policies"]["file"]["retry"] is False


def test_a_wait_that_is_too_long_for_a_policy_stops_it() -> None:
    told = explain(exception_named("some_vendor.Error", status=503, headers={"Retry-After": "7000"}))
    assert told["policies"]["default"] == {
        "retry": False,
        "why": "the server asks to wait 7000 s, max_retry_after is 120 s",
    }


def test_what_is_no_exception_is_never_retried() -> None:
    told = explain(exception_named("KeyboardInterrupt"))
    assert {each["why"] for each in told["policies"].values()} == {"only an Exception is ever retried"}


def test_the_command_explains_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", "ConnectionRefusedError"]) == 0
    out = capsys.readouterr().out
    assert "CONNECTION_REFUSED" in out
    assert "rule       type ConnectionRefusedError" in out
    assert "not installed" not in out
    assert main(["classify", "some_vendor.Odd", "--status", "503", "--header", "Retry-After: 7"]) == 0
    out = capsys.readouterr().out
    assert "7 s, as the server asks" in out
    assert "some_vendor is not installed here" in out


def test_a_name_that_no_rule_knows_may_be_a_misspelt_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", "openai.RatelimitError"]) == 0
    assert "rule       no rule names this; did you mean openai.RateLimitError?\n" in capsys.readouterr().out
    assert main(["classify", "json.Busy"]) == 0
    out = capsys.readouterr().out
    assert "rule       no rule names this\n" in out
    assert "(json has no such class here: judged by the name alone" in out
    assert main(["classify", "Exception"]) == 0
    assert "rule       no rule knows this error\n" in capsys.readouterr().out


def test_policies_that_do_the_same_share_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", "some_vendor.Odd"]) == 0
    lines = capsys.readouterr().out.partition("after it:\n")[2].splitlines()
    assert lines == [
        "  stop   nothing is known of Odd; name it in retry_on to have it retried",
        "         default, aggressive, conservative, mcp, agent, infrastructure, llm, database, network,",
        "         api_rate_limit, file",
        "  stop   it makes one attempt",
        "         none",
    ]


def test_the_command_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", "some_vendor.Odd", "--code", "insufficient_quota", "--message", "x", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["category"], told["code"], told["retryable"]) == ("RESOURCE", "QUOTA_EXHAUSTED", False)
    assert told["rule"] == "code INSUFFICIENT_QUOTA"


def test_the_command_reads_a_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.TextIOWrapper(io.BytesIO(b"Traceback (most recent call last):\nTimeoutError: late\n"))
    monkeypatch.setattr(sys, "stdin", stream)
    assert main(["classify"]) == 0
    assert capsys.readouterr().out.startswith("TimeoutError\n")


def test_wrong_usage_is_told_with_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["classify", "json.dumps"]) == 2
    assert "no exception class" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["classify"]) == 2
    assert "no exception was found" in capsys.readouterr().err
