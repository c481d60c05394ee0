"""SQL Server and Azure SQL: what its error numbers mean for a retry, and those of DB-Library below pymssql.

The transient ones are those that Microsoft's own clients retry (Microsoft.Data.SqlClient, EF Core, and the list of
transient errors in the Azure SQL documentation).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import sql_verdicts as say
from .sql_words import by_words

if TYPE_CHECKING:
    from ..classification import Classification
    from ..recognition import Answer

BY_NUMBER: dict[int, Classification] = say.numbered(
    "SQL Server",
    (
        # The data
        (say.UNIQUE, "2601 2627"),
        (say.IN_THE_WAY, "547 3726 4712"),
        (
            say.BAD_DATA,
            "220 232 241 242 244 245 248 295 296 512 515 517 529 535 550 2628 8114 8115 8134 8152 9806 13609",
        ),
        (say.TOO_LARGE, "511 1701 8632 8003"),
        # The statement and the schema
        (say.WRONG_SQL, "102 103 104 105 107 109 110 111 119 120 128 130 135 137 141 144 145 147 156 170 174 178 195"),
        (
            say.WRONG_SQL,
            "201 205 206 209 213 257 264 306 319 402 544 1033 8101 8120 8144 8145 8155 8156 8178 8179 8180",
        ),
        (say.MISUSE, "266 628 3902 3903 3930 3931 3992 3998"),
        (say.MISSING, "207 208 911 942 2812 3701 4121 4902 4924 15151"),
        (say.EXISTS, "1781 1801 1913 2705 2714 15023 15025"),
        # Who may come in, and what they may do
        (say.NOT_LET_IN, "4064 18401 18450 18451 18452 18456 18458 18461 18470 18486 18487 18488 40532 40608 47073"),
        (say.FORBIDDEN, "229 230 262 297 300 371 916 1088 5011 6102 15247 40614 40615 40914"),
        # Concurrency
        (say.DEADLOCK, "1203 1205"),
        (say.LOCKED, "1204 1222 1807 5061"),
        (say.SERIALIZATION, "3935 3960 3961 3966 41301 41302 41305 41325 41839"),
        (say.TOO_SLOW, "-2"),
        # Capacity
        (say.OUT_OF_MEMORY, "701 802 8628 8645 8651 8902 14355"),
        (say.DISK_FULL, "1101 1104 1105 1121 5149 9002"),
        (say.TOO_MANY, "10922 10928 10936 17300 17809 17810"),
        (say.USED_UP, "40544 40549 40550 40551 40552 40553 41823 41840"),
        (say.OVERLOADED, "10929 40501 49918 49919 49920"),
        # The server stopping, starting, failing over
        (
            say.NOT_READY,
            "601 615 617 669 904 921 922 926 927 952 976 978 979 982 983 997 4060 4221 6005 9001 9515 17142",
        ),
        (say.NOT_READY, "17197 20041 35001 40020 40143 40166 40197 40540 40613 40642 40648 40671 40675 40852 40892"),
        (say.NOT_READY, "42108 42109 45156 45157 45161 45168 45169 45179 45182 45319 45547 49977 49983"),
        (say.STOPPED, "596 6104 17803 17829"),
        (say.READ_ONLY, "3906 3908"),
        # The network; numbers of Windows among them
        (say.LOST, "64 121 233 258 995 10052 10053 10054"),
        (say.UNREACHABLE, "2 20 26 40 53 1225 1231 1232 10051 10065 11002"),
        (say.CONNECT_TIMEOUT, "10060"),
        (say.REFUSED, "10061"),
        (say.NO_SUCH_HOST, "11001 11004"),
        # Its own fault
        (say.BROKEN, "823 824 825 3624 5180 7105 8966"),
    ),
)

# DB-Library, below pymssql, has numbers of its own from 20000 on, in a range that SQL Server hardly uses.
BY_DBLIB: dict[int, Classification] = say.numbered(
    "DB-Library",
    (
        (say.TIMED_OUT, "20003"),
        (say.LOST, "20004 20006 20017"),
        (say.CLOSED, "20047"),
        (say.UNREACHABLE, "20002 20009 20008 20015"),
        (say.NO_SUCH_HOST, "20012 20013"),
        (say.NOT_LET_IN, "20014"),
        (say.OUT_OF_MEMORY, "20010"),
        (say.NONSENSE, "20020 20022"),
        (say.MISUSE, "20019"),
    ),
)

_BY_USER = say.RAISED.because("raised in SQL Server by stored code")


def by_number(number: int) -> Classification | None:
    """Judge a number of SQL Server's; from 50000 on, RAISERROR and THROW give them."""
    return _BY_USER if number >= 50_000 else BY_NUMBER.get(number)


def by_pymssql(error: Any) -> Answer:
    """Judge an error of pymssql: it begins with the number, or with a pair of number and text."""
    number = error.args[0] if error.args else None
    if isinstance(number, tuple) and number:
        number = number[0]
    if type(number) is int:
        found = BY_DBLIB.get(number) or by_number(number)
        if found is not None:
            return found
    return by_words(error)
