"""holdfast beside other packages: one module for each, which is imported by whoever uses it and by nobody else.

=====================================  ============================================  ===========================
module                                 what it does                                  pip install ...
=====================================  ============================================  ===========================
`holdfast.integrations.prometheus`     metrics in a registry of `prometheus_client`  ``holdfast[prometheus]``
`holdfast.integrations.opentelemetry`  metrics for a meter, events on spans          ``holdfast[opentelemetry]``
`holdfast.integrations.structlog`      what happens as log entries; correlation id   ``holdfast[structlog]``
=====================================  ============================================  ===========================
"""
