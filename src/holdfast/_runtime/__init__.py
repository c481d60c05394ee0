"""Where holdfast sleeps, awaits and cancels; nothing in here knows what a retry or a circuit is."""
