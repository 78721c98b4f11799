"""A server's components on each engine."""

from tests.operations.conftest import server

__all__ = ["server"]
