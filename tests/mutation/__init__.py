"""Mutation testing of the decisions: does a test notice when one of them is made wrong? `python -m tests.mutation`."""
