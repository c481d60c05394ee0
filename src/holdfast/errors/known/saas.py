"""Hosted services: Stripe, Slack, Kubernetes, and those whose errors are little more than an HTTP status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .kubernetes import KUBERNETES
from .rest_clients import REST_CLIENTS
from .slack import SLACK
from .stripe import STRIPE

if TYPE_CHECKING:
    from ..recognition import Table

SAAS: Table = {**STRIPE, **SLACK, **KUBERNETES, **REST_CLIENTS}
