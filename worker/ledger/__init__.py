"""The truth: what was asked for, what became of it. The queue is only a wake-up.

The one room that knows SQL. Every function takes an open transaction first; `Ledger` hands those out.
"""
