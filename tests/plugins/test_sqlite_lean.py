"""A command on the SQLite store pays for no PostgreSQL driver, and nobody misses it who wants it later."""

from sqlite_stores import run_script

OPEN = "import sys, fleet_sqlite.store\n"


def test_the_store_imports_no_postgresql_driver() -> None:
    assert run_script(f"{OPEN}print('psycopg' in sys.modules)") == "False\n"


def test_the_driver_can_be_imported_afterwards() -> None:
    assert run_script(f"{OPEN}import psycopg; print(psycopg.__name__)") == "psycopg\n"


def test_a_postgresql_database_of_peewee_brings_its_driver_in() -> None:
    script = f"""{OPEN}
import peewee
for _ in range(2):
    database = peewee.PostgresqlDatabase('nobody', host='/nowhere')
    try:
        database.connect()
    except peewee.OperationalError as error:
        print(type(error.__cause__ or error.__context__).__module__)
import psycopg
adapter = database._adapter
print(adapter.txn_idle is psycopg.pq.TransactionStatus.IDLE, adapter.json_type is psycopg.types.json.Json)
"""
    assert run_script(script) == "psycopg\npsycopg\nTrue True\n"


def test_a_peewee_that_has_its_driver_already_is_left_alone() -> None:
    script = "import peewee\ninit = peewee.PostgresqlDatabase.init\n"
    assert run_script(f"{script}{OPEN}print(peewee.PostgresqlDatabase.init is init)") == "True\n"
