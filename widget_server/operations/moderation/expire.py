"""Erase the texts of removed comments once they cannot be restored any more."""

from widget_server.operations.services import Services
from widget_server.store.writing.kept_texts import erase_expired


async def erase_expired_texts(services: Services) -> int:
    """Erase all kept texts whose time is over, and return their number. Run it every hour."""
    erased = 0
    while True:
        number = await services.writer.run_in_transaction(erase_expired(services.now_ms()))
        if not number:
            return erased
        erased += number
