"""Devino OMNI, as its document describes it."""

from sandbox.devino.role import Devino

__all__ = ["Devino"]
