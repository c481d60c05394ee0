"""What each exception of the standard library means for a retry and for a circuit breaker."""

from __future__ import annotations

import asyncio
import binascii
import concurrent.futures
import concurrent.futures.process
import concurrent.futures.thread
import configparser
import csv
import decimal
import email.errors
import errno
import ftplib
import gzip
import http.client
import imaplib
import io
import json
import lzma
import multiprocessing
import multiprocessing.managers
import os
import pickle
import poplib
import queue
import re
import smtplib
import socket
import sqlite3
import ssl
import struct
import subprocess
import tarfile
import threading
import tomllib
import urllib.error
import warnings
import xml.etree.ElementTree as ET
import xml.parsers.expat
import xmlrpc.client
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.errors.recorded_shapes import bearing, caused, recorded

from holdfast.errors import ErrorCategory, ErrorClassifier

# category, code, scope ("never": not retryable), circuit outcome
Wanted = tuple[str, str, str, str]

TIMEOUT = ("TRANSIENT", "TIMEOUT", "idempotent", "failure")
REFUSED = ("TRANSIENT", "CONNECTION_REFUSED", "always", "failure")
RESET = ("TRANSIENT", "CONNECTION_RESET", "idempotent", "failure")
CLOSED = ("TRANSIENT", "CONNECTION_CLOSED", "idempotent", "failure")
SESSION_CLOSED = ("TRANSIENT", "CONNECTION_CLOSED", "reconnect", "failure")
NOT_SENT = ("TRANSIENT", "CONNECTION_ERROR", "always", "failure")
CUT_SHORT = ("TRANSIENT", "INCOMPLETE_READ", "idempotent", "failure")
COME_BACK = ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "idempotent", "failure")
NONSENSE = ("EXTERNAL", "INVALID_RESPONSE", "never", "failure")
SERVER_FAILED = ("EXTERNAL", "SERVER_ERROR", "never", "failure")
BUG = ("INTERNAL", "INTERNAL_ERROR", "never", "failure")
MISUSE = ("INTERNAL", "INTERNAL_ERROR", "never", "ignore")
BAD_VALUE = ("VALIDATION", "INVALID_INPUT", "never", "failure")
BAD_ADDRESS = ("VALIDATION", "INVALID_INPUT", "never", "ignore")
SETUP = ("CONFIGURATION", "INVALID_CONFIGURATION", "never", "ignore")
FILE_MISSING = ("CONFIGURATION", "NOT_FOUND", "never", "ignore")
NO_MODULE = ("CONFIGURATION", "MISSING_DEPENDENCY", "never", "ignore")
NO_ACCESS = ("CONFIGURATION", "FORBIDDEN", "never", "ignore")
BUSY = ("RESOURCE", "LOCK_TIMEOUT", "always", "ignore")
USED_UP = ("RESOURCE", "POOL_EXHAUSTED", "always", "ignore")
NO_MEMORY = ("RESOURCE", "OUT_OF_MEMORY", "never", "ignore")
DISK_FULL = ("RESOURCE", "DISK_FULL", "never", "ignore")
GONE_FOR_GOOD = ("PERMANENT", "BAD_REQUEST", "never", "success")
NOT_LET_IN = ("AUTH", "UNAUTHENTICATED", "never", "success")
BAD_CERTIFICATE = ("CONFIGURATION", "TLS_CERTIFICATE_INVALID", "never", "ignore")
BAD_HANDSHAKE = ("CONFIGURATION", "TLS_ERROR", "never", "ignore")
NO_SUCH_NAME = ("CONFIGURATION", "DNS_NAME_NOT_FOUND", "never", "ignore")
DNS_DOWN = ("TRANSIENT", "DNS_FAILURE", "always", "failure")
LOCKED = ("RESOURCE", "LOCK_TIMEOUT", "new_transaction", "ignore")
CANCELLED = ("CANCELLED", "CANCELLED", "never", "ignore")
UNKNOWN = ("UNKNOWN", "UNKNOWN", "never", "failure")

BUILTINS: list[tuple[BaseException, Wanted]] = [
    (TimeoutError("timed out"), TIMEOUT),
    (TimeoutError(), TIMEOUT),
    (concurrent.futures.TimeoutError(), TIMEOUT),
    (TimeoutError("timed out"), TIMEOUT),
    (ConnectionRefusedError(), REFUSED),
    (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), REFUSED),
    (ConnectionResetError(errno.ECONNRESET, "reset"), RESET),
    (ConnectionAbortedError(), CLOSED),
    (BrokenPipeError(errno.EPIPE, "pipe"), CLOSED),
    (ConnectionError("by hand"), ("TRANSIENT", "CONNECTION_ERROR", "idempotent", "failure")),
    (FileNotFoundError(errno.ENOENT, "no such file", "x"), FILE_MISSING),
    (PermissionError(errno.EACCES, "denied"), NO_ACCESS),
    (FileExistsError(), ("PERMANENT", "ALREADY_EXISTS", "never", "ignore")),
    (IsADirectoryError(), SETUP),
    (NotADirectoryError(), SETUP),
    (ProcessLookupError(), ("PERMANENT", "NOT_FOUND", "never", "ignore")),
    (ChildProcessError(), ("PERMANENT", "NOT_FOUND", "never", "ignore")),
    (BlockingIOError(), BUSY),
    (InterruptedError(), ("TRANSIENT", "PROCESS_FAILED", "idempotent", "ignore")),
    (EOFError(), CUT_SHORT),
    (MemoryError(), NO_MEMORY),
    (ImportError("no"), NO_MODULE),
    (ModuleNotFoundError("no"), NO_MODULE),
    (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), NONSENSE),
    (UnicodeEncodeError("ascii", "é", 0, 1, "bad"), BAD_VALUE),
    (ValueError("bad"), BAD_VALUE),
    (TypeError("bad"), BUG),
    (AttributeError("bad"), BUG),
    (NameError("bad"), BUG),
    (KeyError("bad"), BUG),
    (IndexError("bad"), BUG),
    (ZeroDivisionError(), BUG),
    (AssertionError(), BUG),
    (BufferError(), BUG),
    (ReferenceError(), BUG),
    (NotImplementedError(), BUG),
    (RecursionError(), BUG),
    (SyntaxError(), BUG),
    (SystemError(), BUG),
    (StopIteration(), BUG),
    (StopAsyncIteration(), BUG),
    (DeprecationWarning("as an error"), BUG),
    (RuntimeError("anything"), UNKNOWN),
    (Exception("anything"), UNKNOWN),
    (OSError("without errno"), UNKNOWN),
    (KeyboardInterrupt(), CANCELLED),
    (SystemExit(1), CANCELLED),
    (GeneratorExit(), CANCELLED),
    (asyncio.CancelledError(), CANCELLED),
    (concurrent.futures.CancelledError(), CANCELLED),
    (recorded("builtins.PythonFinalizationError", RuntimeError)(), CANCELLED),
    (recorded("app.Stop", BaseException)(), CANCELLED),
]

ERRNOS: list[tuple[str, Wanted]] = [
    ("ENETUNREACH", NOT_SENT),
    ("EHOSTUNREACH", NOT_SENT),
    ("ENETDOWN", NOT_SENT),
    ("ENETRESET", RESET),
    ("ENOTCONN", CLOSED),
    ("EPROTO", NONSENSE),
    ("EADDRNOTAVAIL", USED_UP),
    ("EADDRINUSE", SETUP),
    ("EMSGSIZE", ("VALIDATION", "PAYLOAD_TOO_LARGE", "never", "ignore")),
    ("EBADF", MISUSE),
    ("EAFNOSUPPORT", SETUP),
    ("EROFS", SETUP),
    ("EINVAL", BAD_ADDRESS),
    ("ENAMETOOLONG", BAD_ADDRESS),
    ("EFBIG", ("VALIDATION", "PAYLOAD_TOO_LARGE", "never", "ignore")),
    ("EIO", SERVER_FAILED),
    ("ESTALE", CLOSED),
    ("ENOSPC", DISK_FULL),
    ("EDQUOT", DISK_FULL),
    ("ENOMEM", NO_MEMORY),
    ("EMFILE", USED_UP),
    ("ENFILE", USED_UP),
    ("ENOBUFS", USED_UP),
    ("EBUSY", BUSY),
    ("EDEADLK", ("TRANSIENT", "DEADLOCK", "always", "ignore")),
    ("ENOTEMPTY", ("PERMANENT", "ALREADY_EXISTS", "never", "ignore")),
]

NETWORK: list[tuple[BaseException, Wanted]] = [
    (socket.gaierror(socket.EAI_AGAIN, "try again"), DNS_DOWN),
    (socket.gaierror(socket.EAI_FAIL, "failed"), DNS_DOWN),
    (socket.gaierror(socket.EAI_NONAME, "unknown"), NO_SUCH_NAME),
    (socket.gaierror(socket.EAI_MEMORY, "memory"), NO_MEMORY),
    (socket.gaierror(socket.EAI_FAMILY, "family"), SETUP),
    (socket.gaierror(11001, "getaddrinfo failed on Windows"), NO_SUCH_NAME),
    (socket.gaierror(8, "nodename nor servname provided, on macOS"), NO_SUCH_NAME),
    (socket.gaierror("by hand"), DNS_DOWN),
    (socket.herror(1, "host not found"), NO_SUCH_NAME),
    (socket.herror(2, "try again"), DNS_DOWN),
    (socket.herror("by hand"), DNS_DOWN),
    (ssl.SSLCertVerificationError(1, "self-signed certificate"), BAD_CERTIFICATE),
    (ssl.CertificateError("hostname mismatch"), BAD_CERTIFICATE),
    (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]"), BAD_HANDSHAKE),
    (bearing(ssl.SSLError(1, "x"), reason="TLSV1_ALERT_UNKNOWN_CA"), BAD_CERTIFICATE),
    (bearing(ssl.SSLError(1, "x"), reason="WRONG_VERSION_NUMBER"), BAD_HANDSHAKE),
    (bearing(ssl.SSLError(1, "x"), reason="UNEXPECTED_EOF_WHILE_READING"), CLOSED),
    (
        bearing(ssl.SSLError(1, "x"), reason="TLSV1_ALERT_INTERNAL_ERROR"),
        ("TRANSIENT", "TLS_ERROR", "idempotent", "failure"),
    ),
    (ssl.SSLEOFError(8, "EOF"), CLOSED),
    (ssl.SSLZeroReturnError(6, "closed"), CLOSED),
    (ssl.SSLWantReadError(2, "would block"), BUSY),
]

HTTP: list[tuple[BaseException, Wanted]] = [
    (http.client.RemoteDisconnected("closed"), CLOSED),
    (http.client.IncompleteRead(b"{", 995), CUT_SHORT),
    (http.client.BadStatusLine("garbage"), ("EXTERNAL", "INVALID_RESPONSE", "idempotent", "failure")),
    (http.client.LineTooLong("header line"), NONSENSE),
    (http.client.UnknownProtocol("FTP/1.0"), NONSENSE),
    (http.client.HTTPException("got more than 100 headers"), NONSENSE),
    (http.client.CannotSendRequest("Request-sent"), MISUSE),
    (http.client.ResponseNotReady("Idle"), MISUSE),
    (http.client.NotConnected(), MISUSE),
    (http.client.InvalidURL("nonnumeric port"), BAD_ADDRESS),
    (urllib.error.ContentTooShortError("short", ("", http.client.HTTPMessage())), CUT_SHORT),
    (urllib.error.URLError(ConnectionRefusedError(errno.ECONNREFUSED, "refused")), REFUSED),
    (urllib.error.URLError(ssl.SSLCertVerificationError(1, "expired")), BAD_CERTIFICATE),
    (urllib.error.URLError("unknown url type: foo"), BAD_ADDRESS),
    (urllib.error.URLError("no host given"), BAD_ADDRESS),
    (urllib.error.URLError("timed out"), TIMEOUT),
    (urllib.error.URLError("ftp error"), ("TRANSIENT", "CONNECTION_ERROR", "idempotent", "failure")),
    (xmlrpc.client.Fault(1, "boom"), SERVER_FAILED),
    (xmlrpc.client.ResponseError("garbage"), NONSENSE),
    (xmlrpc.client.ProtocolError("http://x", 503, "busy", {}), COME_BACK),
    (xmlrpc.client.ProtocolError("http://x", 404, "no", {}), ("PERMANENT", "NOT_FOUND", "never", "success")),
    (xmlrpc.client.ProtocolError("http://x", 0, "?", {}), SERVER_FAILED),
    (json.JSONDecodeError("Expecting value", "<html>", 0), ("EXTERNAL", "INVALID_JSON", "never", "failure")),
]

MAIL_AND_FILES: list[tuple[BaseException, Wanted]] = [
    (smtplib.SMTPServerDisconnected("closed"), SESSION_CLOSED),
    (smtplib.SMTPResponseException(451, b"later"), COME_BACK),
    (
        smtplib.SMTPResponseException(421, b"closing"),
        ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "reconnect", "failure"),
    ),
    (smtplib.SMTPDataError(554, b"no"), GONE_FOR_GOOD),
    (smtplib.SMTPAuthenticationError(535, b"bad password"), NOT_LET_IN),
    (smtplib.SMTPConnectError(-1, b"?"), NONSENSE),
    (smtplib.SMTPRecipientsRefused({"a@x": (450, b"later"), "b@x": (451, b"later")}), COME_BACK),
    (smtplib.SMTPRecipientsRefused({"a@x": (450, b"later"), "b@x": (550, b"nobody")}), GONE_FOR_GOOD),
    (smtplib.SMTPNotSupportedError("no STARTTLS"), SETUP),
    (smtplib.SMTPException("no suitable authentication method"), NONSENSE),
    (caused(smtplib.SMTPException("lost"), ConnectionResetError()), RESET),
    (ftplib.error_temp("421 too many connections"), COME_BACK),
    (ftplib.error_perm("550 no such file"), ("PERMANENT", "NOT_FOUND", "never", "success")),
    (ftplib.error_perm("530 not logged in"), NOT_LET_IN),
    (ftplib.error_perm("552 over quota"), ("RESOURCE", "QUOTA_EXHAUSTED", "never", "success")),
    (ftplib.error_perm("500 what"), GONE_FOR_GOOD),
    (ftplib.error_perm(), GONE_FOR_GOOD),
    (ftplib.error_proto("garbage"), ("EXTERNAL", "INVALID_RESPONSE", "reconnect", "failure")),
    (imaplib.IMAP4.abort("socket error: EOF"), SESSION_CLOSED),
    (imaplib.IMAP4.readonly("read-only"), ("PERMANENT", "CONFLICT", "never", "success")),
    (imaplib.IMAP4.error(b"[AUTHENTICATIONFAILED] Invalid credentials"), NOT_LET_IN),
    (imaplib.IMAP4.error("[UNAVAILABLE] backend down"), COME_BACK),
    (imaplib.IMAP4.error("SEARCH command error: BAD"), GONE_FOR_GOOD),
    (poplib.error_proto(b"-ERR [AUTH] no"), NOT_LET_IN),
    (poplib.error_proto(b"-ERR [IN-USE] busy"), ("TRANSIENT", "LOCK_TIMEOUT", "always", "ignore")),
    (poplib.error_proto(b"-ERR [LOGIN-DELAY] wait"), ("EXTERNAL", "EXTERNAL_RATE_LIMITED", "always", "ignore")),
    (poplib.error_proto("-ERR EOF"), NONSENSE),
    (poplib.error_proto(17), NONSENSE),
]


def exited(status: int) -> BaseException:
    return subprocess.CalledProcessError(status, ["tool"], b"", b"boom")


PROCESSES: list[tuple[BaseException, Wanted]] = [
    (subprocess.TimeoutExpired("tool", 3), TIMEOUT),
    (exited(1), ("EXTERNAL", "PROCESS_FAILED", "never", "failure")),
    (exited(-9), ("RESOURCE", "OUT_OF_MEMORY", "never", "failure")),
    (exited(137), ("RESOURCE", "OUT_OF_MEMORY", "never", "failure")),
    (exited(-15), CANCELLED),
    (exited(75), ("TRANSIENT", "PROCESS_FAILED", "idempotent", "failure")),
    (exited(127), FILE_MISSING),
    (subprocess.SubprocessError("x"), ("EXTERNAL", "PROCESS_FAILED", "never", "failure")),
    (multiprocessing.TimeoutError(), TIMEOUT),
    (multiprocessing.AuthenticationError("digest"), NOT_LET_IN),
    (multiprocessing.ProcessError(), ("EXTERNAL", "PROCESS_FAILED", "never", "failure")),
    (multiprocessing.managers.RemoteError("x"), SERVER_FAILED),
    (concurrent.futures.thread.BrokenThreadPool("x"), ("INTERNAL", "INTERNAL_ERROR", "reconnect", "ignore")),
    (concurrent.futures.process.BrokenProcessPool("x"), ("RESOURCE", "PROCESS_FAILED", "reconnect", "ignore")),
    (concurrent.futures.InvalidStateError("x"), MISUSE),
    (asyncio.InvalidStateError("x"), MISUSE),
    (asyncio.IncompleteReadError(b"ab", 10), CUT_SHORT),
    (asyncio.LimitOverrunError("too long", 1), ("EXTERNAL", "PAYLOAD_TOO_LARGE", "never", "failure")),
    (asyncio.QueueFull(), USED_UP),
    (asyncio.QueueEmpty(), ("TRANSIENT", "TIMEOUT", "always", "ignore")),
    (queue.Full(), USED_UP),
    (queue.Empty(), ("TRANSIENT", "TIMEOUT", "always", "ignore")),
    (recorded("queue.ShutDown")(), CANCELLED),
    (threading.BrokenBarrierError(), ("INTERNAL", "INTERNAL_ERROR", "reconnect", "ignore")),
]

FORMATS: list[tuple[BaseException, Wanted]] = [
    (zlib.error("x"), NONSENSE),
    (gzip.BadGzipFile("x"), NONSENSE),
    (lzma.LZMAError("x"), NONSENSE),
    (zipfile.BadZipFile("x"), NONSENSE),
    (tarfile.ReadError("x"), NONSENSE),
    (pickle.UnpicklingError("x"), NONSENSE),
    (pickle.PicklingError("x"), BUG),
    (xml.parsers.expat.ExpatError("x"), NONSENSE),
    (ET.ParseError("x"), NONSENSE),
    (csv.Error("x"), NONSENSE),
    (email.errors.MessageParseError("x"), NONSENSE),
    (binascii.Error("x"), BAD_ADDRESS),
    (struct.error("x"), BAD_VALUE),
    (decimal.InvalidOperation(), BAD_VALUE),
    (re.error("x"), BAD_VALUE),
    (configparser.NoSectionError("x"), SETUP),
    (tomllib.TOMLDecodeError("x", "doc", 0), SETUP),
]


def told(error: BaseException) -> Wanted:
    verdict = ErrorClassifier().classify(error)
    return verdict.category.value, str(verdict.code), verdict.retry_scope, verdict.circuit_outcome


@pytest.mark.parametrize(
    ("error", "wanted"),
    BUILTINS + NETWORK + HTTP + MAIL_AND_FILES + PROCESSES + FORMATS,
    ids=lambda value: ascii(value)[:60].replace("\\", "") if isinstance(value, BaseException) else "",
)
def test_each_exception_of_the_standard_library_has_its_verdict(error: BaseException, wanted: Wanted) -> None:
    assert told(error) == wanted


@pytest.mark.parametrize(("name", "wanted"), ERRNOS)
def test_an_os_error_is_judged_by_its_errno(name: str, wanted: Wanted) -> None:
    number = getattr(errno, name)
    assert told(OSError(number, os.strerror(number))) == wanted
    assert ErrorClassifier().classify(OSError(number, "x")).reason == f"errno {name}"


def test_an_errno_that_is_no_number_of_the_system_says_nothing() -> None:
    assert told(OSError(987654, "?")) == UNKNOWN
    assert told(bearing(OSError("x"), errno="EIO")) == UNKNOWN


def test_only_a_pool_that_lost_a_worker_may_be_tried_again_with_a_new_pool() -> None:
    classifier = ErrorClassifier()
    assert classifier.classify(concurrent.futures.process.BrokenProcessPool("x")).retryable
    assert not classifier.classify(concurrent.futures.thread.BrokenThreadPool("x")).retryable


def test_urllib_errors_are_judged_by_status_with_their_waiting_time() -> None:
    headers = email.message_from_string("Retry-After: 7\n\n", _class=http.client.HTTPMessage)
    with urllib.error.HTTPError("http://x/", 429, "Too Many Requests", headers, io.BytesIO(b"{}")) as error:
        verdict = ErrorClassifier().classify(error)
    assert (verdict.code, verdict.retry_after) == ("EXTERNAL_RATE_LIMITED", 7.0)


def test_an_http_error_without_a_body_is_examined_though_its_attributes_raise() -> None:
    error = urllib.error.HTTPError("http://x/", 503, "x", http.client.HTTPMessage(), None)
    assert ErrorClassifier().classify(error).code == "EXTERNAL_UNAVAILABLE"
    error.close()


# -- sqlite3, as the real library raises it -----------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    connection.execute("create table t(a primary key, b not null, check (b > 0))")
    yield connection
    connection.close()


def raised(action: Callable[[], Any]) -> BaseException:
    with pytest.raises(Exception) as caught:
        action()
    return caught.value


def test_a_locked_sqlite_database_wants_a_new_transaction(database: sqlite3.Connection, tmp_path: Path) -> None:
    database.execute("begin immediate")
    other = sqlite3.connect(tmp_path / "a.db", timeout=0)
    assert told(raised(lambda: other.execute("insert into t values(1, 1)"))) == LOCKED
    other.close()


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        ("select * from nope", GONE_FOR_GOOD),
        ("insert into t values(1, 1), (1, 1)", ("PERMANENT", "UNIQUE_VIOLATION", "never", "success")),
        ("insert into t values(2, null)", ("VALIDATION", "INVALID_INPUT", "never", "success")),
        ("insert into t values(2, -1)", ("VALIDATION", "INVALID_INPUT", "never", "success")),
    ],
)
def test_sqlite_errors_are_judged_by_their_own_name(
    database: sqlite3.Connection, statement: str, wanted: Wanted
) -> None:
    assert told(raised(lambda: database.execute(statement))) == wanted


def test_a_sqlite_file_that_cannot_be_opened_is_a_matter_of_configuration() -> None:
    assert told(raised(lambda: sqlite3.connect("/nonexistent/x.db"))) == SETUP


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (sqlite3.OperationalError("database is locked"), LOCKED),
        (sqlite3.OperationalError("database schema is locked: main"), LOCKED),
        (sqlite3.OperationalError("disk I/O error"), SERVER_FAILED),
        (sqlite3.OperationalError("attempt to write a readonly database"), SETUP),
        (sqlite3.OperationalError("no such column: interrupted"), GONE_FOR_GOOD),
        (
            sqlite3.IntegrityError("UNIQUE constraint failed: t.a"),
            ("PERMANENT", "UNIQUE_VIOLATION", "never", "success"),
        ),
        (
            sqlite3.IntegrityError("NOT NULL constraint failed: t.a"),
            ("VALIDATION", "INVALID_INPUT", "never", "success"),
        ),
        (sqlite3.OperationalError("something"), GONE_FOR_GOOD),
        (sqlite3.OperationalError(None), GONE_FOR_GOOD),
        (sqlite3.IntegrityError("something"), ("PERMANENT", "CONFLICT", "never", "success")),
        (sqlite3.ProgrammingError("Cannot operate on a closed database."), MISUSE),
        (bearing(sqlite3.OperationalError("x"), sqlite_errorname="SQLITE_NEW_KIND"), GONE_FOR_GOOD),
        (bearing(sqlite3.OperationalError("x"), sqlite_errorname="SQLITE_IOERR_FSYNC"), SERVER_FAILED),
    ],
)
def test_sqlite_errors_without_a_known_name_are_judged_by_their_text_or_class(
    error: BaseException, wanted: Wanted
) -> None:
    assert told(error) == wanted


def test_no_rule_of_the_standard_library_puts_the_message_into_its_reason() -> None:
    secret = "hunter2"
    classifier = ErrorClassifier()
    for error in (ValueError(secret), OSError(errno.EIO, secret), ftplib.error_perm(f"530 {secret}")):
        assert secret not in classifier.classify(error).reason


def test_every_category_in_the_table_is_one_of_ours() -> None:
    rows = BUILTINS + NETWORK + HTTP + MAIL_AND_FILES + PROCESSES + FORMATS
    assert {wanted[0] for _, wanted in rows} <= set(ErrorCategory)


def test_warnings_raised_as_errors_are_bugs() -> None:
    with warnings.catch_warnings(), pytest.raises(UserWarning) as caught:
        warnings.simplefilter("error")
        warnings.warn("careful", stacklevel=1)
    assert told(caught.value) == BUG
