"""Match the cases to what waits, after a server of the version before has worked beside this one."""

from widget_server.operations.services import Services
from widget_server.store.writing.match_cases import match_cases


async def match_waiting_cases(services: Services) -> int:
    """Open the cases that are missing and close those about nothing. Return their number.

    Run it every hour: it writes only after a deploy or a step back to a version without cases.
    """
    if not await services.decisions.unmatched():
        return 0
    return await services.writer.run_in_transaction(match_cases(services.now_ms()))
