"""What somebody on trial may do without, when it says so: its tests then make way for one that proves it."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from fleet_core.errors import Usage

Test = TypeVar("Test", bound=Callable[..., None])


def needs(*abilities: str) -> Callable[[Test], Test]:
    """Mark a test of abilities: whoever lacks one of them is spared it."""

    def mark(test: Test) -> Test:
        test.needs = abilities  # type: ignore[attr-defined]
        return test

    return mark


def proves_lack_of(ability: str) -> Callable[[Test], Test]:
    """Mark the test that stands in for an ability's tests: lacking what works is a failure."""

    def mark(test: Test) -> Test:
        test.proves_lack_of = ability  # type: ignore[attr-defined]
        return test

    return mark


class Kit:
    """The rule which of a kit's tests one is put to."""

    abilities: ClassVar[Mapping[str, str]] = {}
    """What one may lack, each in a few words; a kit names its own."""

    lacks: ClassVar[dict[str, str]] = {}
    """Abilities that this one does without, each with the reason."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for ability, reason in cls.lacks.items():
            if ability not in cls.abilities or not reason:
                raise Usage(
                    f"{cls.__name__}.lacks says {ability!r}: {reason!r}",
                    remedy=f"give a reason for one of {', '.join(cls.abilities)}",
                )
        for name, test in _marked_tests(cls).items():
            if name not in cls.__dict__:
                setattr(
                    cls, name, test if _concerns(test, cls.lacks) else None
                )  # pytest does not collect None


def _marked_tests(kit: type) -> dict[str, Any]:
    # A class in between has no lacks, so what it set aside must be found again for those below that have.
    return {
        name: test
        for base in reversed(kit.__mro__)
        for name, test in vars(base).items()
        if hasattr(test, "needs") or hasattr(test, "proves_lack_of")
    }


def _concerns(test: object, lacks: dict[str, str]) -> bool:
    if hasattr(test, "needs"):
        return lacks.keys().isdisjoint(test.needs)
    return getattr(test, "proves_lack_of", None) in lacks
