"""Rows and payloads, checked before any call: what passes is encoded and sent, what doesn't is refused by name."""
