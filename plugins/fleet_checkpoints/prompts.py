"""Text for a language model, within a budget: what matters most comes first, and what does not fit is
counted.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from fleet_checkpoints.context import Context

BUDGET: Final = 1600
"""Bytes of UTF-8 that a prompt takes at most: about 400 tokens."""

LINE: Final = 200
"""Bytes of a line at most, so that no single one crowds out the others."""


def fitted(lines: Sequence[str], last: str) -> str:
    """As many lines as fit, and always the last one; says how many were left out."""
    kept: list[str] = []
    shortened = [clipped(line) for line in lines]
    room = BUDGET - _size(clipped(last)) - _size("(00 more lines)")
    for line in shortened:
        if _size(line) > room:
            break
        room -= _size(line)
        kept.append(line)
    left_out = len(shortened) - len(kept)
    return "\n".join([*kept, *([f"({left_out} more lines)"] if left_out else []), clipped(last)]) + "\n"


def clipped(line: str) -> str:
    """A line that is not too long, on one line."""
    line = " ".join(line.split())
    if len(line.encode()) <= LINE:
        return line
    return line.encode()[: LINE - 3].decode(errors="ignore").rstrip() + "…"


def _size(line: str) -> int:
    return len(line.encode()) + 1


def recovery_prompt(context: Context, *, lost: Iterable[str] = ()) -> str:
    """What whoever goes on from a checkpoint must know, ended by what to do next. `lost` are the reservations
    that others hold by now.
    """
    lines = [
        f"You take over {_work(context)}, {context.progress} % done when {context.specialist_id} left it.",
        *_labelled("Task", [context.title, context.description]),
        *_labelled("Last said", [context.last_message]),
        *(f"Blocked: {blocker}" for blocker in context.blockers),
        *_labelled("Reserve elsewhere or wait for", lost),
        *_labelled("Files", context.files),
        *_labelled("Git was at", [context.git_head]),
        *(f"Note: {note}" for note in context.notes),
        *_labelled("Unread mail then", [_mail(context)]),
    ]
    return fitted(lines, f"Next: {'; '.join(context.next_steps) or _next(context)}")


def _work(context: Context) -> str:
    if context.sortie_id is None:
        return "the work of a specialist"
    mission = f" of mission {context.mission_id}" if context.mission_id else ""
    return f"sortie {context.sortie_id}{mission}"


def _labelled(label: str, values: Iterable[str]) -> list[str]:
    said = ", ".join(filter(None, values))
    return [f"{label}: {said}"] if said else []


def _mail(context: Context) -> str:
    if not context.unread_total:
        return ""
    subjects = "; ".join(f"{mail.sender or '?'}: {mail.subject}" for mail in context.unread[:3])
    return f"{context.unread_total} ({subjects})"


def _next(context: Context) -> str:
    if context.sortie_id is None:
        return "run 'fleet prime'"
    return f"look at the files, then 'fleet sortie progress {context.sortie_id} PERCENT'"
