"""Accounts that a person lets us into from a browser: asking, exchanging the code, keeping the token (OAuth 2.0)."""
