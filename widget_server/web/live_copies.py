"""What the readers of one copy are told about it: what it hides, and that it is older than its story."""

from typing import Any, NamedTuple

from widget_server.hub.channel import Subscription
from widget_server.hub.prepared import PreparedBatch, PreparedMessage
from widget_server.model.records import Copy, NarrowedCopy, OlderCopy, Story
from widget_server.operations.readers import authorize, copies, older_copies
from widget_server.operations.services import Services
from widget_server.protocol import serializers, server_messages


class ToldOfCopy(NamedTuple):
    """What a socket is told about the copy that its page is."""

    hidden: tuple[str, ...]
    """Ids of comments that it does not show."""
    older: OlderCopy | None
    """That its page has an earlier version of the story's text."""


class ToldOfNamedCopy(NamedTuple):
    """What an event stream is told about the copy that its client names."""

    narrowed: NarrowedCopy | None
    """The copy, if it hides something."""
    older: OlderCopy | None

    @property
    def hidden(self) -> tuple[str, ...]:
        """Ids of comments that it does not show."""
        return () if self.narrowed is None else self.narrowed.hidden


NOTHING_OF_COPY = ToldOfCopy((), None)


async def told_of_copy(services: Services, grant: authorize.Grant, copy: Copy | None) -> ToldOfCopy:
    """Return what a socket is told about its copy. Raises `UnavailableError`."""
    return ToldOfCopy(
        await copies.hidden_on(services, grant, copy),
        await older_copies.older_on(services, grant, copy),
    )


async def told_of_named_copy(
    services: Services, story: Story, handle: str | None, origin: str | None
) -> ToldOfNamedCopy:
    """Return what an event stream is told about the copy that `handle` names, if any. Raises `UnavailableError`."""
    if handle is None:
        return ToldOfNamedCopy(None, None)
    copy = await copies.narrowed_by(services, story, handle, origin)
    older = await older_copies.older_by(services, story, handle, origin)
    return ToldOfNamedCopy(copy if copy is not None and copy.hidden else None, older)


def named_copy_json(services: Services, told: ToldOfNamedCopy, *, told_older: bool) -> bytes:
    """Return what a snapshot of an event stream says of the copy, as JSON that starts with a comma.

    `copy` is null if it hides nothing. `told_older`: whether the client may know the copy as older than the story.
    """
    copy = told.narrowed
    own = copy and serializers.own_copy(copy.label, copy.origin, copy.hidden)
    fields: dict[str, Any] = {"copy": own}
    if told.older is not None or told_older:
        fields["older"] = older_fields(services, told.older)
    return server_messages.own_fields_json(fields)


def older_fields(services: Services, older: OlderCopy | None) -> dict[str, Any] | None:
    """Return what is sent about an older copy, or None."""
    return None if older is None else serializers.older_copy(older, services.server_origin)


def tell_older(
    services: Services, code: str, subscription: Subscription, older: OlderCopy | None
) -> None:
    """Send that the copy is older than its story, or not any more. Its `session_fields` say so already."""
    payload = server_messages.encode_copy_older(code, older_fields(services, older))
    batch = PreparedBatch([PreparedMessage(payload)])
    if not services.hub.write(subscription.connection, batch):
        # A slow consumer gets a whole snapshot later, with these fields.
        services.hub.renew(code, [subscription])
