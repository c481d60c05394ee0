"""Time limits for calls, and deadlines that everything in a block of code keeps to."""

from .config import TimeoutConfig, TimeoutMetrics
from .deadlines import Deadline, current_deadline, time_left
from .events import TimeoutExceeded
from .manager import TimeoutManager, get_timeout_manager
from .tracker import DeadlineMetrics, DeadlineTracker, deadline, get_deadline_tracker

__all__ = [
    "Deadline",
    "DeadlineMetrics",
    "DeadlineTracker",
    "TimeoutConfig",
    "TimeoutExceeded",
    "TimeoutManager",
    "TimeoutMetrics",
    "current_deadline",
    "deadline",
    "get_deadline_tracker",
    "get_timeout_manager",
    "time_left",
]
