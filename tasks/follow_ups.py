"""What each notice sets going, one function a business rule."""

from __future__ import annotations
