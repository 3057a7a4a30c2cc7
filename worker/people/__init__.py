"""Persons, as hashes that say who is the same: where they stand in consent, and what was sent to them."""
