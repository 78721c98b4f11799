"""Channel names and connection settings, shared by the publisher and the subscriber."""

import zlib

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

PARTITIONS = 64
"""Never changes, so that a cluster of several machines can distribute the channels."""


def channel_name(code: str) -> str:
    """Return the pub/sub channel of a story: `w:{partition}:code`.

    The braces are a hash tag of Redis Cluster: a partition's channels are on one cluster node.
    """
    return f"w:{{{zlib.crc32(code.encode()) % PARTITIONS}}}:{code}"


def create_client(url: str) -> Redis:
    """Return a client that never retries: a repeated PUBLISH would be a repeated message.

    Connecting takes at most a second; the caller sets a timeout for each command.
    """
    return Redis.from_url(
        url,
        protocol=2,
        socket_timeout=None,
        socket_connect_timeout=1,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )
