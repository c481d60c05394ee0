"""The correlation id in log records of others, for formatters that show `%(correlation_id)s`."""

from __future__ import annotations

from ..errors import ConfigurationError
from ..journal import stamp
from ..settings import shown
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable


class CorrelationFilter:
    """A filter for loggers and handlers: gives each record its `correlation_id`, "-" if there is none; drops nothing.

    It may stand in `logging.config.dictConfig` as ``{"()": "holdfast.observability.CorrelationFilter"}``. A record that
    has one already keeps it.
    """

    __slots__ = ()

    def __call__(self, record: logging.LogRecord) -> bool:
        """Give `record` its correlation id."""
        return stamp(record)

    filter = __call__


def install_correlation_filter(logger: logging.Logger | str | None = None) -> Callable[[], None]:
    """Give all that goes to the handlers of a logger, default the root logger, its correlation id.

    Call it when the handlers are there, as after `logging.basicConfig`. Returns a function that takes it back.

    >>> uninstall = install_correlation_filter("shop")
    >>> uninstall()

    Raises `ConfigurationError` if `logger` is neither a logger nor the name of one.
    """
    import logging

    given: object = logging.getLogger(logger) if logger is None or isinstance(logger, str) else logger
    if not isinstance(given, logging.Logger):
        raise ConfigurationError(
            f"install_correlation_filter: logger must be a logging.Logger, a name or None, not {shown(given)}"
        )
    ours = CorrelationFilter()
    handlers = list(given.handlers)
    for handler in handlers:
        handler.addFilter(ours)

    def uninstall() -> None:
        for handler in handlers:
            handler.removeFilter(ours)

    return uninstall
