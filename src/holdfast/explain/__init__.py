"""What `python -m holdfast classify` says: the verdict on an exception, the rule behind it, and what policies do."""

from .named import NamingError, exception_named
from .report import as_json, as_text, explain
from .tracebacks import exception_in

__all__ = ["NamingError", "as_json", "as_text", "exception_in", "exception_named", "explain"]
