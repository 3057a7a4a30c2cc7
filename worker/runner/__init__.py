"""The only room that retries, waits or parks: it gives each operation its task and moves chunks to their end."""
