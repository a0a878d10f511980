-- Which migrations of the layout were applied, and what they were.

CREATE TABLE __SCHEMA__.ledger (
    version           integer PRIMARY KEY CHECK (version > 0),
    name              text NOT NULL,
    checksum          text NOT NULL,
    applied_at        timestamptz NOT NULL DEFAULT now(),
    polystore_version text NOT NULL
);
