"""Real client libraries against servers on loopback that misbehave, and how holdfast judges what they raise.

These tests need the client libraries themselves, so they are left out of an ordinary run. Each of the two sets of them
wants an environment of its own:

    pip install -e ".[dev,ecosystem]"             the current major versions
    pip install -e ".[dev,ecosystem-previous]"    the ones before

    pytest tests/live

Nothing but loopback is talked to. `servers` misbehaves over HTTP, `clients` makes one request with each library, and
`mcp_server` and `mcp_client` are both ends of MCP.
"""
