"""What the rest of the house may know of the database: an open transaction, a row, and that it can be away."""

from sqlalchemy import Connection, Row
from sqlalchemy.exc import SQLAlchemyError as LedgerError

__all__ = ["Connection", "LedgerError", "Row"]
