-- Every workspace that was ever written to, so that listing them reads no store.

CREATE TABLE __SCHEMA__.workspaces (
    name       text COLLATE "C" PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now()
);
