"""Policies from a TOML file, a mapping or the environment, changed while the program runs without losing any state."""

from .load import load_config, read_config
from .report import ConfigReport

__all__ = ["ConfigReport", "load_config", "read_config"]
