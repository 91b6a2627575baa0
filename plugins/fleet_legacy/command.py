"""`fleet migrate`: bring a FleetTools file into the project's log."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleet_core.api import Invalid, json_option, open_fleet, show, timestamp

if TYPE_CHECKING:
    from fleet_legacy.migration import Migration
    from fleet_legacy.plan import Plan


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would be recorded, and record nothing.")
@json_option
@click.pass_context
def migrate(context: click.Context, path: Path, dry_run: bool, as_json: bool) -> None:
    """Record the history in a FleetTools file (squawk.json).

    Every mailbox, event, cursor and lock arrives, with ids, order, times and causes, in one transaction. One
    bad row and nothing is recorded: all bad rows are named with their places. The file itself is only read.
    Migrating it again records what it has more by then.

    \b
    Examples:
      fleet migrate ~/.local/share/fleet/squawk.json --dry-run
      fleet migrate squawk.json
    """
    from fleet_legacy.migration import migrate
    from fleet_legacy.plan import make_plan
    from fleet_legacy.source import read_source

    try:
        plan = make_plan(read_source(path))
        migration = migrate(open_fleet(context), plan, dry_run=dry_run)
    except Invalid as error:
        if not as_json:
            _list_faults(error)
        raise
    if as_json:
        show(migration, True)
    else:
        _explain(migration, plan)


def _list_faults(error: Invalid) -> None:
    """What is wrong, a line each, ahead of the error itself."""
    from fleet_legacy.findings import SHOWN

    faults = error.details.get("faults")
    if isinstance(faults, list):
        for fault in faults[:SHOWN]:
            _say(f"{fault['place']}: {fault['reason']}")
        if len(faults) > SHOWN:
            _say(f"and {len(faults) - SHOWN:,} more, which --json lists too")


def _explain(migration: "Migration", plan: "Plan") -> None:
    show(migration.counts)
    _say(f"\n{migration.links_resolved:,} of {migration.links:,} causes that events name are in the file.")
    for oddity in migration.oddities:
        often = "once" if oddity.count == 1 else f"{oddity.count:,} times"
        _say(f"Kept, {often}: {oddity.kind}, first at {oddity.places[0]}")
    _say(_outcome(migration))
    if migration.position is not None:
        _propose(plan)


def _outcome(migration: "Migration") -> str:
    what = f"{migration.imported:,} facts"
    if migration.dry_run:
        return f"Nothing was recorded. Without --dry-run, {what} would be."
    if migration.position is None:
        return (
            "Already migrated: the file holds nothing that the log does not."
            if any(each.in_file for each in migration.counts)
            else "The file is empty: there is nothing to migrate."
        )
    return f"Migrated: {what}. The file itself was not changed."


def _propose(plan: "Plan") -> None:
    """What to look at next, with an event that has causes and a moment in the middle of this very history."""
    moments = [each.event.occurred_at for each in plan.events if each.event.occurred_at is not None]
    caused = [each.event.id for each in plan.events if each.event.causation_id is not None]
    _say("\nTry next:\n  fleet log")
    if caused:
        _say(f"  fleet why {caused[-1]}")
    if moments:
        _say(f"  fleet status --as-of {timestamp(moments[len(moments) // 2])}")


def _say(text: str) -> None:
    click.echo(text, err=True)
