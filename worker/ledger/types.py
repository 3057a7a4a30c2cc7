"""What the rest of the house may know of the database: an open transaction, a row, and that it can be away, or that
it takes no such value (`NotTaken`)."""

from sqlalchemy import Connection, Row
from sqlalchemy.exc import DataError as NotTaken
from sqlalchemy.exc import SQLAlchemyError as LedgerError

__all__ = ["Connection", "LedgerError", "NotTaken", "Row"]
