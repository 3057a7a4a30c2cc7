"""Alembic's entry: runs on the connection that `worker.ledger.migrate` opened, never on one of its own."""

from alembic import context

from worker.ledger.schema import declared

context.configure(connection=context.config.attributes["connection"], target_metadata=declared(), render_as_batch=True)
context.run_migrations()
