"""Omnisend's contacts, as its documents describe them."""

from sandbox.omnisend.role import Omnisend

__all__ = ["Omnisend"]
