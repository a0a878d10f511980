-- The catalogue of stores. Each store's own tables are created with the store.

CREATE TABLE __SCHEMA__.stores (
    name       text COLLATE "C" PRIMARY KEY,
    kind       text NOT NULL CHECK (kind IN ('kv', 'vector', 'graph', 'doc')),
    spec       jsonb NOT NULL,
    generation integer NOT NULL DEFAULT 1 CHECK (generation > 0),
    origin     text NOT NULL,
    layout     integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
