"""Erase the texts of removed comments once they cannot be restored any more."""

from widget_server.operations.services import Services
from widget_server.store.writing.kept_texts import erase_expired
from widget_server.store.writing.rules import delete_old_hits


async def erase_expired_texts(services: Services) -> int:
    """Erase all kept texts whose time is over, and return their number. Run it every hour."""
    erased = 0
    while True:
        number = await services.writer.run_in_transaction(erase_expired(services.now_ms()))
        if not number:
            return erased
        erased += number


async def delete_old_rule_hits(services: Services) -> int:
    """Delete what is remembered of comments that rules hit 90 days ago. Return the number of rows."""
    total = 0
    while number := await services.writer.run_in_transaction(delete_old_hits(services.now_ms())):
        total += number
    return total
