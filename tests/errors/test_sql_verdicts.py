"""SQL databases: what the corpus of real exceptions cannot show, such as attributes of the wrong kind."""

from __future__ import annotations

from typing import Any

import pytest
from tests.errors.recorded_shapes import Bag, bearing, caused, recorded, while_handling

from holdfast import ErrorClassifier
from holdfast.errors.known import mssql, mysql, oracle
from holdfast.errors.known.sqlstate import BY_CLASS, BY_STATE, by_sqlstate, is_private

classify = ErrorClassifier().classify

PSYCOPG_ERROR = recorded("psycopg.Error")
PSYCOPG2_ERROR = recorded("psycopg2.Error")
MYSQL_ERROR = recorded("MySQLdb.MySQLError")
MYSQL_OPERATIONAL = recorded("MySQLdb.OperationalError", MYSQL_ERROR)
ORACLE_DATABASE = recorded("cx_Oracle.DatabaseError", recorded("cx_Oracle.Error"))
ODBC_ERROR = recorded("pyodbc.Error")
WRAPPER = recorded("sqlalchemy.exc.OperationalError", recorded("sqlalchemy.exc.StatementError"))


# -- SQLSTATE -------------------------------------------------------------------------------------------------


def test_every_listed_code_is_of_a_listed_class_so_that_its_siblings_to_come_are_judged() -> None:
    assert {state[:2] for state in BY_STATE} - set(BY_CLASS) <= {"03", "09", "0B", "0F", "0Z", "10"}


@pytest.mark.parametrize("state", ["4000", "400011", "", None, 40001, b"40001", ["40001"]])
def test_what_is_no_sqlstate_is_not_looked_up(state: Any) -> None:
    assert by_sqlstate(state) is None
    assert not is_private(state)


def test_a_code_that_is_not_listed_is_judged_by_its_class() -> None:
    error = bearing(recorded("psycopg.DatabaseError", PSYCOPG_ERROR)("x"), sqlstate="22ZZZ")
    assert (classify(error).category, classify(error).reason) == ("VALIDATION", "SQLSTATE class 22")


@pytest.mark.parametrize("state", ["U0001", "99ABC", "ZZ000"])
def test_a_code_of_the_database_s_users_is_their_refusal(state: str) -> None:
    error = bearing(recorded("psycopg.DatabaseError", PSYCOPG_ERROR)("x"), sqlstate=state)
    assert (classify(error).category, classify(error).trips_circuit) == ("PERMANENT", False)


def test_a_code_of_the_standard_s_that_nobody_knows_leaves_it_to_the_class() -> None:
    error = bearing(recorded("psycopg.DataError", PSYCOPG_ERROR)("x"), sqlstate="0Y123")
    assert classify(error).category == "VALIDATION"


def test_a_psycopg2_error_made_by_hand_is_known_by_the_name_of_its_class() -> None:
    deadlock = recorded("psycopg2.errors.DeadlockDetected", PSYCOPG2_ERROR)
    assert classify(bearing(deadlock("x"), pgcode=None)).code == "DEADLOCK"


def test_the_server_s_code_outranks_the_name_of_the_class() -> None:
    error = bearing(recorded("psycopg2.errors.DeadlockDetected", PSYCOPG2_ERROR)("x"), pgcode="23505")
    assert classify(error).code == "UNIQUE_VIOLATION"


def test_attributes_that_raise_are_passed_over() -> None:
    def refuse(self: object) -> str:
        raise RuntimeError("no")

    hostile = recorded("psycopg.OperationalError", PSYCOPG_ERROR, sqlstate=property(refuse), pgcode=property(refuse))
    assert classify(hostile("the connection is closed")).retry_scope == "reconnect"


def test_the_same_name_in_another_package_is_another_class() -> None:
    assert classify(recorded("acme.errors.DeadlockDetected")("x")).category == "UNKNOWN"
    assert classify(bearing(Exception("x"), sqlstate="40001")).category == "UNKNOWN"


def test_no_number_has_two_meanings_in_one_table() -> None:
    assert mysql.BY_NUMBER[1205].code == "LOCK_TIMEOUT"
    assert mssql.BY_NUMBER[1205].code == "DEADLOCK"
    assert oracle.BY_ORA[60].code == "DEADLOCK"


# -- words ----------------------------------------------------------------------------------------------------


def test_a_lost_connection_while_it_is_made_was_not_used_yet() -> None:
    operational = recorded("psycopg.OperationalError", PSYCOPG_ERROR)
    made = operational("connection to server at 10.0.0.1 failed: server closed the connection unexpectedly")
    used = operational("server closed the connection unexpectedly")
    assert (classify(made).retry_scope, classify(used).retry_scope) == ("always", "new_transaction")


def test_words_after_a_long_preamble_are_not_read() -> None:
    error = recorded("psycopg.OperationalError", PSYCOPG_ERROR)("x" * 10_000 + " deadlock detected")
    assert classify(error).code == "CONNECTION_ERROR"


@pytest.mark.parametrize("argument", [None, 7, b"deadlock detected", ["deadlock detected"], Bag(message="deadlock")])
def test_a_message_that_is_no_text_leaves_it_to_the_class(argument: Any) -> None:
    error = recorded("psycopg.IntegrityError", PSYCOPG_ERROR)(argument)
    assert (classify(error).category, classify(error).code) == ("PERMANENT", "CONFLICT")


def test_an_operational_error_that_says_nothing_asks_its_cause_first() -> None:
    refused = caused(recorded("psycopg.OperationalError", PSYCOPG_ERROR)("x"), ConnectionRefusedError(111, "refused"))
    assert (classify(refused).code, classify(refused).retry_scope) == ("CONNECTION_REFUSED", "always")


# -- MySQL ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [True, "1213", 1213.0, -1, None])
def test_what_is_no_mysql_number_leaves_it_to_the_words(number: Any) -> None:
    assert classify(MYSQL_OPERATIONAL(number, "Deadlock found when trying to get lock")).code == "DEADLOCK"


def test_a_mysql_error_without_arguments_is_judged_by_its_class() -> None:
    assert classify(MYSQL_OPERATIONAL()).category == "TRANSIENT"


def test_an_unlisted_number_of_the_server_is_its_refusal() -> None:
    assert classify(MYSQL_OPERATIONAL(1987, "x")).reason == "refused by MySQL"
    assert classify(MYSQL_OPERATIONAL(1987, "x")).retry_scope == "never"


def test_an_unlisted_number_leaves_it_to_a_class_that_tells() -> None:
    assert classify(recorded("MySQLdb.DataError", MYSQL_ERROR)(1987, "x")).category == "VALIDATION"


def test_an_unlisted_number_with_a_sqlstate_is_judged_by_that() -> None:
    assert classify(bearing(MYSQL_OPERATIONAL(1987, "x"), sqlstate="40001")).code == "SERIALIZATION_FAILURE"


def test_a_timeout_in_connecting_to_mysql_was_not_sent() -> None:
    error = while_handling(MYSQL_OPERATIONAL(2003, "x"), TimeoutError("timed out"))
    assert (classify(error).code, classify(error).retry_scope) == ("CONNECT_TIMEOUT", "always")


def test_the_missing_socket_of_a_server_is_a_server_that_does_not_run() -> None:
    error = caused(MYSQL_OPERATIONAL(2002, "x"), FileNotFoundError(2, "No such file or directory"))
    assert classify(error).code == "CONNECTION_REFUSED"


# -- Oracle ---------------------------------------------------------------------------------------------------


def test_cx_oracle_has_the_number_in_the_text_and_as_a_code() -> None:
    assert classify(ORACLE_DATABASE(Bag(code=60, message="ORA-00060: deadlock detected"))).code == "DEADLOCK"
    assert classify(ORACLE_DATABASE(Bag(code=60, message="gesperrt"))).code == "DEADLOCK"
    assert classify(ORACLE_DATABASE("ORA-00060: deadlock detected")).code == "DEADLOCK"


def test_of_several_ora_numbers_the_first_that_is_known_decides() -> None:
    text = "ORA-99999: x\nORA-: y\nORA-00001: unique constraint violated"
    assert classify(ORACLE_DATABASE(Bag(full_code="", message=text))).code == "UNIQUE_VIOLATION"


@pytest.mark.parametrize(
    "detail",
    [
        Bag(full_code=7, message=None, code="60"),
        Bag(full_code=None, message=b"ORA-00060", code=True),
        Bag(full_code="ORA-", isrecoverable=1),
        None,
        60,
    ],
)
def test_an_oracle_error_of_the_wrong_shape_is_judged_by_its_class(detail: Any) -> None:
    assert classify(ORACLE_DATABASE(detail)).code == "SERVER_ERROR"


def test_a_listener_s_refusal_without_a_text_is_a_listener_that_is_not_ready() -> None:
    assert classify(ORACLE_DATABASE(Bag(full_code="DPY-6000", message=None))).retry_scope == "always"


def test_a_code_of_the_driver_that_nobody_knows_is_judged_by_its_thousand() -> None:
    assert classify(ORACLE_DATABASE(Bag(full_code="DPY-2999", message="x"))).category == "INTERNAL"
    assert classify(ORACLE_DATABASE(Bag(full_code="DPY-5999", message="x"))).category == "EXTERNAL"
    assert classify(ORACLE_DATABASE(Bag(full_code="DPY-9999", message="x"))).reason == "DB-API DatabaseError"


# -- ODBC and SQL Server --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "[SQL Server]x () (SQLExecDirectW)",
        "[SQL Server]x (12345678901234567890) (SQLExecDirectW)",
        "[SQL Server]x (1205) y",
        "[SQL Server]x 1205) (SQLExecDirectW)",
        "[Acme]x (1205) (SQLExecDirectW)",
        ") (SQLExecDirectW)",
        b"[SQL Server]x (1205) (SQLExecDirectW)",
        None,
    ],
)
def test_a_number_that_is_not_where_the_server_s_stands_is_not_taken_for_it(text: Any) -> None:
    assert classify(ODBC_ERROR("23000", text)).code == "CONFLICT"


def test_the_server_s_number_may_be_the_last_of_the_text() -> None:
    assert classify(ODBC_ERROR("42000", "[42000] [SQL Server]Lock request time out (1222)")).code == "LOCK_TIMEOUT"


def test_an_odbc_error_without_text_is_judged_by_its_state() -> None:
    assert classify(ODBC_ERROR("HYT00")).code == "TIMEOUT"
    assert classify(ODBC_ERROR()).code == "SERVER_ERROR"


def test_an_unlisted_number_of_sql_server_leaves_it_to_the_state() -> None:
    text = "[42000] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]x (33333) (SQLExecDirectW)"
    assert classify(ODBC_ERROR("42000", text)).category == "INTERNAL"


def test_pymssql_gives_a_number_a_pair_or_neither() -> None:
    operational = recorded("pymssql.OperationalError", recorded("pymssql.Error"))
    assert classify(operational(1205, b"x")).code == "DEADLOCK"
    assert classify(operational((1205, b"x"))).code == "DEADLOCK"
    assert classify(operational(())).category == "TRANSIENT"
    assert classify(operational()).category == "TRANSIENT"
    assert classify(operational(True)).category == "TRANSIENT"


# -- wrappers -------------------------------------------------------------------------------------------------


def test_a_wrapper_is_judged_by_the_driver_s_error_below_it() -> None:
    error = bearing(WRAPPER("x"), orig=MYSQL_OPERATIONAL(1205, "x"))
    verdict = classify(error)
    assert verdict.code == "LOCK_TIMEOUT"
    assert verdict.reason == "caused by MySQLdb.OperationalError (MySQL error 1205)"


@pytest.mark.parametrize("flag", [1, "yes", None, False])
def test_only_true_says_that_the_connection_was_given_up(flag: Any) -> None:
    error = bearing(WRAPPER("x"), orig=MYSQL_OPERATIONAL(1205, "x"), connection_invalidated=flag)
    assert classify(error).code == "LOCK_TIMEOUT"


def test_the_docs_id_that_sqlalchemy_calls_code_is_no_vendor_s_code() -> None:
    error = bearing(WRAPPER("x"), orig=MYSQL_OPERATIONAL(1213, "x"), code="e3q8")
    assert classify(error).code == "DEADLOCK"


def test_a_driver_that_nobody_knows_leaves_its_words_in_the_wrapper() -> None:
    error = bearing(WRAPPER("(acme.Error) deadlock detected"), orig=recorded("acme.Error")("x"))
    assert classify(error).code == "DEADLOCK"
