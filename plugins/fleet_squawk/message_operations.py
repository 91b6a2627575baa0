"""Reading one message, and confirming it. Each function is offered under its name in pyproject.toml."""

from datetime import datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from fleet_core.api import Decision, Done, EventType, Fleet, Invalid, Outcome, Query, Recorded, Uuid
from fleet_leases.api import HeldWrite, Holding, carry_out_held
from fleet_squawk.copies import MessageId, copy_for
from fleet_squawk.events import SquawkAcked, SquawkRead
from fleet_squawk.inbox_operations import WhichMailbox
from fleet_squawk.mailboxes import book
from fleet_squawk.messages import Message, message_of

T = TypeVar("T", bound=EventType)


class ReadMessage(HeldWrite, frozen=True, kw_only=True):
    """A message to read."""

    message: MessageId
    mailbox: WhichMailbox = None


class Ack(HeldWrite, frozen=True, kw_only=True):
    """A message to confirm."""

    message: MessageId
    response: Annotated[str | None, Meta(description="What to say with it.")] = None
    mailbox: WhichMailbox = None


class Acknowledged(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was confirmed."""

    message_id: str
    mailbox: str
    acked_by: str
    response: str | None
    acked_at: datetime


def read(fleet: Fleet, request: ReadMessage) -> Done[Message]:
    """Read one message, wherever the cursor stands; that it was read is recorded.

    Example: fleet squawk read 018f2c4e-5a1b-7c3d-8e4f-0123456789ab
    """
    found: list[Recorded] = []

    def decide(decision: Decision, holding: Holding) -> None:
        copy = copy_for(decision, holding, request.message, request.mailbox)
        found[:] = [copy]
        earlier = _told_of(fleet, copy, SquawkRead)
        if not any(event.data.reader_id == holding.specialist for event in earlier):
            told = SquawkRead(
                message_id=_uuid_of(copy), mailbox_id=copy.stream_id, reader_id=holding.specialist
            )
            decision.record(book(copy.stream_id), told, cause=copy.id)

    outcome = carry_out_held(fleet, request, decide)
    copy = found[-1] if found else _cause_of(fleet, outcome)
    return Done(message_of(copy), outcome.position, outcome.replayed)


def ack(fleet: Fleet, request: Ack) -> Done[Acknowledged]:
    """Confirm a message that its sender wants confirmed.

    Confirming it again changes nothing.

    Example: fleet squawk ack 018f2c4e-5a1b-7c3d-8e4f-0123456789ab --response "done by noon"
    """
    before: list[Recorded] = []

    def decide(decision: Decision, holding: Holding) -> None:
        copy = copy_for(decision, holding, request.message, request.mailbox)
        before[:] = _told_of(fleet, copy, SquawkAcked)
        if before:
            return
        told = SquawkAcked(
            message_id=_uuid_of(copy),
            mailbox_id=copy.stream_id,
            acker_id=holding.specialist,
            response=None if request.response is None else {"body": request.response},
        )
        decision.record(book(copy.stream_id), told, cause=copy.id)

    outcome = carry_out_held(fleet, request, decide)
    event = outcome.events[0] if outcome.events else before[0]
    acked: SquawkAcked = event.data
    state = Acknowledged(
        message_id=acked.message_id,
        mailbox=acked.mailbox_id,
        acked_by=acked.acker_id,
        response=(acked.response or {}).get("body"),
        acked_at=event.occurred_at,
    )
    return Done(state, outcome.position, outcome.replayed)


def _told_of(fleet: Fleet, copy: Recorded, kind: type[T]) -> list[Recorded]:
    """The events of a type that a message caused."""
    caused = fleet.store.read(Query.of(causation_id=copy.id, types=(kind.type_name,)))
    return [event for event in caused if isinstance(event.known, kind)]


def _uuid_of(copy: Recorded) -> str:
    """The id by which events tell of a message.

    Raises:
        Invalid: the message came with another kind of id, which they can't name.
    """
    message_id = message_of(copy).message_id
    try:
        return msgspec.convert(message_id, Uuid)
    except msgspec.ValidationError:
        raise Invalid(
            f"message {message_id!r} was imported with an id that is no UUID, so no event can name it",
            path="$.message",
            remedy="'fleet squawk receive --bodies' gives its text, 'fleet squawk advance' passes over it",
        ) from None


def _cause_of(fleet: Fleet, outcome: Outcome) -> Recorded:
    cause = outcome.events[0].causation_id or ""
    return next(fleet.store.read(Query.of(ids=(cause,)), limit=1))
