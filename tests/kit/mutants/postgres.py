"""The PostgreSQL store, about to be broken the way such stores often are.

`FLEET_MUTANT=NAME pytest -p kit.mutants.postgres ...` runs any test with one of these in the place of the
store. `caught_by` names the property that must not let the fault pass.
"""

import os
from typing import ClassVar, Final

from fleet_core.api import Appended, Batch, Clock, Condition, ConditionFailed, EventCodec
from fleet_postgres import store
from fleet_postgres.database import Address
from fleet_postgres.migrations import shipped
from fleet_postgres.settings import Settings

_ORDER: Final = "plugins/test_postgres_order.py::"
_WAKING: Final = "plugins/test_postgres_waking.py::"
_KIT: Final = "plugins/test_postgres_conformance.py::TestPostgresStore::"


class PostgresMutant(store.PostgresStore):
    """The store with something more in its schema: here nothing, so that it passes."""

    caught_by: ClassVar[str]
    sql: ClassVar[str] = ""

    def __init__(
        self, address: Address, schema: str, codec: EventCodec, clock: Clock, settings: Settings
    ) -> None:
        *others, last = shipped()
        migrations = [*others, last._replace(sql=f"{last.sql}\n{self.sql}")]
        super().__init__(address, schema, codec, clock, settings, migrations)


class BelievesTheSequence(PostgresMutant):
    """Whatever is committed may be read: who commits late is passed over."""

    caught_by = f"{_ORDER}test_no_reader_skips_though_writers_overtake_each_other"
    sql = """
        CREATE OR REPLACE FUNCTION {schema}.settled() RETURNS bigint LANGUAGE sql AS
            'SELECT coalesce(max(position), 0) FROM {schema}.events';
    """


class WaitsForEverybody(PostgresMutant):
    """Readers stop below the oldest transaction of the cluster."""

    caught_by = f"{_ORDER}test_a_transaction_of_somebody_else_holds_no_reader_up"
    sql = """
        CREATE OR REPLACE FUNCTION {schema}.settled() RETURNS bigint LANGUAGE sql AS
            'SELECT coalesce(max(position), 0) FROM {schema}.events
             WHERE xmin::text::bigint < pg_snapshot_xmin(pg_current_snapshot())::text::bigint';
    """


class NotifiesInside(PostgresMutant):
    """NOTIFY in the append's transaction: from there to the end of its commit nobody else can commit."""

    caught_by = f"{_WAKING}test_an_append_whose_commit_takes_long_holds_no_other_up"
    sql = """
        CREATE FUNCTION {schema}.tell() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_notify('{schema}', ''); RETURN NULL; END $$;
        CREATE TRIGGER tell AFTER INSERT ON {schema}.events EXECUTE FUNCTION {schema}.tell();
    """


class SwallowsRepetitions(PostgresMutant):
    """ON CONFLICT DO NOTHING, and then an answer as if something had been recorded."""

    caught_by = f"{_KIT}test_the_same_events_again_give_the_first_answer"
    sql = """
        CREATE OR REPLACE FUNCTION {schema}.is_known(ids bytea[]) RETURNS boolean LANGUAGE sql AS
            'SELECT false';
        CREATE FUNCTION {schema}.swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            PERFORM FROM {schema}.events e WHERE e.id = NEW.id;
            RETURN CASE WHEN FOUND THEN NULL ELSE NEW END;
        END $$;
        CREATE TRIGGER swallow BEFORE INSERT ON {schema}.events FOR EACH ROW
            EXECUTE FUNCTION {schema}.swallow();
    """


class ChecksConditionsInAnotherSnapshot(PostgresMutant):
    """SELECT, and then append: two statements, and whatever comes between them."""

    caught_by = f"{_KIT}test_of_racers_under_a_condition_exactly_one_wins"

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        """Look, and then append."""
        if condition is not None:
            for found in self.read(condition.query, after=condition.after, limit=1):
                raise ConditionFailed(found.position)
        return super().append(*batches)


MUTANTS: Final = {mutant.__name__: mutant for mutant in PostgresMutant.__subclasses__()}

if "FLEET_MUTANT" in os.environ:
    # Whoever asks for the store from now on gets this one; pytest loads plugins before tests.
    store.PostgresStore = MUTANTS.get(os.environ["FLEET_MUTANT"], PostgresMutant)  # type: ignore[misc]
