"""RabbitMQ: pika, aiormq and aio-pika, py-amqp, pamqp."""

from __future__ import annotations

from typing import Any

from ..attributes import read
from ..oserrors import by_errno
from ..recognition import Answer, Otherwise, Rule, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from ..texts import text_of
from .amqp_codes import AMQP_CODES, by_reply

_CLOSED = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "reconnect")
_NOT_CONNECTED = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "always")
_CONNECTION_BROKE = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "reconnect")
_BROKE_IN_HANDSHAKE = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "always")
_BLOCKED = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "reconnect")  # the broker is short of memory or disk
_NOT_LET_IN = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
_FULL = verdict(Category.RESOURCE, Code.POOL_EXHAUSTED, "always", "ignore")
_NONSENSE = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE)
_NOT_KEPT = verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent")  # the broker would not answer for the message
_NO_ROUTE = AMQP_CODES[312]
_BAD_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_BAD_VALUE = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_WE_CLOSED_IT = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "reconnect", "ignore", retryable=False)
_OTHER = verdict(Category.EXTERNAL, Code.SERVER_ERROR)


# -- pika -----------------------------------------------------------------------------------------------------


def _by_pika_reply(error: Any) -> Answer:
    return by_reply(read(error, "reply_code"), read(error, "reply_text")) or Otherwise(_OTHER)


def _by_probable_cause(error: Any) -> Answer:
    """Judge a refusal that pika guesses at: its only argument is the text of what it saw, such as a reply."""
    words = text_of(error, 300)
    for number in (530, 541, 403):
        if f"({number})" in words:
            return by_reply(number, words)
    return _PROBABLY_FORBIDDEN


_PROBABLY_FORBIDDEN = AMQP_CODES[530].because("type pika.ProbableAccessDeniedError")

_NEVER_OPENED = Otherwise(_NOT_CONNECTED, unsent=True)  # of the connection as a whole, when it was not open yet

PIKA: Table = table(
    {
        # So pika calls a connection that was cut before the broker had said a word.
        "pika:IncompatibleProtocolError": _BROKE_IN_HANDSHAKE,
        "pika:AuthenticationError pika:ProbableAuthenticationError": _NOT_LET_IN,
        "pika:ProbableAccessDeniedError": _by_probable_cause,
        "pika:StreamLostError pika:AMQPHeartbeatTimeout pika:ConsumerCancelled": _CLOSED,
        "pika:ConnectionBlockedTimeout": _BLOCKED,
        "pika:NoFreeChannels": _FULL,
        "pika:ConnectionWrongStateError pika:ChannelWrongStateError pika:ConnectionOpenAborted": _WE_CLOSED_IT,
        "pika:ConnectionClosedByClient pika:ChannelClosedByClient": _WE_CLOSED_IT,
        "pika:ConnectionClosed pika:ChannelClosed": _by_pika_reply,
        "pika:AMQPConnectionError": _NEVER_OPENED,
        "pika:NackError": _NOT_KEPT,
        "pika:UnroutableError": _NO_ROUTE,
        "pika:ProtocolVersionMismatch pika:MethodNotImplemented": _BAD_SETUP,
        "pika:UnsupportedAMQPFieldException pika:ShortStringTooLong": _BAD_VALUE,
        "pika:ProtocolSyntaxError": _NONSENSE,
        "pika:DuplicateConsumerTag pika:InvalidChannelNumber pika:ReentrancyError pika:ChannelError": _MISUSE,
        "pika:InvalidMinimumFrameSize pika:InvalidMaximumFrameSize": _BAD_SETUP,
        "pika:AMQPError": Otherwise(_OTHER),
        # what its connection adapters wrap and report
        "pika:AMQPConnectorStackTimeout": verdict(Category.TRANSIENT, Code.CONNECT_TIMEOUT, "always"),
        "pika:AMQPConnectorAborted pika:AMQPConnectionWorkflowAborted": _WE_CLOSED_IT,
        "pika:AMQPConnectorWrongState pika:AMQPConnectionWorkflowWrongState": _MISUSE,
        "pika:AMQPConnectorException": _NEVER_OPENED,
    }
)


# -- aiormq, aio-pika -----------------------------------------------------------------------------------------


def _by_aiormq_reply(error: Any) -> Answer:
    """Judge a close with a code that has no class of its own; both are None if the peer just went away."""
    arguments = error.args
    return by_reply(arguments[0], arguments[1]) if len(arguments) > 1 and arguments[0] else _GONE


_GONE = _CLOSED.because("AMQP connection or channel closed without a reply code")


def _by_aiormq_errno(error: Any) -> Answer:
    """Judge an error of the connection: a ConnectionError with the errno of what it was raised from, or with none."""
    return by_errno(error) or _BROKE


_BROKE = Otherwise(_CONNECTION_BROKE.because("type aiormq.AMQPConnectionError"))


def _by_aiormq_text(number: int) -> Rule:
    """Judge a close whose class stands for the code; the text is its only argument."""

    def by_text(error: Any) -> Answer:
        return by_reply(number, error.args[0] if error.args else None)

    return by_text


AIORMQ: Table = table(
    {
        "aiormq:IncompatibleProtocolError": _BROKE_IN_HANDSHAKE,  # raised for an EOF in the handshake only
        "aiormq:AuthenticationError aiormq:ProbableAuthenticationError": _NOT_LET_IN,
        "aiormq:ConnectionFrameError": _by_aiormq_text(501),
        "aiormq:ConnectionSyntaxError": _by_aiormq_text(502),
        "aiormq:ConnectionCommandInvalid": _by_aiormq_text(503),
        "aiormq:ConnectionChannelError": _by_aiormq_text(504),
        "aiormq:ConnectionUnexpectedFrame": _by_aiormq_text(505),
        "aiormq:ConnectionResourceError": _by_aiormq_text(506),
        "aiormq:ConnectionNotAllowed": _by_aiormq_text(530),
        "aiormq:ConnectionNotImplemented": _by_aiormq_text(540),
        "aiormq:ConnectionInternalError": _by_aiormq_text(541),
        "aiormq:ChannelAccessRefused": _by_aiormq_text(403),
        "aiormq:ChannelNotFoundEntity": _by_aiormq_text(404),
        "aiormq:ChannelLockedResource": _by_aiormq_text(405),
        "aiormq:ChannelPreconditionFailed": _by_aiormq_text(406),
        "aiormq:DuplicateConsumerTag": _MISUSE,
        "aiormq:ConnectionClosed aiormq:ChannelClosed": _by_aiormq_reply,
        "aiormq:AMQPConnectionError": _by_aiormq_errno,
        "aiormq:ChannelInvalidStateError": _CLOSED,
        "aiormq:PublishError": _NO_ROUTE,
        "aiormq:DeliveryError": _NOT_KEPT,
        "aiormq:ProtocolSyntaxError aiormq:InvalidFrameError": _NONSENSE,
        "aiormq:MethodNotImplemented": _BAD_SETUP,
        "aiormq:AMQPError": Otherwise(_OTHER),
        "aio_pika:QueueEmpty": verdict(Category.TRANSIENT, Code.TIMEOUT, "always", "ignore"),
        "aio_pika:MessageProcessError aio_pika:PoolInvalidStateError": _MISUSE,
        # what a handler raises to tell the library what becomes of the message
        "aio_pika:MessageProcessingError": _BAD_VALUE,
        "aio_pika:JsonRPCError aio_pika:RPCException": Otherwise(_OTHER),
    }
)


# -- py-amqp, pamqp -------------------------------------------------------------------------------------------


def _by_amqp_reply(otherwise: Answer) -> Rule:
    """Judge by the reply code, which most classes stand for; without one as told."""

    def by_code(error: Any) -> Answer:
        return by_reply(read(error, "reply_code") or read(error, "code"), read(error, "reply_text")) or otherwise

    return by_code


AMQP: Table = table(
    {
        "amqp:MessageNacked": _NOT_KEPT,
        "amqp:Blocked": _BLOCKED,
        "amqp:RecoverableConnectionError amqp:RecoverableChannelError": _by_amqp_reply(
            _CLOSED.because("AMQP error that py-amqp calls recoverable")
        ),
        "amqp:IrrecoverableConnectionError amqp:IrrecoverableChannelError": _by_amqp_reply(
            _OTHER.because("AMQP error that py-amqp calls irrecoverable")
        ),
        "amqp:ConnectionError": _by_amqp_reply(Otherwise(_CONNECTION_BROKE.because("type amqp.ConnectionError"))),
        "amqp:AMQPError": _by_amqp_reply(Otherwise(_OTHER.because("AMQP error without a code"))),
        "pamqp:AMQPContentTooLarge": AMQP_CODES[311],
        "pamqp:AMQPNoRoute": AMQP_CODES[312],
        "pamqp:AMQPNoConsumers": AMQP_CODES[313],
        "pamqp:AMQPConnectionForced": AMQP_CODES[320],
        "pamqp:AMQPInvalidPath": AMQP_CODES[402],
        "pamqp:AMQPAccessRefused": AMQP_CODES[403],
        "pamqp:AMQPNotFound": AMQP_CODES[404],
        "pamqp:AMQPResourceLocked": AMQP_CODES[405],
        "pamqp:AMQPPreconditionFailed": AMQP_CODES[406],
        "pamqp:AMQPFrameError": AMQP_CODES[501],
        "pamqp:AMQPSyntaxError": AMQP_CODES[502],
        "pamqp:AMQPCommandInvalid": AMQP_CODES[503],
        "pamqp:AMQPChannelError": AMQP_CODES[504],
        "pamqp:AMQPUnexpectedFrame": AMQP_CODES[505],
        "pamqp:AMQPResourceError": AMQP_CODES[506],
        "pamqp:AMQPNotAllowed": AMQP_CODES[530],
        "pamqp:AMQPNotImplemented": AMQP_CODES[540],
        "pamqp:AMQPInternalError": AMQP_CODES[541],
        "pamqp:AMQPError": Otherwise(_OTHER),
        "pamqp:PAMQPException": _NONSENSE,
    }
)

RABBITMQ: Table = {**PIKA, **AIORMQ, **AMQP}
