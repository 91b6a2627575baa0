-- Read tables beside a store that keeps none of its own. Each projection's table is created when it is defined.

CREATE TABLE projections (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    columns TEXT NOT NULL,
    position INTEGER NOT NULL
) WITHOUT ROWID;
