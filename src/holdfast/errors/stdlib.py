"""The standard library: what each of its exceptions means for a retry, recognised by name like any other library.

None of the modules named here is imported: whoever raises their exceptions has done that already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .attributes import read
from .oserrors import by_errno, by_old_resolver_error, by_resolver_error
from .recognition import Answer, Otherwise, Table, table, verdict
from .sqlite import SQLITE
from .taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from .classification import Classification

_TIMEOUT = verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent")
_CLOSED = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "idempotent")
_SESSION_CLOSED = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "reconnect")
_CUT_SHORT = verdict(Category.TRANSIENT, Code.INCOMPLETE_READ, "idempotent")
_COME_BACK = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "idempotent")
_NONSENSE = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE)
_GARBLED = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "idempotent")  # another attempt may well get it whole
_SERVER_FAILED = verdict(Category.EXTERNAL, Code.SERVER_ERROR)
_REFUSED_FOR_GOOD = verdict(Category.PERMANENT, Code.BAD_REQUEST, "never", "success")
_NOT_LET_IN = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
_BUG = verdict(Category.INTERNAL, Code.INTERNAL_ERROR)
_MISUSE = verdict(
    Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore"
)  # of a client object, not seen by the server
_BAD_VALUE = verdict(Category.VALIDATION, Code.INVALID_INPUT)
_BAD_ADDRESS = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_BAD_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_FILE_MISSING = verdict(Category.CONFIGURATION, Code.NOT_FOUND, "never", "ignore")
_MODULE_MISSING = verdict(Category.CONFIGURATION, Code.MISSING_DEPENDENCY, "never", "ignore")
_NO_ROOM = verdict(Category.RESOURCE, Code.POOL_EXHAUSTED, "always", "ignore")
_BUSY = verdict(Category.RESOURCE, Code.LOCK_TIMEOUT, "always", "ignore")
_OUT_OF_MEMORY = verdict(Category.RESOURCE, Code.OUT_OF_MEMORY, "never", "ignore")
_CANCELLED = verdict(Category.CANCELLED, Code.CANCELLED, "never", "ignore")


# -- builtins -------------------------------------------------------------------------------------------------

_BUFFER_MISUSED = _BUG.because("type BufferError")
_QUEUE_FULL = _NO_ROOM.because("BufferError of a full queue")


def _by_buffer(error: Any) -> Answer:
    """Judge a `BufferError`: confluent-kafka's producer raises it when its queue is full."""
    return _QUEUE_FULL if "queue full" in _first_words(error).lower() else _BUFFER_MISUSED


BUILTINS: Table = table(
    {
        "builtins.TimeoutError": _TIMEOUT,
        "builtins.ConnectionRefusedError": verdict(Category.TRANSIENT, Code.CONNECTION_REFUSED, "always"),
        "builtins.ConnectionResetError": verdict(Category.TRANSIENT, Code.CONNECTION_RESET, "idempotent"),
        "builtins.ConnectionAbortedError builtins.BrokenPipeError": _CLOSED,
        "builtins.ConnectionError": verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent"),
        "builtins.FileNotFoundError": _FILE_MISSING,
        "builtins.PermissionError": verdict(Category.CONFIGURATION, Code.FORBIDDEN, "never", "ignore"),
        "builtins.FileExistsError": verdict(Category.PERMANENT, Code.ALREADY_EXISTS, "never", "ignore"),
        "builtins.IsADirectoryError builtins.NotADirectoryError": _BAD_SETUP,
        "builtins.ProcessLookupError builtins.ChildProcessError": verdict(
            Category.PERMANENT, Code.NOT_FOUND, "never", "ignore"
        ),
        "builtins.BlockingIOError": _BUSY,
        "builtins.InterruptedError": verdict(Category.TRANSIENT, Code.PROCESS_FAILED, "idempotent", "ignore"),
        "builtins.OSError": by_errno,
        "builtins.EOFError": _CUT_SHORT,
        "builtins.MemoryError": _OUT_OF_MEMORY,
        "builtins.ImportError": _MODULE_MISSING,
        "builtins.UnicodeDecodeError": _NONSENSE,  # the bytes came from outside
        "builtins.ValueError": _BAD_VALUE,
        "builtins.TypeError builtins.AttributeError builtins.NameError builtins.LookupError": _BUG,
        "builtins.BufferError": _by_buffer,
        "builtins.ArithmeticError builtins.AssertionError builtins.ReferenceError": _BUG,
        "builtins.NotImplementedError builtins.RecursionError builtins.SyntaxError builtins.SystemError": _BUG,
        "builtins.StopIteration builtins.StopAsyncIteration builtins.Warning": _BUG,
        # A bare Exception or RuntimeError may be anything: its causes are asked, and then it is UNKNOWN.
    }
)


# -- ssl and socket -------------------------------------------------------------------------------------------

_BAD_CERTIFICATE = verdict(Category.CONFIGURATION, Code.TLS_CERTIFICATE_INVALID, "never", "ignore")
_BAD_HANDSHAKE = verdict(Category.CONFIGURATION, Code.TLS_ERROR, "never", "ignore")
_TLS_BROKE_OFF = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "idempotent")
_TLS_GARBLED = verdict(Category.TRANSIENT, Code.TLS_ERROR, "idempotent")

# OpenSSL's reasons that say more than the class does.
_TLS_REASONS: dict[str, Classification] = {
    "UNEXPECTED_EOF_WHILE_READING": _TLS_BROKE_OFF,
    "DECRYPTION_FAILED_OR_BAD_RECORD_MAC": _TLS_GARBLED,
    "SSLV3_ALERT_BAD_RECORD_MAC": _TLS_GARBLED,
    "TLSV1_ALERT_INTERNAL_ERROR": _TLS_GARBLED,
    "CERTIFICATE_VERIFY_FAILED": _BAD_CERTIFICATE,
    "TLSV1_ALERT_UNKNOWN_CA": _BAD_CERTIFICATE,
    "SSLV3_ALERT_BAD_CERTIFICATE": _BAD_CERTIFICATE,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": _BAD_CERTIFICATE,
    "SSLV3_ALERT_CERTIFICATE_REVOKED": _BAD_CERTIFICATE,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": _BAD_CERTIFICATE,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": _BAD_CERTIFICATE,
}
BY_TLS_REASON = {reason: meaning.because(f"OpenSSL reason {reason}") for reason, meaning in _TLS_REASONS.items()}
_OTHER_TLS_ERROR = _BAD_HANDSHAKE.because("type ssl.SSLError")


def _by_tls_reason(error: Any) -> Answer:
    """Judge an `SSLError`; its errno is OpenSSL's, never the system's (1 is not EPERM)."""
    reason = read(error, "reason")  # missing on an error that Python code made
    return BY_TLS_REASON.get(reason, _OTHER_TLS_ERROR) if isinstance(reason, str) else _OTHER_TLS_ERROR


NETWORK: Table = table(
    {
        "ssl.SSLCertVerificationError ssl.CertificateError": _BAD_CERTIFICATE,
        "ssl.SSLEOFError ssl.SSLZeroReturnError ssl.SSLSyscallError": _TLS_BROKE_OFF,
        "ssl.SSLWantReadError ssl.SSLWantWriteError": _BUSY,
        "ssl.SSLError": _by_tls_reason,
        "socket.gaierror": by_resolver_error,
        "socket.herror": by_old_resolver_error,
    }
)


# -- http.client, urllib, xmlrpc ------------------------------------------------------------------------------

_NOT_CONNECTED = Otherwise(
    verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent", reason="type urllib.error.URLError")
)
_URL_UNUSABLE = _BAD_ADDRESS.because("URL that urllib cannot open")
_URL_TIMED_OUT = _TIMEOUT.because("type urllib.error.URLError")


def _by_url_reason(error: Any) -> Answer:
    """Judge a `URLError`: its reason is mostly the exception behind it, and sometimes a text."""
    reason = error.reason
    if isinstance(reason, str):
        words = reason[:200].lower()
        if "unknown url type" in words or "no host given" in words:
            return _URL_UNUSABLE
        if "timed out" in words:
            return _URL_TIMED_OUT
    return _NOT_CONNECTED


HTTP: Table = table(
    {
        "http.client.RemoteDisconnected": _CLOSED,  # typically a kept-alive connection that had grown stale
        "http.client.IncompleteRead": _CUT_SHORT,
        "http.client.BadStatusLine": _GARBLED,
        "http.client.InvalidURL": _BAD_ADDRESS,
        "http.client.NotConnected http.client.ImproperConnectionState": _MISUSE,
        "http.client.HTTPException": _NONSENSE,
        "http.cookies.CookieError": _NONSENSE,
        "urllib.error.ContentTooShortError": _CUT_SHORT,
        "urllib.error.URLError": _by_url_reason,
        "xmlrpc.client.Fault": _SERVER_FAILED,
        "xmlrpc.client.ResponseError": _NONSENSE,
        "xmlrpc.client.Error": _SERVER_FAILED,
    }
)


# -- mail and file transfer -----------------------------------------------------------------------------------

_SMTP_AUTH = frozenset({530, 534, 535, 538})


def _by_smtp_code(error: Any) -> Answer:
    """Judge an SMTP reply: 4yz is for the moment, 5yz for good (RFC 5321 §4.2.1)."""
    return smtp_meaning(error.smtp_code)


def _by_refused_recipients(error: Any) -> Answer:
    """Judge refused recipients: worth another try only if none was refused for good."""
    meanings = [smtp_meaning(code) for code, _ in error.recipients.values()]
    return next((meaning for meaning in meanings if not meaning.retryable), meanings[0])


def smtp_meaning(code: Any) -> Classification:
    """Judge the code of an SMTP reply that is no success."""
    if not isinstance(code, int) or not 400 <= code <= 599:
        return _NONSENSE.because("SMTP reply out of order")
    if code == 421:
        meaning = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "reconnect")
    elif code < 500:
        meaning = _COME_BACK
    elif code in _SMTP_AUTH:
        meaning = _NOT_LET_IN
    else:
        meaning = _REFUSED_FOR_GOOD
    return meaning.because(f"SMTP reply {code}")


_FTP_REPLIES: dict[str, Classification] = {
    "530": _NOT_LET_IN,
    "532": _NOT_LET_IN,
    "550": verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success"),
    "552": verdict(Category.RESOURCE, Code.QUOTA_EXHAUSTED, "never", "success"),
}
_BY_FTP_REPLY = {reply: meaning.because(f"FTP reply {reply}") for reply, meaning in _FTP_REPLIES.items()}
_OTHER_FTP_REFUSAL = _REFUSED_FOR_GOOD.because("type ftplib.error_perm")


def _by_ftp_reply(error: Any) -> Answer:
    """Judge a permanent refusal by the reply code in front of its text (RFC 959 §4.2)."""
    return _BY_FTP_REPLY.get(_first_words(error)[:3], _OTHER_FTP_REFUSAL)


_LOGIN_FAILED = _NOT_LET_IN.because("login refused by the mail server")
_MAILBOX_BUSY = verdict(Category.TRANSIENT, Code.LOCK_TIMEOUT, "always", "ignore", reason="mailbox in use")
_MAIL_FOR_THE_MOMENT = _COME_BACK.because("passing failure of the mail server")
_MAIL_TOO_OFTEN = verdict(
    Category.EXTERNAL, Code.EXTERNAL_RATE_LIMITED, "always", "ignore", reason="login delay of the mail server"
)
_OTHER_IMAP_REFUSAL = _REFUSED_FOR_GOOD.because("type imaplib.IMAP4.error")
_OTHER_POP_REFUSAL = _NONSENSE.because("type poplib.error_proto")

# Response codes of IMAP (RFC 5530) and POP3 (RFC 2449 §8, RFC 3206).
_MAIL_CODES: dict[str, Classification] = {
    "AUTHENTICATIONFAILED": _LOGIN_FAILED,
    "AUTHORIZATIONFAILED": _LOGIN_FAILED,
    "[AUTH]": _LOGIN_FAILED,
    "[UNAVAILABLE]": _MAIL_FOR_THE_MOMENT,
    "[SYS/TEMP]": _MAIL_FOR_THE_MOMENT,
    "[IN-USE]": _MAILBOX_BUSY,
    "[INUSE]": _MAILBOX_BUSY,
    "[LOGIN-DELAY]": _MAIL_TOO_OFTEN,
}


def _mail_code(error: Any) -> Classification | None:
    words = _first_words(error).upper()
    return next((meaning for code, meaning in _MAIL_CODES.items() if code in words), None)


def _by_imap_code(error: Any) -> Answer:
    return _mail_code(error) or _OTHER_IMAP_REFUSAL


def _by_pop_code(error: Any) -> Answer:
    return _mail_code(error) or _OTHER_POP_REFUSAL


def _first_words(error: BaseException) -> str:
    first = error.args[0] if error.args else ""
    if isinstance(first, bytes):
        return first[:200].decode("latin-1")
    return first[:200] if isinstance(first, str) else ""


MAIL_AND_FILES: Table = table(
    {
        "smtplib.SMTPServerDisconnected": _SESSION_CLOSED,
        "smtplib.SMTPResponseException": _by_smtp_code,
        "smtplib.SMTPRecipientsRefused": _by_refused_recipients,
        "smtplib.SMTPNotSupportedError": _BAD_SETUP,
        "smtplib.SMTPException": Otherwise(_NONSENSE),
        "ftplib.error_temp": _COME_BACK,
        "ftplib.error_perm": _by_ftp_reply,
        "ftplib.Error": verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "reconnect"),
        "imaplib.IMAP4.abort": _SESSION_CLOSED,
        "imaplib.IMAP4.readonly": verdict(Category.PERMANENT, Code.CONFLICT, "never", "success"),
        "imaplib.IMAP4.error": _by_imap_code,
        "poplib.error_proto": _by_pop_code,
    }
)


# -- processes, pools, queues ---------------------------------------------------------------------------------

_TERMINATED = _CANCELLED.because("process ended by SIGTERM or SIGINT")
_KILLED = verdict(Category.RESOURCE, Code.OUT_OF_MEMORY, reason="process ended by SIGKILL")
_FAILED_FOR_NOW = verdict(Category.TRANSIENT, Code.PROCESS_FAILED, "idempotent", reason="exit status EX_TEMPFAIL")
_NO_COMMAND = _FILE_MISSING.because("exit status of a command not found or not executable")
_PROCESS_FAILED = verdict(Category.EXTERNAL, Code.PROCESS_FAILED, reason="type subprocess.CalledProcessError")

# Python reports death by a signal as its negative number, a shell as 128 + number. 75 is EX_TEMPFAIL of <sysexits.h>;
# 126 and 127 are the shell's for "cannot execute" and "not found" (POSIX.1, Shell Command Language, 2.8.2).
_EXIT_STATUSES: dict[int, Classification] = {
    **dict.fromkeys((-15, -2, 143, 130), _TERMINATED),
    **dict.fromkeys((-9, 137), _KILLED),
    75: _FAILED_FOR_NOW,
    **dict.fromkeys((126, 127), _NO_COMMAND),
}


def by_exit_status(error: Any) -> Answer:
    """Judge whatever tells the exit status of a process that failed as its `returncode`."""
    return _EXIT_STATUSES.get(error.returncode, _PROCESS_FAILED)


PROCESSES: Table = table(
    {
        "subprocess.TimeoutExpired": _TIMEOUT,
        "subprocess.CalledProcessError": by_exit_status,
        "subprocess.SubprocessError": _PROCESS_FAILED,
        "multiprocessing.context.TimeoutError": _TIMEOUT,
        "multiprocessing.context.AuthenticationError": _NOT_LET_IN,
        "multiprocessing.context.BufferTooShort": _BUG,
        "multiprocessing.context.ProcessError": _PROCESS_FAILED,
        "multiprocessing.managers.RemoteError": _SERVER_FAILED,
        "multiprocessing.pool.MaybeEncodingError": _BUG,
        # A pool whose initialiser failed stays broken; one that lost a worker (often for memory) needs a new pool.
        "concurrent.futures.thread.BrokenThreadPool concurrent.futures.interpreter.BrokenInterpreterPool": verdict(
            Category.INTERNAL, Code.INTERNAL_ERROR, "reconnect", "ignore", retryable=False
        ),
        "concurrent.futures.process.BrokenProcessPool concurrent.futures._base.BrokenExecutor": verdict(
            Category.RESOURCE, Code.PROCESS_FAILED, "reconnect", "ignore"
        ),
        "concurrent.futures._base.InvalidStateError asyncio.exceptions.InvalidStateError": _MISUSE,
        "asyncio.exceptions.IncompleteReadError": _CUT_SHORT,
        "asyncio.exceptions.LimitOverrunError": verdict(Category.EXTERNAL, Code.PAYLOAD_TOO_LARGE),
        "asyncio.exceptions.SendfileNotAvailableError": _BAD_SETUP,
        "asyncio.exceptions.BrokenBarrierError threading.BrokenBarrierError": verdict(
            Category.INTERNAL, Code.INTERNAL_ERROR, "reconnect", "ignore", retryable=False
        ),
        "queue.Full asyncio.queues.QueueFull": _NO_ROOM,
        "queue.Empty _queue.Empty asyncio.queues.QueueEmpty": verdict(
            Category.TRANSIENT, Code.TIMEOUT, "always", "ignore"
        ),
        "queue.ShutDown asyncio.queues.QueueShutDown": _CANCELLED,
    }
)


# -- data and its formats -------------------------------------------------------------------------------------

FORMATS: Table = table(
    {
        # A ValueError by type, but nearly always the other side's: an HTML page in place of the JSON.
        "json.decoder.JSONDecodeError": verdict(Category.EXTERNAL, Code.INVALID_JSON),
        "zlib.error gzip.BadGzipFile lzma.LZMAError _lzma.LZMAError": _NONSENSE,
        "compression.zstd.ZstdError _zstd.ZstdError": _NONSENSE,
        "zipfile.BadZipFile zipfile.LargeZipFile tarfile.TarError": _NONSENSE,
        "pickle.UnpicklingError _pickle.UnpicklingError": _NONSENSE,
        "pickle.PickleError _pickle.PickleError": _BUG,
        "xml.parsers.expat.ExpatError pyexpat.ExpatError xml.etree.ElementTree.ParseError": _NONSENSE,
        "xml.sax._exceptions.SAXException": _NONSENSE,
        "csv.Error _csv.Error": _NONSENSE,
        "email.errors.MessageError": _NONSENSE,
        "plistlib.InvalidFileException": _NONSENSE,
        "binascii.Error": _BAD_ADDRESS,
        "struct.error decimal.DecimalException re.error re.PatternError argparse.ArgumentError": _BAD_VALUE,
        "tarfile.FilterError": _BAD_VALUE,
        "shutil.SameFileError shutil.SpecialFileError": _BAD_ADDRESS,
        "configparser.Error tomllib.TOMLDecodeError netrc.NetrcParseError locale.Error": _BAD_SETUP,
        "zoneinfo._common.ZoneInfoNotFoundError": _MODULE_MISSING,
    }
)

STDLIB: Table = {**BUILTINS, **NETWORK, **HTTP, **MAIL_AND_FILES, **PROCESSES, **SQLITE, **FORMATS}
