"""WHAT we ask for: one folder a platform, plus what joins them. A platform is known to the house by its line here."""

from tasks import consent, devino, flows, follow_ups, message_history, omnisend, omnisense

PLATFORMS = (omnisense.PLATFORM, devino.PLATFORM, omnisend.PLATFORM)
FLOWS = flows.FLOWS
CONSENT = consent.CONSENT
FOLLOW_UPS = (follow_ups, message_history)  # modules whose functions follow notices
