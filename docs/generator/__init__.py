"""Writes the pages of `docs/` that follow from the code: `make docs`. With `--check` it says which are stale.

What is declared once (operations, settings, words, codes) is told here and nowhere else; the prose around it is
written by hand, in the page itself where a page has both (docs/decisions/0010).
"""
