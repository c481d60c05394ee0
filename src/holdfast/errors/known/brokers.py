"""Message brokers: Kafka, AMQP and NATS."""

from __future__ import annotations

from ..recognition import Table, table

BROKERS: Table = table({})
