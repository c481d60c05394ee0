"""Oracle Database: what ORA- numbers mean for a retry, and the codes of python-oracledb itself (DPY-, DPI-).

python-oracledb turns a dozen ORA- numbers into DPY-4011, "the database or network closed the connection"; cx_Oracle
and the text of other drivers have the numbers themselves. What the driver calls recoverable is worth a retry on a new
connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import read
from . import sql_verdicts as say
from .sql_words import by_words, while_connecting

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..classification import Classification
    from ..recognition import Answer

BY_ORA: dict[int, Classification] = say.numbered(
    "ORA",
    (
        # The data
        (say.UNIQUE, "1 2299"),
        (say.IN_THE_WAY, "1422 2266 2291 2292 2297 2298"),
        (
            say.BAD_DATA,
            "1400 1401 1407 1426 1427 1438 1476 1722 1830 1839 1840 1841 1843 1847 1850 1858 1861 2290 6502",
        ),
        (say.BAD_DATA, "12899 14400 21525 22835 40441 40478 40479 1461"),
        (say.NO_DATA, "1403"),
        # The statement and the schema
        (
            say.WRONG_SQL,
            "900 902 903 905 906 907 908 909 911 913 917 918 920 921 922 923 926 928 932 933 934 935 936 937",
        ),
        (say.WRONG_SQL, "938 939 946 947 960 969 972 979 984 1006 1008 1036 1740 1745 1747 1756 1779 1789 1790 6550"),
        (say.MISUSE, "1001 1002 1003 1007 1456 1453 24338 24374 25153"),
        (say.MISSING, "904 942 959 1418 1435 1917 1918 1919 2019 2149 2289 2443 4042 4043 4080 6564 6575 24010"),
        (say.EXISTS, "955 957 1408 1430 1442 1543 1920 1921 2260 2261 2264 2275 24006"),
        # Who may come in, and what they may do
        (say.NOT_LET_IN, "1004 1005 1017 1040 1045 28000 28001 28003 28009 28030 28150"),
        (say.FORBIDDEN, "1031 1035 1720 1749 1950 2030 24247 28138 41900 47400 47401"),
        # Concurrency
        (say.DEADLOCK, "60 104 4020"),
        (say.LOCKED, "51 54 2049 4021 30006 12829"),
        (say.SERIALIZATION, "1555 1562 1591 2091 8176 8177 30051 12801"),
        (say.CHANGED, "4061 4065 4068 8103"),  # packages or tables that were changed under the session
        (say.TOO_SLOW, "40 1013 3136 3156 30032"),
        # Capacity
        (say.TOO_MANY, "18 19 20 2391 12516 12518 12519 12520 12521 12525 12540 24418 24458"),
        (say.HANDLES_USED_UP, "1000"),
        (say.OUT_OF_MEMORY, "4030 4031 4036 27102 55 52 53"),
        (say.DISK_FULL, "257 1628 1631 1632 1650 1651 1652 1653 1654 1655 1658 1659 1683 1688 1691 19809 19815 30036"),
        (say.USED_UP, "1536 2392 2393 2394 2395"),
        # The server, and the way to it
        (
            say.STOPPED,
            "22 28 31 45 378 602 603 609 1012 1041 1043 1089 1092 3114 3122 12153 27146 56600",
        ),
        (
            say.LOST,
            "3113 3135 12152 12537 12547 12566 12570 12571 12583 12592 28511",
        ),
        (say.LOST, "25401 25402 25403 25404 25405 25407 25408 25409"),  # failed over, and the transaction is gone
        (say.IN_DOUBT, "25477 14906"),
        (say.IDLED, "2396 2399"),
        (say.NOT_READY, "376 1033 1034 1090 1109 1115 12514 12526 12527 12528 12523 12757 16456 12500 24777"),
        (say.UNREACHABLE, "12203 12224 12541 12542 12543 12545 12560 12564 12569 12606"),
        (say.CONNECT_TIMEOUT, "12170 12535"),
        (say.READ_ONLY, "16000 1552"),
        (say.NONSENSE, "3106 3115 3120 12582 12591 12602"),
        # The deployment
        (
            say.BAD_SETUP,
            "12154 12162 12504 12505 12522 12533 12538 12546 12557 12638 12641 12660 28040 1019 12649 12650",
        ),
        (say.BAD_CERTIFICATE, "29024 29003 29002 28862"),
        (say.TLS_FAILED, "28759 28860 28864 28865 29019 29106 28857 28858"),
        # Its own fault
        (say.BROKEN, "600 604 1110 1157 1578 1172 7445"),
    ),
)

# python-oracledb's own numbers, of errors.py in its source. The thousands tell the class of the error.
_BY_DPY: dict[int, Classification] = say.numbered(
    "DPY",
    (
        (say.CLOSED, "1001"),
        (say.LOST, "4011"),  # unless the number of ORA- beside it says more
        (say.CLOSED_BY_US, "1002"),
        (say.IDLED, "4033"),
        (say.POOL_EMPTY, "4005"),
        (say.TOO_SLOW, "4024"),  # the driver's call_timeout
        (say.UNREACHABLE, "6005"),
        (say.NOT_READY, "6000 6001"),  # the listener may not have heard yet of a service that is starting
        (say.BAD_SETUP, "6003 4000 4017 4018 4021 4026 4027 4028 4030 4032 4034"),
        (say.BAD_SETUP, "2018 2020 2025 2027 2029 2034 2049 2054 2056 2057 2058 2059 2061 2064 2073"),
        (say.BAD_SETUP, "3010 3012 3015 3029 3040"),
        (say.NO_DRIVER, "3016"),
        (say.NO_CREDENTIALS, "4001"),
        (say.TOKEN_EXPIRED, "2033"),
        (say.NO_CREDENTIALS, "2031 2032"),
        (say.BAD_CERTIFICATE, "6002 6006"),
        (say.TLS_FAILED, "6008 6009"),
        (
            say.BAD_DATA,
            "2030 2038 2039 2043 2044 2047 2074 2075 3002 3003 3013 4002 4003 4004 4012 4013 4014 4015 4016",
        ),
        (say.BAD_DATA, "4029 4031 4036 4037 4038 4039 4040 4041 4042 8000 8001 8002"),
        (say.WRONG_SQL, "2066 4007 4008 4009 4010 7000"),
        (say.NONSENSE, "4019 4035"),
        (say.PROXY_FAILED, "6004"),
        (say.MISUSE, "5012 5013"),
    ),
)
_BY_DPY_THOUSAND: dict[int, Classification] = {
    1: say.MISUSE.because("error of python-oracledb's interface"),
    2: say.MISUSE.because("error in the use of python-oracledb"),
    3: say.MISUSE.because("not supported by python-oracledb"),
    4: say.MISUSE.because("error of python-oracledb"),
    5: say.NONSENSE.because("reply that python-oracledb did not understand"),
    6: say.UNREACHABLE.because("python-oracledb could not connect"),
}
_NO_CLIENT_LIBRARY = say.NO_DRIVER.because("Oracle Client library")
_BY_DPI: dict[int, Classification] = {
    1010: say.CLOSED.because("DPI-1010"),
    1047: _NO_CLIENT_LIBRARY,
    1050: _NO_CLIENT_LIBRARY,
    1067: say.TOO_SLOW.because("DPI-1067"),
    1072: _NO_CLIENT_LIBRARY,
    1080: say.LOST.because("DPI-1080"),
}
_MOST_TEXT = 600
_BY_USER = say.RAISED.because("raised by PL/SQL of the database's users")
_RECOVERABLE = say.STOPPED.because("recoverable by python-oracledb's own word")


def by_oracle_code(error: Any) -> Answer:
    """Judge an error of python-oracledb or cx_Oracle, whose first argument holds the code."""
    detail = error.args[0] if error.args else None
    code = read(detail, "full_code")
    if not isinstance(code, str) or not code:
        code = detail if isinstance(detail, str) else read(detail, "message")
    found = by_oracle_text(code[:_MOST_TEXT]) if isinstance(code, str) else None
    if code == "DPY-4011":
        told = _by_ora(read(detail, "code"))
        found = told if told is not None and told.retryable else found
    elif code == "DPY-6000":  # the listener refused; why is in the text only: "Similar to ORA-12516"
        found = _by_code(read(detail, "message"), "ORA-", _by_ora) or found
    if found is None:
        found = _by_ora(read(detail, "code"))
    if found is not None:
        return while_connecting(error, found) if found.code == say.UNREACHABLE.code else found
    return _RECOVERABLE if read(detail, "isrecoverable") is True else by_words(error)


def by_oracle_text(text: str) -> Classification | None:
    """Judge the first code in the text that is known."""
    return _by_code(text, "DPY-", _by_dpy) or _by_code(text, "DPI-", _BY_DPI.get) or _by_code(text, "ORA-", _by_ora)


def _by_code(text: Any, prefix: str, judge: Callable[[int], Classification | None]) -> Classification | None:
    if not isinstance(text, str):
        return None
    text = text[:_MOST_TEXT]
    start = text.find(prefix)
    while start >= 0:
        number = _number_at(text, start + len(prefix))
        found = None if number is None else judge(number)
        if found is not None:
            return found
        start = text.find(prefix, start + 1)
    return None


def _number_at(text: str, start: int) -> int | None:
    end = start
    while end < len(text) and end - start < 6 and text[end] in "0123456789":
        end += 1
    return int(text[start:end]) if end > start else None


def _by_ora(number: Any) -> Classification | None:
    if type(number) is not int:
        return None
    return _BY_USER if 20_000 <= number < 21_000 else BY_ORA.get(number)


def _by_dpy(number: int) -> Classification | None:
    return _BY_DPY.get(number) or _BY_DPY_THOUSAND.get(number // 1000)
