"""WHAT we ask for: one folder a platform, plus what joins them. A platform is known to the house by its line here."""

from tasks import omnisend, omnisense

PLATFORMS = (omnisense.PLATFORM, omnisend.PLATFORM)
