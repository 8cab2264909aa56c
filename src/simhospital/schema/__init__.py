"""The business databases as data: read from data/schema/*.yaml, written out as DDL for four kinds of server."""

from .ddl import DIALECTS, create_all, statements
from .model import Column, Database, Table, databases

__all__ = ["DIALECTS", "Column", "Database", "Table", "create_all", "databases", "statements"]
