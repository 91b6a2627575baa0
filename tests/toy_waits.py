"""Toy kinds of what can be waited for; they write down in the project that they look, and the token."""

from fleet_core.api import Batch, Fleet, Look, NewEvent, NotFound, Stream
from toys import BOXES, BoxMade


def box(fleet: Fleet, argument: str, token: int | None) -> Look:
    """A box of that name."""
    _note(fleet, token)
    return Look(fleet.view(BOXES).get(argument))


def third(fleet: Fleet, argument: str, token: int | None) -> Look:
    """The third look, for which it wants to be asked soon."""
    looks = _note(fleet, token)
    return Look(looks, again_in=0.01) if looks == 3 else Look(again_in=0.01)


def eager(fleet: Fleet, argument: str, token: int | None) -> Look:
    """Nothing ever, but it wants to be asked again at once."""
    _note(fleet, token)
    return Look(again_in=-1)


def busy(fleet: Fleet, argument: str, token: int | None) -> Look:
    """Nothing ever, in a log that grows with each look."""
    fleet.append(Batch(Stream("box", f"b{_note(fleet, token)}"), [NewEvent(data=BoxMade(label="x"))]))
    return Look()


def nothing_much(fleet: Fleet, argument: str, token: int | None) -> Look:
    """Something that is there, and is as good as nothing."""
    return Look([])


def strict(fleet: Fleet, argument: str, token: int | None) -> Look:
    """What must have been named rightly."""
    raise NotFound(f"there is no crate {argument!r}", remedy="name one")


def wrong(fleet: Fleet, argument: str, token: int | None) -> bool:
    """What answers with something else."""
    return True


def _note(fleet: Fleet, token: int | None) -> int:
    with (fleet.project.directory / "looks").open("a+") as file:
        file.write(f"{token}\n")
        file.seek(0)
        return len(file.readlines())
