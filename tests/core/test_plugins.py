"""Plugins: loaded on demand, checked, called one by one, and harmless when broken."""

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleet_core.catalog import Catalog, Entry
from fleet_core.errors import FleetError, Invalid, NotFound, PluginBroken
from fleet_core.plugins import Plugins

Write = Callable[..., Entry]

HOOKS = "from fleet_core.api import hookimpl\n"
CODEC = HOOKS + "@hookimpl\ndef fleet_make_codec(name): return (__name__, name)\n"
DOMAIN = HOOKS + "@hookimpl\ndef fleet_projections(): yield __name__\n"
WRAPPER = HOOKS + "@hookimpl(wrapper=True)\ndef fleet_make_codec(name): return ('wrapped', (yield))\n"
REFUSAL = "from fleet_core.api import Invalid, hookimpl\n@hookimpl\ndef {}(): raise Invalid('odd')\n"
LID = "def lid(): return __name__\n"
OBSERVER = HOOKS + "told = []\n@hookimpl\ndef fleet_closed(fleet): told.append(fleet)\n"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a module of its own for each plugin, and gives its entry."""
    monkeypatch.syspath_prepend(str(tmp_path))
    numbers = itertools.count(1)
    written: list[str] = []

    def write(group: str, name: str, source: str, attribute: str = "") -> Entry:
        module = f"{tmp_path.name.replace('-', '_')}_{next(numbers)}"
        written.append(module)
        (tmp_path / f"{module}.py").write_text(source)
        return Entry(f"fleet.{group}", name, module + attribute, f"fleet-{name}", "1.0")

    yield write
    for module in written:
        sys.modules.pop(module, None)


def make(plugins: Plugins, name: str) -> object:
    return plugins.call("fleet.codecs", name, "fleet_make_codec", name=name, settings={})


def test_only_the_chosen_plugin_is_imported(write: Write) -> None:
    chosen, other = write("codecs", "chosen", CODEC), write("codecs", "other", CODEC)
    Plugins(Catalog([chosen, other])).load("fleet.codecs", "chosen")
    assert chosen.module in sys.modules
    assert other.module not in sys.modules


def test_only_the_chosen_plugin_is_called_even_when_others_are_loaded(write: Write) -> None:
    one, two = write("codecs", "one", CODEC), write("codecs", "two", CODEC)
    plugins = Plugins(Catalog([one, two]))
    assert make(plugins, "one") == (one.module, "one")
    assert make(plugins, "two") == (two.module, "two")
    assert make(plugins, "one") == (one.module, "one")


def test_one_module_may_stand_behind_several_names(write: Write) -> None:
    one = write("codecs", "one", CODEC)
    plugins = Plugins(Catalog([one, one._replace(name="two")]))
    assert make(plugins, "one") == (one.module, "one")
    assert make(plugins, "two") == (one.module, "two")


def test_one_object_with_hooks_may_stand_for_a_plugin(write: Write) -> None:
    source = (
        HOOKS
        + "class Codecs:\n @hookimpl\n def fleet_make_codec(self): return 'from a class'\nit = Codecs()\n"
    )
    plugins = Plugins(Catalog([write("codecs", "one", source, ":it")]))
    assert make(plugins, "one") == "from a class"


def test_an_observer_may_wrap_the_hook_of_the_chosen_plugin(write: Write) -> None:
    one, two, wrapper = (
        write("codecs", "one", CODEC),
        write("codecs", "two", CODEC),
        write("observers", "wrap", WRAPPER),
    )
    plugins = Plugins(Catalog([one, two, wrapper]), observers=["wrap"])
    make(plugins, "two")
    assert make(plugins, "one") == ("wrapped", (one.module, "one"))


def test_an_observer_that_nobody_named_is_not_imported(write: Write) -> None:
    one, wrapper = write("codecs", "one", CODEC), write("observers", "wrap", WRAPPER)
    plugins = Plugins(Catalog([one, wrapper]))
    assert make(plugins, "one") == (one.module, "one")
    assert wrapper.module not in sys.modules
    assert not plugins.has_observers


def test_a_plugin_that_answers_nothing_is_broken(write: Write) -> None:
    source = HOOKS + "@hookimpl\ndef fleet_make_codec(): return None\n"
    with pytest.raises(PluginBroken, match="its fleet_make_codec offers nothing under that name"):
        make(Plugins(Catalog([write("codecs", "mute", source)])), "mute")


def test_an_error_of_the_plugin_that_means_to_be_seen_is_passed_on(write: Write) -> None:
    source = REFUSAL.format("fleet_make_codec")
    with pytest.raises(Invalid, match="odd"):
        make(Plugins(Catalog([write("codecs", "strict", source)])), "strict")


def test_a_plugin_that_imports_late_what_is_missing_is_broken(write: Write) -> None:
    source = HOOKS + "@hookimpl\ndef fleet_make_codec():\n import fleet_absent_driver\n"
    with pytest.raises(PluginBroken, match="No module named 'fleet_absent_driver'"):
        make(Plugins(Catalog([write("codecs", "late", source)])), "late")


def test_a_missing_package_that_an_extra_brings_is_installed_by_that_extra(
    write: Write, tmp_path: Path
) -> None:
    info = tmp_path / "fleet_late-1.0.dist-info"
    info.mkdir()
    needs = [
        "fleet-absent-driver>=2; extra == 'driver'",
        'Fleet.Absent_Driver; extra == "all"',
        "x; extra == 'all'",
    ]
    info.joinpath("METADATA").write_text(
        "Metadata-Version: 2.1\nName: fleet-late\nVersion: 1.0\n"
        + "".join(f"Requires-Dist: {need}\n" for need in needs)
    )
    plugins = Plugins(Catalog([write("codecs", "late", "import fleet_absent_driver.core")]))
    with pytest.raises(PluginBroken) as caught:
        plugins.load("fleet.codecs", "late")
    assert caught.value.remedy == "pip install 'fleet-late[driver]'"


def test_a_missing_package_of_unknown_origin_is_brought_by_the_extra_of_the_plugins_name(
    write: Write, tmp_path: Path
) -> None:
    info = tmp_path / "fleet_late-1.0.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text(
        "Name: fleet-late\nVersion: 1.0\nRequires-Dist: PyDriver; extra == 'late'\n\n"
    )
    plugins = Plugins(Catalog([write("codecs", "late", "import fleet_absent_driver")]))
    with pytest.raises(PluginBroken) as caught:
        plugins.load("fleet.codecs", "late")
    assert caught.value.remedy == "pip install 'fleet-late[late]'"


def test_a_broken_plugin_names_itself_its_distribution_the_reason_and_the_remedy(write: Write) -> None:
    plugins = Plugins(Catalog([write("codecs", "bad", "raise ValueError('several\\nlines')")]))
    with pytest.raises(PluginBroken) as caught:
        plugins.load("fleet.codecs", "bad")
    error = caught.value
    assert error.message == "codec 'bad' of fleet-bad 1.0 is broken: ValueError: several lines"
    assert error.remedy == "pip install -U fleet-bad, or switch it off: --without codecs:bad"
    assert error.details == {
        "plugin": "bad",
        "group": "fleet.codecs",
        "distribution": "fleet-bad",
        "version": "1.0",
        "reason": "ValueError: several lines",
    }


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        pytest.param("raise SystemExit(3)", "SystemExit: 3", id="exits"),
        pytest.param("def f(:", "SyntaxError: ", id="syntax"),
        pytest.param("", "implements none of fleet_make_codec", id="no hook"),
        pytest.param(DOMAIN, "implements none of fleet_make_codec", id="another role's hook"),
        pytest.param(
            HOOKS + "@hookimpl\ndef fleet_make_codek(): 0",
            "unknown hook 'fleet_make_codek'",
            id="unknown hook",
        ),
        pytest.param(
            HOOKS + "@hookimpl\ndef fleet_make_codec(nam): 0", "Argument(s) {'nam'}", id="wrong argument"
        ),
    ],
)
def test_a_plugin_that_fails_to_load_leaves_nothing_behind(write: Write, source: str, reason: str) -> None:
    bad, good = write("codecs", "bad", source), write("codecs", "good", CODEC)
    plugins = Plugins(Catalog([bad, good]))
    for _ in range(2):
        with pytest.raises(PluginBroken) as caught:
            plugins.load("fleet.codecs", "bad")
        assert reason in caught.value.message
        assert "\n" not in caught.value.message
    assert make(plugins, "good") == (good.module, "good")


def test_a_module_that_is_sound_in_one_role_stays_usable_when_broken_in_another(write: Write) -> None:
    codec = write("codecs", "both", CODEC)
    plugins = Plugins(Catalog([codec, codec._replace(group="fleet.stores")]))
    assert make(plugins, "both") == (codec.module, "both")
    with pytest.raises(PluginBroken, match="implements none of fleet_open_store"):
        plugins.load("fleet.stores", "both")
    assert make(plugins, "both") == (codec.module, "both")


def test_contributions_of_all_plugins_add_up(write: Write) -> None:
    one, two = write("domains", "one", DOMAIN), write("domains", "two", DOMAIN)
    collected = Plugins(Catalog([one, two])).collect("fleet.domains", "fleet_projections")
    assert collected == [(one, (one.module,)), (two, (two.module,))]


def test_a_plugin_without_the_hook_contributes_nothing(write: Write) -> None:
    one = write("domains", "one", DOMAIN)
    assert Plugins(Catalog([one])).collect("fleet.domains", "fleet_event_types") == []


def test_a_module_that_two_names_stand_for_contributes_once(write: Write) -> None:
    one = write("domains", "one", DOMAIN)
    plugins = Plugins(Catalog([one, one._replace(name="two")]))
    assert plugins.collect("fleet.domains", "fleet_projections") == [(one, (one.module,))]


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("raise RuntimeError('no')", id="on import"),
        pytest.param(
            HOOKS + "@hookimpl\ndef fleet_projections(): raise RuntimeError('no')", id="when called"
        ),
        pytest.param(
            HOOKS + "@hookimpl\ndef fleet_projections():\n yield 1\n raise RuntimeError('no')", id="half-way"
        ),
        pytest.param(HOOKS + "@hookimpl\ndef fleet_projections(): return 5", id="with nonsense"),
    ],
)
def test_a_broken_contribution_is_reported_once_and_the_others_stand(write: Write, source: str) -> None:
    bad, good = write("domains", "bad", source), write("domains", "good", DOMAIN)
    warnings: list[str] = []
    plugins = Plugins(Catalog([bad, good]), warn=warnings.append)
    for _ in range(2):
        assert plugins.collect("fleet.domains", "fleet_projections") == [(good, (good.module,))]
    (warning,) = warnings
    assert warning.startswith("domain 'bad' of fleet-bad 1.0 is broken")
    assert [fault.entry for fault in plugins.faults] == [bad]


def test_a_contribution_that_is_refused_on_purpose_is_reported_with_its_own_words(write: Write) -> None:
    source = REFUSAL.format("fleet_projections")
    plugins = Plugins(Catalog([write("domains", "odd", source)]))
    assert plugins.collect("fleet.domains", "fleet_projections") == []
    assert [str(fault.error) for fault in plugins.faults] == ["odd"]


def test_contributions_under_a_name_that_two_offer_are_reported_and_left_out(write: Write) -> None:
    one, good = write("domains", "one", DOMAIN), write("domains", "good", DOMAIN)
    plugins = Plugins(Catalog([one, one._replace(distribution="rival"), good]))
    assert plugins.collect("fleet.domains", "fleet_projections") == [(good, (good.module,))]
    assert [fault.error.message for fault in plugins.faults] == [
        "domain 'one' is offered by fleet-one 1.0 and by rival 1.0"
    ]


def test_a_contribution_that_is_switched_off_is_neither_imported_nor_reported(write: Write) -> None:
    one = write("domains", "one", DOMAIN)
    plugins = Plugins(Catalog([one], without=["one"]))
    assert plugins.collect("fleet.domains", "fleet_projections") == []
    assert one.module not in sys.modules
    assert plugins.faults == []


def test_a_group_of_a_plugins_own_is_walked_in_the_order_of_names(write: Write) -> None:
    last, first = write("jar_lids", "b", LID, ":lid"), write("jar_lids", "a", LID, ":lid")
    other = write("jar_rims", "rim", LID, ":lid")
    found = Plugins(Catalog([last, other, first])).objects("fleet.jar_lids")
    assert [(entry, lid()) for entry, lid in found] == [(first, first.module), (last, last.module)]
    assert other.module not in sys.modules


def test_a_group_that_nobody_offers_is_empty() -> None:
    assert Plugins(Catalog([])).objects("fleet.jar_lids") == []


def test_what_a_group_holds_is_loaded_once(write: Write) -> None:
    plugins = Plugins(Catalog([write("jar_lids", "a", LID, ":lid")]))
    ((entry, lid),) = plugins.objects("fleet.jar_lids")
    del sys.modules[entry.module]
    assert plugins.objects("fleet.jar_lids") == [(entry, lid)]
    assert entry.module not in sys.modules


@pytest.mark.parametrize("source", ["raise RuntimeError('no')", "", "lid = 5"])
def test_a_broken_entry_of_a_group_is_reported_once_and_left_out(write: Write, source: str) -> None:
    bad, good = write("jar_lids", "bad", source, ":lid"), write("jar_lids", "good", LID, ":lid")
    warnings: list[str] = []
    plugins = Plugins(Catalog([bad, good]), warn=warnings.append)
    for _ in range(2):
        assert [entry for entry, _ in plugins.objects("fleet.jar_lids")] == [good]
    (warning,) = warnings
    assert warning.startswith("jar lid 'bad' of fleet-bad 1.0 is broken")
    assert warning.endswith("--without jar_lids:bad")


def test_an_entry_that_is_switched_off_or_offered_twice_is_not_walked(write: Write) -> None:
    one, off = write("jar_lids", "one", LID, ":lid"), write("jar_lids", "off", LID, ":lid")
    plugins = Plugins(Catalog([one, one._replace(distribution="rival"), off], without=["off"]))
    assert plugins.objects("fleet.jar_lids") == []
    assert [fault.error.message for fault in plugins.faults] == [
        "jar lid 'one' is offered by fleet-one 1.0 and by rival 1.0"
    ]


def test_observers_are_told_each_by_itself(write: Write) -> None:
    first, last = write("observers", "first", OBSERVER), write("observers", "last", OBSERVER)
    failing = write("observers", "middle", HOOKS + "@hookimpl\ndef fleet_closed(): raise RuntimeError('no')")
    warnings: list[str] = []
    plugins = Plugins(Catalog([first, failing, last]), ["first", "middle", "last"], warnings.append)
    for _ in range(2):
        plugins.tell("fleet_closed", fleet="ours")
    assert sys.modules[first.module].told == ["ours", "ours"]
    assert sys.modules[last.module].told == ["ours", "ours"]
    assert warnings == [
        (
            "observer 'middle' of fleet-middle 1.0 is broken: RuntimeError: no;"
            " pip install -U fleet-middle, or switch it off: --without observers:middle"
        )
    ]


def test_an_observer_without_the_hook_is_not_told(write: Write) -> None:
    one = write("observers", "one", OBSERVER)
    plugins = Plugins(Catalog([one]), ["one"])
    plugins.tell("fleet_opened", fleet="ours")
    assert sys.modules[one.module].told == []


def test_a_domain_that_implements_an_observers_hook_is_not_told(write: Write) -> None:
    domain, observer = write("domains", "sly", DOMAIN + OBSERVER), write("observers", "one", OBSERVER)
    plugins = Plugins(Catalog([domain, observer]), ["one"])
    plugins.collect("fleet.domains", "fleet_projections")
    plugins.tell("fleet_closed", fleet="ours")
    assert sys.modules[domain.module].told == []


def test_an_observer_that_is_not_installed_is_reported_and_stops_nobody(write: Write) -> None:
    one = write("observers", "one", OBSERVER)
    warnings: list[str] = []
    Plugins(Catalog([one]), ["absent", "one"], warnings.append).tell("fleet_closed", fleet="ours")
    assert sys.modules[one.module].told == ["ours"]
    assert warnings == ["no observer is called 'absent'; installed: one"]


def test_what_an_entry_names_is_loaded(write: Write) -> None:
    entry = write("operations", "box.open", "class Box:\n def open(): pass\n", ":Box.open")
    assert Plugins(Catalog([entry])).load_object(entry).__qualname__ == "Box.open"


def test_an_entry_that_names_what_is_not_there_is_broken(write: Write) -> None:
    entry = write("operations", "box.open", "", ":Box.open")
    with pytest.raises(PluginBroken, match=r"AttributeError: .* has no attribute 'Box'"):
        Plugins(Catalog([entry])).load_object(entry)


def test_a_command_that_is_no_click_command_is_broken(write: Write) -> None:
    entry = write("commands", "go", "def go(): pass\n", ":go")
    with pytest.raises(PluginBroken, match=r"is no click\.Command"):
        Plugins(Catalog([entry])).load_command("go")


OPERATION = "from fleet_core.api import Read\ndef run(fleet, request: Read) -> str:\n    '''Run.'''\n"


@pytest.mark.parametrize(
    ("group", "name", "source", "attribute", "reason"),
    [
        ("codecs", "bad", "", "", "implements none of fleet_make_codec"),
        ("domains", "bad", HOOKS + "@hookimpl\ndef fleet_upcasters(): return 5", "", "TypeError"),
        ("observers", "bad", "", "", "implements no hook"),
        ("commands", "bad", "it = 5", ":it", "is no click.Command"),
        ("checks", "bad", "it = 5", ":it", "can't be called"),
        ("waits", "bad", "it = 5", ":it", "can't be called"),
        ("jar_lids", "bad", "it = 5", ":it", "jar lid 'bad' of fleet-bad 1.0 is broken"),
        ("jar_lids", "bad", "import fleet_absent_lid", ":it", "No module named 'fleet_absent_lid'"),
        ("operations", "bad.run", "it = 5", ":it", "can't be called"),
        (
            "operations",
            "bad.run",
            "def run(fleet): pass",
            ":run",
            "must take a fleet and a Read or Write request",
        ),
        (
            "operations",
            "bad.run",
            "def run(fleet, request: 'Absent'): pass",
            ":run",
            "name 'Absent' is not defined",
        ),
        ("operations", "bad", OPERATION, ":run", "its name is not of the form noun.verb"),
    ],
)
def test_the_check_names_what_is_wrong(
    write: Write, group: str, name: str, source: str, attribute: str, reason: str
) -> None:
    good, bad = write("codecs", "good", CODEC), write(group, name, source, attribute)
    (fault,) = Plugins(Catalog([good, bad])).check()
    assert fault.entry == bad
    assert reason in fault.error.message


def test_the_check_finds_nothing_wrong_with_sound_plugins(write: Write) -> None:
    entries = [
        write("codecs", "codec", CODEC),
        write("domains", "domain", DOMAIN),
        write("observers", "observer", OBSERVER),
        write("operations", "note.run", OPERATION, ":run"),
        write("commands", "command", "import click\n@click.command()\ndef go(): pass\n", ":go"),
        write("checks", "check", "def check(fleet): return []\n", ":check"),
        write("jar_lids", "lid", LID, ":lid"),
    ]
    assert Plugins(Catalog(entries)).check() == []


def test_the_check_blames_both_distributions_of_a_duplicate(write: Write) -> None:
    one = write("codecs", "one", CODEC)
    faults = Plugins(Catalog([one, one._replace(distribution="rival")])).check()
    assert {fault.entry.distribution for fault in faults} == {"fleet-one", "rival"}
    assert all(isinstance(fault.error, FleetError) for fault in faults)


def test_the_check_leaves_alone_what_is_switched_off(write: Write) -> None:
    assert Plugins(Catalog([write("codecs", "bad", "raise RuntimeError")], without=["bad"])).check() == []


def test_two_fleets_share_no_plugins(write: Write) -> None:
    one, observer = write("codecs", "one", CODEC), write("observers", "wrap", WRAPPER)
    catalog = Catalog([one, observer])
    assert make(Plugins(catalog, ["wrap"]), "one") == ("wrapped", (one.module, "one"))
    assert make(Plugins(catalog), "one") == (one.module, "one")


def test_an_unknown_plugin_is_not_found() -> None:
    with pytest.raises(NotFound):
        Plugins(Catalog([])).load("fleet.codecs", "none")
