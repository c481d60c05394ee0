"""AWS: botocore, boto3 and s3transfer."""

from __future__ import annotations

from ..recognition import Table, table

AWS: Table = table({})
