"""Message brokers: Kafka, RabbitMQ, NATS, and the task queues on top of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .amqp import RABBITMQ
from .kafka import KAFKA
from .nats import NATS
from .queues import QUEUES

if TYPE_CHECKING:
    from ..recognition import Table

BROKERS: Table = {**KAFKA, **RABBITMQ, **NATS, **QUEUES}
