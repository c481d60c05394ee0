"""MySQL and MariaDB: what the numbers of the server and of its client library mean for a retry.

Server numbers from the MySQL manual's "Server Error Message Reference" and MariaDB's list, client numbers (2000 to
2999) from its "Client Error Message Reference"; TiDB and Galera speak the same protocol and add their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import read
from ..recognition import classes_of
from . import sql_verdicts as say
from .sql_words import by_words, while_connecting, words_of
from .sqlstate import by_sqlstate

if TYPE_CHECKING:
    from ..classification import Classification
    from ..recognition import Answer

BY_NUMBER: dict[int, Classification] = say.numbered(
    "MySQL",
    (
        # The data: duplicate keys, foreign keys, values
        (say.UNIQUE, "1022 1062 1169 1557 1586 1761 1762 1859"),
        (say.IN_THE_WAY, "1215 1216 1217 1451 1452 1701 3730"),
        (say.BAD_DATA, "1048 1138 1171 1242 1263 1264 1265 1292 1300 1364 1365 1366 1367 1406 1411 1416 1425 1441"),
        (say.BAD_DATA, "1526 1690 1748 3020 3037 3140 3141 3156 3157 3158 3554 3669 3819 4025 4078"),
        (say.TOO_LARGE, "1118 1153 1162 1301 1390 1436 3170 3186 3636"),  # packets, rows, placeholders, recursion
        (say.NO_DATA, "1329"),
        (say.RAISED, "1643 1644 1645"),  # SIGNAL in stored code
        # The statement
        (say.WRONG_SQL, "1052 1055 1056 1058 1064 1065 1066 1068 1069 1070 1071 1075 1093 1101 1102 1103 1110 1111"),
        (say.WRONG_SQL, "1113 1115 1136 1139 1140 1149 1166 1172 1210 1222 1235 1241 1248 1267 1270 1271 1273 1289"),
        (say.WRONG_SQL, "1294 1295 1318 1327 1330 1335 1336 1582 3065 3105 3573 1286 1298"),
        (say.MISUSE, "1046 1099 1100 1179 1192 1207 1399 1400 1568 1621 1792"),  # out of order, or without USE
        (say.MISSING, "1008 1049 1051 1054 1072 1091 1109 1141 1146 1147 1176 1305 1356 1360 1449 3162"),
        (say.EXISTS, "1007 1050 1060 1061 1304 1359 1396 1826"),
        # Who may come in, and what they may do
        (say.NOT_LET_IN, "1045 1131 1132 1133 1251 1275 1698 1820 1862 3118 3878 3955 4151"),
        (say.FORBIDDEN, "1044 1095 1129 1130 1142 1143 1227 1345 1370 1410 1419 3202 3530 3879"),
        (say.TLS_FAILED, "3159"),  # the server wants TLS
        # Concurrency
        (say.DEADLOCK, "1213 1614 3058 3132"),
        (say.LOCKED, "1205 1206 1613 1689 3133 3572"),
        (say.SERIALIZATION, "1020 1402 1637 3101"),  # 1020: MariaDB's snapshot isolation; 3101: group replication
        (say.CHANGED, "1412 1615"),  # the table was altered under the statement
        (say.LOCKED, "1015 1223"),
        (say.TOO_SLOW, "1317 1969 3024"),  # interrupted, or longer than allowed: 1969 is MariaDB's
        # Capacity
        (say.TOO_MANY, "1040 1203"),
        (say.USED_UP, "1226"),
        (say.HANDLES_USED_UP, "1461"),
        (say.OUT_OF_MEMORY, "1037 1038 1041 1135 3015"),
        (say.DISK_FULL, "1021 1114 1878 3675 3873"),
        # The server stopping, and the way to it breaking
        (say.STOPPED, "1053 1077 1079 1080 1152 1184 1927 1950 3169"),
        (say.IDLED, "4031"),
        (say.NOT_READY, "3032 3168 3781 3782"),
        (say.UNREACHABLE, "1042 1043"),
        (say.LOST, "1154 1155 1158 1159 1160 1161 1189 1190"),
        (say.STUMBLED, "1218 1429 1430"),
        (say.NONSENSE, "1156 1157 1835"),
        # A server that only reads, as after a failover, or for good
        (say.READ_ONLY, "1290 1836 1874 3989"),
        # Its own fault: storage engines, damaged tables
        (say.BROKEN, "1030 1034 1035 1105 1126 1180 1194 1195 1712 1815 3000"),
        # The client library
        (say.UNREACHABLE, "2001 2002 2003 2004 2012 2015 2016 2017 2018 2024 2025 2037 2038 2039 2040 2041 2042 2043"),
        (say.UNREACHABLE, "2044 2045 2046 2070"),
        (say.NO_SUCH_HOST, "2005"),
        (say.LOST, "2006 2013 2055"),
        (say.CLOSED, "2048"),
        (say.NONSENSE, "2007 2027"),
        (say.TOO_LARGE, "2020"),
        (say.OUT_OF_MEMORY, "2008"),
        (say.TLS_FAILED, "2026 2064"),
        (say.BAD_SETUP, "2009 2019 2047 2054 2059 2060 2062 2063 2065 2066 2069 2071"),
        (say.NOT_LET_IN, "2049 2061 2067 2072"),
        (say.FORBIDDEN, "2068"),
        (say.MISUSE, "2014 2029 2030 2031 2032 2033 2034 2035 2036 2050 2051 2052 2053 2056 2057 2058"),
        # TiDB
        (say.SERIALIZATION, "8002 8005 8022 8028 9006 9007"),
        (say.LOCKED, "9004"),
        (say.NOT_READY, "9001 9002 9003 9005 9010 9011 9012"),
    ),
)

_CONNECTING = frozenset({2001, 2002, 2003, 2005, 2012, 2026})
_OTHER_CLIENT_ERROR = say.UNSURE.because("error of MySQL's client library")
_REFUSED = say.RAISED.because("refused by MySQL")
_NOT_READY_FOR_CLUSTER = say.NOT_READY.because("Galera node not ready")
_CLOSED = say.CLOSED.because("connection closed before")

# Classes that a driver chooses by the number; the others are its guess for a number that it does not know.
_TELLING = frozenset({"IntegrityError", "DataError", "ProgrammingError", "NotSupportedError"})


def by_mysql_number(error: Any) -> Answer:
    """Judge an error of PyMySQL, MySQLdb, MySQL Connector and their kin, whose first argument is the number."""
    number = error.args[0] if error.args else None
    if type(number) is not int or number < 0:
        return by_words(error)
    if number == 0:  # PyMySQL: used after it was closed
        return _CLOSED
    found = BY_NUMBER.get(number)
    if found is None:
        return _by_state_or_class(error, number)
    if number in _CONNECTING:
        return while_connecting(error, found)
    return found


def _by_state_or_class(error: Any, number: int) -> Answer:
    if number == 1047:  # Galera's for a node that is catching up, otherwise for a command that no server knows
        return _NOT_READY_FOR_CLUSTER if "wsrep" in words_of(error) else say.MISUSE.because("MySQL error 1047")
    found = by_sqlstate(read(error, "sqlstate"))
    if found is not None:
        return found
    if 2000 <= number < 3000:
        return _OTHER_CLIENT_ERROR
    if any(each.__name__ in _TELLING for each in classes_of(type(error))):
        return by_words(error)
    return _REFUSED
