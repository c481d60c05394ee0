"""Hosted services: Stripe, Slack, Kubernetes."""

from __future__ import annotations

from ..recognition import Table, table

SAAS: Table = table({})
