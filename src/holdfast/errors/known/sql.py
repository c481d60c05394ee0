"""SQL databases: psycopg, asyncpg, SQLAlchemy, PyMySQL, pyodbc, oracledb."""

from __future__ import annotations

from ..recognition import Table, table

SQL: Table = table({})
