"""The statements that give three roles of the database no more than they need: an owner, who alone changes
tables, writers, who append and read, and readers.

Nobody is given UPDATE, DELETE or TRUNCATE on what is recorded, so that the triggers which refuse them are a
second lock, not the only one.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from fleet_core.api import Usage
from fleet_postgres.columns import quoted, table_name
from fleet_postgres.connections import Connections

_NAME: Final = re.compile(r"(?!pg_|public$|none$)[\w.@-]+")
_LONGEST: Final = 63
"""Bytes of a name, which PostgreSQL would cut off silently."""

_RELATIONS: Final = """\
SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, quote_ident(c.relname)
FROM pg_class c
WHERE c.relnamespace = '{schema}'::regnamespace AND c.relkind IN ('r', 'v', 'S')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'i')
ORDER BY 1, 2"""

_FUNCTIONS: Final = """\
SELECT quote_ident(p.proname) FROM pg_proc p
WHERE p.pronamespace = '{schema}'::regnamespace ORDER BY 1"""

_REST: Final = """\
SELECT quote_ident(current_database()), ARRAY(SELECT name FROM {schema}.projections ORDER BY name)"""

_SCRIPT: Final = """\
-- Least privileges for the fleet project in schema {schema} of database {database}. To be run by a superuser:
--   fleet store grant | psql ...
-- Nothing happens when it is run again; do so after an upgrade of fleet. New roles have no password yet:
--   \\password {owner}
-- {owner} makes and changes tables: log in as this one after an upgrade, after a plugin with a new read table
-- was installed, to rebuild read tables, and to seal the store.
-- {writer} appends, keeps read tables up to date, and reads. {reader} reads.
BEGIN;

-- One at a time, where several projects share the database:
DO $$ BEGIN PERFORM pg_advisory_xact_lock(hashtext('fleet store grant')); END $$;

{roles}

{ownership}

REVOKE ALL ON SCHEMA {schema} FROM PUBLIC, {writer}, {reader};
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC, {writer}, {reader};
REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM PUBLIC, {writer}, {reader};
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {schema} FROM PUBLIC, {writer}, {reader};

GRANT CONNECT ON DATABASE {database} TO {owner}, {writer}, {reader};
GRANT USAGE ON SCHEMA {schema} TO {writer}, {reader};
GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {writer}, {reader};
GRANT SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {writer}, {reader};
GRANT EXECUTE ON FUNCTION {schema}.settled(), {schema}.low(bigint), {schema}.id_text(bytea) TO {reader};

GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {writer};
GRANT USAGE ON SEQUENCE {schema}.positions TO {writer};
GRANT INSERT ON {schema}.events, {schema}.streams, {schema}.event_tags, {schema}.chain TO {writer};
GRANT UPDATE ON {schema}.projections TO {writer};
{read_tables}

-- Read tables that {owner} makes later:
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT SELECT ON TABLES TO {reader};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema}
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {writer};

COMMIT;
"""

_ROLE: Final = """\
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN
        CREATE ROLE {role} LOGIN;
    END IF;
END $$;"""


class Roles(NamedTuple):
    """The names of the roles."""

    owner: str
    writer: str
    reader: str

    def check(self) -> None:
        """Accept names that PostgreSQL takes as they are, and that are three.

        Raises:
            Usage: they are not.
        """
        for name in self:
            if not _NAME.fullmatch(name) or len(name.encode()) > _LONGEST:
                raise Usage(
                    f"{name!r} can't be the name of a role",
                    remedy="choose one of letters, digits and _ . @ -, of 63 bytes at most, that does not"
                    " begin with pg_",
                )
        if len(set(self)) < len(self):
            raise Usage("two of the roles have the same name", remedy="choose three names")


def grants(connections: Connections, schema: str, roles: Roles) -> str:
    """The statements, for the schema as it is now.

    Raises:
        Usage: a name can't be a role's.
    """
    roles.check()
    names = {field: _quoted(name) for field, name in roles._asdict().items()}
    relations, functions, [(database, projections)] = (
        connections.read(query.replace("{schema}", schema)) for query in (_RELATIONS, _FUNCTIONS, _REST)
    )
    ownership = [
        f"ALTER SCHEMA {schema} OWNER TO {names['owner']};",
        *(f"ALTER {kind} {schema}.{name} OWNER TO {names['owner']};" for kind, name in relations),
        *(f"ALTER FUNCTION {schema}.{name} OWNER TO {names['owner']};" for (name,) in functions),
    ]
    return _SCRIPT.format(
        schema=schema,
        database=database,
        roles="\n".join(_ROLE.format(name=name, role=_quoted(name)) for name in roles),
        ownership="\n".join(ownership),
        read_tables="\n".join(_read_tables(schema, projections, names["writer"])),
        **names,
    )


def _read_tables(schema: str, projections: Iterable[str], writer: str) -> Iterable[str]:
    for projection in projections:
        yield f"GRANT INSERT, UPDATE, DELETE ON {schema}.{_quoted(table_name(projection))} TO {writer};"


def _quoted(name: str) -> str:
    return quoted(name).replace("%%", "%")
