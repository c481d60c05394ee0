"""A transfer between two accounts in a database that is locked for a moment; the transaction is tried again as a whole.

Run it: python examples/database.py

What a failed transaction did is gone, so trying its last statement again would be no use, and half of a transfer would
be a disaster. The guard therefore stands around the whole of it. A rule of the database that is broken, an account
below zero here, is no passing failure, and comes out at once. A guarded plain function stays in its caller's thread
under this policy, so that it may use a connection that was opened there.
"""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast import with_database_resilience

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE = "CREATE TABLE account (name TEXT PRIMARY KEY, amount INTEGER CHECK (amount >= 0))"


class Bank:
    """Accounts in a database."""

    def __init__(self, connection: sqlite3.Connection, on_retry: Callable[[Exception, int, float], None]) -> None:
        self.connection = connection
        self.begun = 0
        connection.execute(TABLE)
        connection.execute("INSERT INTO account VALUES ('ada', 100), ('bob', 0)")
        self.transfer = with_database_resilience("bank", retry={"on_retry": on_retry})(self._transfer)

    def _transfer(self, payer: str, payee: str, amount: int) -> None:
        self.begun += 1
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            execute("UPDATE account SET amount = amount + ? WHERE name = ?", (amount, payee))
            execute("UPDATE account SET amount = amount - ? WHERE name = ?", (amount, payer))
            execute("COMMIT")
        except BaseException:
            execute("ROLLBACK")
            raise

    def amounts(self) -> dict[str, int]:
        return dict(self.connection.execute("SELECT name, amount FROM account ORDER BY name"))


def connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=0, isolation_level=None)  # waiting for a lock is the retry's business


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bank.sqlite"

        def told(error: Exception, attempt: int, _delay: float) -> None:
            print(f"  attempt {attempt}: {error}")
            if attempt == 2:
                report.rollback()  # somebody else's long transaction ends

        with closing(connect(path)) as report, closing(connect(path)) as connection:
            bank = Bank(connection, told)
            report.execute("BEGIN IMMEDIATE")
            print("ada pays 30 to bob, while a report holds the lock:")
            bank.transfer("ada", "bob", 30)
            print(f"  done after {bank.begun} attempts: {bank.amounts()}")

            bank.begun = 0
            print("ada pays 300 to bob:")
            try:
                bank.transfer("ada", "bob", 300)
            except sqlite3.IntegrityError as error:
                print(f"  {error} (attempts: {bank.begun})")
            print(f"  nothing is half done: {bank.amounts()}")


if __name__ == "__main__":
    main()
