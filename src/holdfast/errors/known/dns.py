"""dnspython: looking up names, and everything else that it does with DNS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import read
from ..json_rpc import is_whole
from ..recognition import Answer, Otherwise, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from ..classification import Classification

_NO_SUCH_NAME = verdict(Category.CONFIGURATION, Code.DNS_NAME_NOT_FOUND, "never", "ignore")
_RESOLVER_DOWN = verdict(Category.TRANSIENT, Code.DNS_FAILURE, "always")
_GARBLED = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "idempotent")
_NONSENSE = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE)
_BAD_INPUT = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_WRONG_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_MODULE_MISSING = verdict(Category.CONFIGURATION, Code.MISSING_DEPENDENCY, "never", "ignore")
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_NOT_AUTHENTIC = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
_REFUSED = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")

# The registry of DNS response codes, RFC 6895 §2.3.
_RCODES: dict[int, Classification] = {
    1: _NONSENSE,  # FORMERR
    2: _RESOLVER_DOWN,  # SERVFAIL
    3: _NO_SUCH_NAME,  # NXDOMAIN
    4: verdict(Category.PERMANENT, Code.SERVER_ERROR, "never", "success"),  # NOTIMP
    5: _REFUSED,  # REFUSED
    9: _REFUSED,  # NOTAUTH
    10: verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success"),  # NOTZONE
}
_BY_RCODE = {number: meaning.because(f"DNS response code {number}") for number, meaning in _RCODES.items()}
_OTHER_RCODE = _NONSENSE.because("DNS response code of a failure")


def _by_rcode(error: Any) -> Answer:
    number = read(error, "rcode")
    return _BY_RCODE.get(number, _OTHER_RCODE) if is_whole(number) else _OTHER_RCODE


DNS: Table = table(
    {
        # looking up
        "dns:NXDOMAIN dns:NoAnswer dns:EmptyHostAnswers": _NO_SUCH_NAME,
        "dns:NoNameservers": _RESOLVER_DOWN,  # each of them failed or refused
        "dns:LifetimeTimeout": verdict(Category.TRANSIENT, Code.TIMEOUT, "always"),
        "dns:Timeout": verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent"),  # perhaps of an update
        "dns:YXDOMAIN dns:NoRootSOA": verdict(Category.PERMANENT, Code.INVALID_RESPONSE, "never", "success"),
        "dns:NoMetaqueries dns:NotAbsolute": _BAD_INPUT,
        "dns:NoResolverConfiguration dns:UnknownTSIGKey": _WRONG_SETUP,
        "dns:NoDOH dns:NoDOQ dns:AsyncLibraryNotFoundError": _MODULE_MISSING,
        # answers
        "dns:FormError dns:UnexpectedSource": _GARBLED,
        "dns:Truncated dns:AnswerForNXDOMAIN dns:ChainTooLong dns:NotQueryResponse dns:UseTCP": _NONSENSE,
        "dns:UnknownHeaderField dns:UnknownOpcode dns:UnknownRcode": _NONSENSE,
        "dns:TransferError": _by_rcode,
        # what DNSSEC and TSIG sign
        "dns:ValidationFailure dns:BadSigTime dns:DigestVerificationFailure dns:NoDigest": _NONSENSE,
        "dns:UnsupportedAlgorithm dns:DeniedByPolicy dns:UnsupportedDigestHashAlgorithm": _WRONG_SETUP,
        "dns:UnsupportedDigestScheme": _WRONG_SETUP,
        "dns:BadTime dns:PeerBadTime": _WRONG_SETUP,  # one of the two clocks is wrong
        "dns:PeerError dns:BadSignature dns:BadKey dns:BadAlgorithm": _NOT_AUTHENTIC,
        # names, records and zone files that somebody wrote
        "dns:SyntaxError dns:NameTooLong dns:IDNAException dns:NoIDNA2008 dns:TooBig dns:BadZone": _BAD_INPUT,
        "dns:NeedAbsoluteNameOrOrigin dns:NeedSubdomainOfOrigin dns:AbsoluteConcatenation dns:NoParent": _BAD_INPUT,
        "dns:CNAMEAndOtherData dns:UnknownOrigin dns:UnknownParamKey dns:UnknownScheme": _BAD_INPUT,
        "dns:UnknownRdataclass dns:UnknownRdatatype": _BAD_INPUT,
        # its own objects, used wrongly
        "dns:AlreadyEnded dns:ReadOnly dns:DeleteNotExact dns:TooManyChanges dns:UseTransaction": _MISUSE,
        "dns:DifferingCovers dns:IncompatibleTypes dns:RdatatypeExists dns:NoRelativeRdataOrdering": _MISUSE,
        "dns:UngetBufferFull dns:Immutable": _MISUSE,
        "dns:DNSException": Otherwise(_NONSENSE),
    }
)
