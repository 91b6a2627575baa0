"""The command `fleet bench`."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet_core.api import Catalog, ProblemsFound, Unavailable, catalog_of, json_option, show

if TYPE_CHECKING:
    from fleet_bench.results import Run
    from fleet_bench.running import Wishes

FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(invoke_without_command=True)
@click.option("--store", "stores", metavar="NAME", multiple=True, help="Measure this store; repeatable.")
@click.option("--peer", "peers", metavar="NAME", multiple=True, help="Compare with this peer; repeatable.")
@click.option(
    "--workload", "workloads", metavar="NAME", multiple=True, help="Only this workload; repeatable."
)
@click.option(
    "--setting", "settings", metavar="STORE.KEY=VALUE", multiple=True, help="Set a store's setting."
)
@click.option(
    "--place",
    type=click.Path(exists=True, file_okay=False, writable=True, path_type=Path),
    default=Path(),
    metavar="DIR",
    help="Measure the disk of this folder, not of the current one.",
)
@click.option("--events", type=click.IntRange(100), help="Events in each log from the start; default 100000.")
@click.option("--rounds", type=click.IntRange(1), help="Rounds in which all take turns; default 11.")
@click.option("--quick", is_flag=True, help="Only show that everything works; the figures mean nothing.")
@click.option("--save", type=FILE, metavar="FILE", help="Save the run, to compare it later.")
@click.option("--chart", "drawing", type=FILE, metavar="FILE", help="Draw the speeds as SVG.")
@click.option("--list", "listing", is_flag=True, help="Show stores, limits, peers and workloads.")
@json_option
@click.pass_context
def bench(context: click.Context, /, listing: bool, as_json: bool, **wishes: Any) -> None:
    """Measure event stores beside the bare driver and other event stores.

    All installed stores do the work that a coordinator makes, in rounds in which everyone takes turns. It
    takes some minutes and works on new logs alone, which go away. Needs the extra fleettools[bench].

    \b
    Examples:
      fleet bench --store sqlite
      fleet bench --store mine --workload claims --chart claims.svg
      fleet bench --setting postgres.dsn=postgresql://... --save before.json
      fleet bench compare before.json after.json
    """
    if context.invoked_subcommand is not None:
        return
    catalog = catalog_of(context)
    if listing:
        _list(catalog, wishes, as_json)
        return
    save, drawing = wishes.pop("save"), wishes.pop("drawing")
    run = _measured(catalog, wishes, save)
    _check_asked(run, wishes["stores"])
    if drawing is not None:
        from fleet_bench.chart import chart

        drawing.write_text(chart(run), encoding="utf-8")
    _show(run, as_json)


def _measured(catalog: Catalog, wishes: dict[str, Any], save: Path | None) -> "Run":
    from fleet_bench.results import load_run
    from fleet_bench.running import check_installed, run_suites

    check_installed()
    chosen = _checked(catalog, wishes)
    with tempfile.TemporaryDirectory(prefix="fleet-bench-") as folder:
        path = Path(folder) / "run.json"
        run_suites(chosen, catalog, path)
        run = load_run(path)
        if save is not None:
            save.write_bytes(path.read_bytes())
    return run


def _checked(catalog: Catalog, wishes: dict[str, Any]) -> "Wishes":
    from fleet_bench.field import gather
    from fleet_bench.running import Wishes, as_settings, check_workloads
    from fleet_bench.workloads import WORKLOADS

    wishes["settings"] = as_settings(wishes["settings"], catalog)
    wishes["place"] = wishes["place"].absolute()
    check_workloads(wishes["workloads"], [each.name for each in WORKLOADS])
    gather(wishes["stores"], wishes["peers"], {}, catalog)
    return Wishes(**wishes)


def _list(catalog: Catalog, wishes: dict[str, Any], as_json: bool) -> None:
    from fleet_bench.field import gather, settings_in_force
    from fleet_bench.workloads import WORKLOADS

    field = gather(wishes["stores"], wishes["peers"], settings_in_force(), catalog)
    rows = [{"name": each.name, "kind": each.kind, "what": each.what} for each in field.entrants]
    rows += [{"name": each.name, "kind": "absent", "what": each.reason} for each in field.absent]
    rows += [{"name": each.name, "kind": "workload", "what": each.what} for each in WORKLOADS]
    show(rows, as_json)


def _show(run: "Run", as_json: bool) -> None:
    from fleet_bench.tables import show_run

    if as_json:
        show({"run": run, "ratios": run.ratios()}, as_json=True)
    else:
        show_run(run)


def _check_asked(run: "Run", stores: tuple[str, ...]) -> None:
    """A store that was asked for by name and could not be measured is a failure."""
    for each in run.missing:
        if each.name in stores:
            what, _, remedy = each.reason.partition("; ")
            raise Unavailable(f"store {each.name!r} can't be measured: {what}", remedy=remedy)


@bench.command()
@click.argument("before", type=FILE)
@click.argument("after", type=FILE)
@json_option
def compare(before: Path, after: Path, as_json: bool) -> None:
    """Compare two saved runs; exits with 10 when something has become slower.

    A change counts only when it is larger than the noise of both runs; "can't tell" is an answer. Where both
    runs measured the same limit or peer, ratios to it are compared, so that a machine in another mood is no
    change.

    \b
    Example:
      fleet bench compare before.json after.json
    """
    from fleet_bench.comparison import compare as compare_runs
    from fleet_bench.results import load_run
    from fleet_bench.tables import show_comparison

    found = compare_runs(load_run(before), load_run(after))
    if as_json:
        show(found, as_json=True)
    else:
        show_comparison(found)
    if found.slower:
        raise ProblemsFound(
            f"{len(found.slower)} figures have become slower",
            remedy="measure again, to see whether it stays so",
        )
