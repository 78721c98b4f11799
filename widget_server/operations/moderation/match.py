"""Match the cases to what waits, after a server of the version before has worked beside this one."""

from widget_server.operations.services import Services
from widget_server.store.writing.match_cases import CHUNK, match_cases


async def match_waiting_cases(services: Services) -> int:
    """Open the cases that are missing and close those about nothing. Return their number.

    Run it every hour: it writes only after a deploy or a step back to a version without cases.
    """
    matched = 0
    while await services.decisions.unmatched():
        number = await services.writer.run_in_transaction(match_cases(services.now_ms()))
        matched += number
        if number < CHUNK:
            break
    return matched
