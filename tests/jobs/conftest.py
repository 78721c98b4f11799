"""A server's components on each engine."""

from tests.operations.conftest import migrated_url, server

__all__ = ["migrated_url", "server"]
