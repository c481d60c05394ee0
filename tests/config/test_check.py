"""`python -m holdfast check`: what a configuration comes to, or what is wrong with it, and nothing else."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from holdfast import RETRY_POLICIES, load_config
from holdfast.__main__ import main
from holdfast.resilience import resilience_manager
from holdfast.switch import is_enabled

FILE = """
enabled = false

[policies.payments]
preset = "critical"
retry = "slow-api"

[policies.search]
bulkhead = "search"

[retry.slow-api]
max_attempts = 6
backoff = { type = "linear", initial_delay = 2 }

[timeouts]
weather = "5s"
news = { seconds = 1, mode = "cooperative" }

[circuit_breakers.search]
[bulkheads.search]
[rate_limits.search]
rate = 5
capacity = 10
"""

SHOWN = """\
holdfast.toml is right.

holdfast is switched off

policy payments
  retry            6 attempts, 2, 3, 4, ... 6 s apart, after errors that are EXTERNAL, TRANSIENT
  bulkhead         5 at once, 10 waiting, 30 s at most
  timeout          60 s for each attempt; a plain function runs in a worker thread
  the call
  At worst: 6 attempts, 560 s; 1140 s if a server asks for longer waits.

policy search
  bulkhead         10 at once, 50 waiting, 30 s at most
  the call
  At worst: 1 attempt, and no limit on its time; give a timeout or a total_timeout.

retry policies
  slow-api         6 attempts, 2, 3, 4, ... 6 s apart, after errors that are EXTERNAL, TRANSIENT

timeouts
  weather          5 s; a plain function runs in a worker thread
  news             1 s; a plain function is not stopped

circuit breakers
  search           opens after 5 failures in 60 s, for 30 s

bulkheads
  search           10 at once, 50 waiting, 30 s at most

rate limits
  search           5 a second, 10 at once, 1,000 waiting, 30 s at most
"""


def check(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run it in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "holdfast", "check", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environ},
    )


def test_a_right_file_is_shown_policy_by_policy() -> None:
    Path("holdfast.toml").write_text(FILE)
    ended = check()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == SHOWN


def test_a_wrong_file_is_told_on_stderr_with_its_line() -> None:
    Path("other.toml").write_text("[policies.shop]\ntimeot = 5\n")
    ended = check("other.toml")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("other.toml:2: policies.shop.timeot is no key of a policy; did you mean 'timeout'?")


def test_variables_are_heeded_and_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    Path("holdfast.toml").write_text(FILE)
    monkeypatch.setenv("HOLDFAST_POLICIES__PAYMENTS__TIMEOUT", "7")
    assert main(["check"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("holdfast.toml is right.\nHOLDFAST_POLICIES__PAYMENTS__TIMEOUT is heeded.\n\n")
    assert "  timeout          7 s for each attempt" in out


def test_it_looks_where_load_config_looks_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("there is no configuration: HOLDFAST_CONFIG is not set, ")


def test_wrong_usage_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", "a.toml", "b.toml"])
    assert ended.value.code == 2
    assert "usage: python -m holdfast" in capsys.readouterr().err


def test_it_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    Path("holdfast.toml").write_text(FILE)
    policies, registered = dict(RETRY_POLICIES), dict(resilience_manager.registered)
    assert main(["check"]) == 0
    assert (dict(RETRY_POLICIES), dict(resilience_manager.registered)) == (policies, registered)
    assert is_enabled()
    assert load_config({}, environ={}).removed == ()


def test_what_is_loaded_describes_itself_as_check_does() -> None:
    Path("holdfast.toml").write_text(FILE)
    assert load_config().describe() + "\n" == SHOWN


def test_what_sets_nothing_says_only_that_it_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    Path("holdfast.toml").write_text("[policies]\n")
    assert main(["check"]) == 0
    assert capsys.readouterr().out == "holdfast.toml is right.\n"


def test_standard_input_is_read_for_a_dash(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def given(text: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        code, told = main(["check", "-"]), capsys.readouterr()
        return code, told.out, told.err

    code, out, _ = given("policies.shop.timeout = 5")
    assert code == 0
    assert out.startswith("standard input is right.\n\npolicy shop\n")
    code, _, err = given("\npolicies.shop.timeot = 5")
    assert code == 1
    assert err.startswith("standard input:2: policies.shop.timeot is no key of a policy")
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["check", "-"]) == 1
    assert capsys.readouterr().err.startswith("standard input: the file is empty")


def test_what_the_program_registers_is_known_once_it_is_imported(capsys: pytest.CaptureFixture[str]) -> None:
    Path("holdfast.toml").write_text("policies.shop.retry = 'check-mine'\n")
    Path("check_shop_resilience.py").write_text(
        "from holdfast import RetryPolicy, register_retry_policy\n"
        "register_retry_policy('check-mine', RetryPolicy(max_attempts=2))\n"
    )
    assert main(["check"]) == 1
    assert 'cannot be "check-mine"; known: agent, ' in capsys.readouterr().err
    ended = check("--import", "check_shop_resilience", "--import", "json")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "retry            'check-mine': 2 attempts" in ended.stdout
    assert main(["check", "--import", "json"]) == 1
    capsys.readouterr()
    assert main(["check", "--import", "no_such_module"]) == 1
    assert capsys.readouterr().err.startswith("--import no_such_module: ModuleNotFoundError: ")


def test_it_prints_whatever_can_be_printed_there(tmp_path: Path) -> None:
    Path("holdfast.toml").write_text('policies."ключ→\\u001b[31m".timeout = 5\n', encoding="utf-8")
    ended = check(PYTHONIOENCODING="ascii")
    assert ended.returncode == 0
    assert "policy '\\u043a\\u043b\\u044e\\u0447\\u2192\\x1b[31m'" in ended.stdout
    assert "\x1b" not in ended.stdout


class Full(io.StringIO):
    """Where nothing more can be written."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def fileno(self) -> int:
        return self.spare

    spare = -1


def test_its_verdict_is_the_exit_code_also_where_it_cannot_be_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    Path("right.toml").write_text("policies.shop.timeout = 5\n")
    Path("wrong.toml").write_text("policies.shop.timeot = 5\n")
    full = Full()
    full.spare = os.open(tmp_path / "spare", os.O_WRONLY | os.O_CREAT)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", full)
        assert main(["check", "right.toml"]) == 1
    os.close(full.spare)
    assert capsys.readouterr().err == "it is right, but that cannot be printed: No space left on device\n"
    for stream in (None, Full()):
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stderr", stream)
            assert main(["check", "wrong.toml"]) == 1
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", None)
        assert main(["check", "right.toml"]) == 0
    assert capsys.readouterr() == ("", "")


def test_nobody_who_reads_is_no_mistake_of_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    Path("right.toml").write_text("policies.shop.timeout = 5\n")

    class Closed(Full):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    closed: Any = Closed()
    closed.spare = os.open(tmp_path / "spare", os.O_WRONLY | os.O_CREAT)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", closed)
        assert main(["check", "right.toml"]) == 1
    os.close(closed.spare)
