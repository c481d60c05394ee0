"""What tests of code that uses holdfast need: time that passes when told to, and chance that is known beforehand."""

from .virtual_clock import VirtualClock

__all__ = ["VirtualClock"]
