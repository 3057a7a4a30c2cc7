"""The public door for callbacks: who is it, keep what was told, answer 200."""
