-- Made by make.py with the code of commit 08e3157.
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE SCHEMA polystore;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE polystore.doc_documents (
    workspace text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    data jsonb NOT NULL,
    version bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    k_status_ab7e2ce2 bytea NOT NULL,
    k_year_7ad2f4e5 bytea NOT NULL,
    k_a_b_31d1e1bc bytea NOT NULL
);
ALTER TABLE ONLY polystore.doc_documents FORCE ROW LEVEL SECURITY;
CREATE TABLE polystore.edge_knowledge (
    workspace text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    type text NOT NULL COLLATE pg_catalog."C",
    target text NOT NULL COLLATE pg_catalog."C",
    properties jsonb NOT NULL,
    version bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY polystore.edge_knowledge FORCE ROW LEVEL SECURITY;
CREATE TABLE polystore.edge_pairs (
    workspace text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    type text NOT NULL COLLATE pg_catalog."C",
    target text NOT NULL COLLATE pg_catalog."C",
    properties jsonb NOT NULL,
    version bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY polystore.edge_pairs FORCE ROW LEVEL SECURITY;
CREATE TABLE polystore.kv_cache (
    workspace text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    value jsonb,
    bytes bytea,
    version bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    CONSTRAINT kv_cache_check CHECK (((value IS NULL) <> (bytes IS NULL)))
);
ALTER TABLE ONLY polystore.kv_cache FORCE ROW LEVEL SECURITY;
CREATE TABLE polystore.ledger (
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL,
    polystore_version text NOT NULL,
    CONSTRAINT ledger_version_check CHECK ((version > 0))
);
CREATE TABLE polystore.node_knowledge (
    workspace text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    folded text NOT NULL COLLATE pg_catalog."C",
    labels text[] NOT NULL COLLATE pg_catalog."C",
    properties jsonb NOT NULL,
    version bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    k_weight_9e162720 bytea NOT NULL
);
ALTER TABLE ONLY polystore.node_knowledge FORCE ROW LEVEL SECURITY;
CREATE TABLE polystore.node_pairs (
    workspace text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    folded text NOT NULL COLLATE pg_catalog."C",
    labels text[] NOT NULL COLLATE pg_catalog."C",
    properties jsonb NOT NULL,
    version bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY polystore.node_pairs FORCE ROW LEVEL SECURITY;
CREATE TABLE polystore.stores (
    name text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    spec jsonb NOT NULL,
    generation integer DEFAULT 1 NOT NULL,
    origin text NOT NULL,
    layout integer NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT stores_generation_check CHECK ((generation > 0)),
    CONSTRAINT stores_kind_check CHECK ((kind = ANY (ARRAY['kv'::text, 'vector'::text, 'graph'::text, 'doc'::text])))
);
CREATE TABLE polystore.vec_chunks (
    workspace text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    embedding public.vector(4) NOT NULL,
    text text,
    words tsvector,
    metadata jsonb NOT NULL,
    version bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    k_doc_id_6287094f bytea NOT NULL,
    k_year_7ad2f4e5 bytea NOT NULL
)
WITH (fillfactor='90');
ALTER TABLE ONLY polystore.vec_chunks ALTER COLUMN embedding SET STORAGE PLAIN;
ALTER TABLE ONLY polystore.vec_chunks FORCE ROW LEVEL SECURITY;
CREATE TABLE polystore.vec_flat (
    workspace text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    embedding public.vector(4) NOT NULL,
    text text,
    words tsvector,
    metadata jsonb NOT NULL,
    version bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY polystore.vec_flat ALTER COLUMN embedding SET STORAGE PLAIN;
ALTER TABLE ONLY polystore.vec_flat FORCE ROW LEVEL SECURITY;
INSERT INTO polystore.doc_documents VALUES ('acme', 'bare', '{}', 1795849286449280, '2026-11-28 07:01:26.44928+00', '2026-11-28 07:01:26.44928+00', '\x00', '\x00', '\x00');
INSERT INTO polystore.doc_documents VALUES ('acme', 'd00', '{"a": {"b": 0.0}, "year": 2000, "status": "new"}', 1795849286449280, '2026-11-28 07:01:26.44928+00', '2026-11-28 07:01:26.44928+00', '\x056e657700', '\x04c09f4000000000000000', '\x0480000000000000000000');
INSERT INTO polystore.doc_documents VALUES ('acme', 'd02', '{"a": {"b": 1.0}, "year": 2002, "status": null}', 1795849286449280, '2026-11-28 07:01:26.44928+00', '2026-11-28 07:01:26.44928+00', '\x01', '\x04c09f4800000000000000', '\x04bff00000000000000000');
INSERT INTO polystore.doc_documents VALUES ('acme', 'd03', '{"a": {"b": 1.5}, "year": 2003, "status": "new"}', 1795849286449280, '2026-11-28 07:01:26.44928+00', '2026-11-28 07:01:26.44928+00', '\x056e657700', '\x04c09f4c00000000000000', '\x04bff80000000000000000');
INSERT INTO polystore.doc_documents VALUES ('acme', 'd04', '{"a": {"b": 2.0}, "year": 2004, "status": "old"}', 1795849286449280, '2026-11-28 07:01:26.44928+00', '2026-11-28 07:01:26.44928+00', '\x056f6c6400', '\x04c09f5000000000000000', '\x04c0000000000000000000');
INSERT INTO polystore.doc_documents VALUES ('acme', 'd05', '{"a": {"b": 2.5}, "year": 2005, "status": null}', 1795849286449280, '2026-11-28 07:01:26.44928+00', '2026-11-28 07:01:26.44928+00', '\x01', '\x04c09f5400000000000000', '\x04c0040000000000000000');
INSERT INTO polystore.doc_documents VALUES ('acme', 'd06', '{"a": {"b": 3.0}, "year": 2006, "status": "new"}', 1795849286449280, '2026-11-28 07:01:26.44928+00', '2026-11-28 07:01:26.44928+00', '\x056e657700', '\x04c09f5800000000000000', '\x04c0080000000000000000');
INSERT INTO polystore.doc_documents VALUES ('acme', 'd07', '{"a": {"b": 3.5}, "year": 2007, "status": "old"}', 1795849286449280, '2026-11-28 07:01:26.44928+00', '2026-11-28 07:01:26.44928+00', '\x056f6c6400', '\x04c09f5c00000000000000', '\x04c00c0000000000000000');
INSERT INTO polystore.doc_documents VALUES ('acme', 'd01', '{"a": {"b": 0.5}, "more": {"unknown": ["kept", 1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000]}, "year": 2001, "status": "patched"}', 1795849286451747, '2026-11-28 07:01:26.44928+00', '2026-11-28 07:01:26.451747+00', '\x057061746368656400', '\x04c09f4400000000000000', '\x04bfe00000000000000000');
INSERT INTO polystore.doc_documents VALUES ('globex', 'bare', '{}', 1795849286656171, '2026-11-28 07:01:26.656171+00', '2026-11-28 07:01:26.656171+00', '\x00', '\x00', '\x00');
INSERT INTO polystore.doc_documents VALUES ('globex', 'd00', '{"a": {"b": 0.0}, "year": 2000, "status": "new"}', 1795849286656171, '2026-11-28 07:01:26.656171+00', '2026-11-28 07:01:26.656171+00', '\x056e657700', '\x04c09f4000000000000000', '\x0480000000000000000000');
INSERT INTO polystore.doc_documents VALUES ('globex', 'd02', '{"a": {"b": 1.0}, "year": 2002, "status": null}', 1795849286656171, '2026-11-28 07:01:26.656171+00', '2026-11-28 07:01:26.656171+00', '\x01', '\x04c09f4800000000000000', '\x04bff00000000000000000');
INSERT INTO polystore.doc_documents VALUES ('globex', 'd03', '{"a": {"b": 1.5}, "year": 2003, "status": "new"}', 1795849286656171, '2026-11-28 07:01:26.656171+00', '2026-11-28 07:01:26.656171+00', '\x056e657700', '\x04c09f4c00000000000000', '\x04bff80000000000000000');
INSERT INTO polystore.doc_documents VALUES ('globex', 'd04', '{"a": {"b": 2.0}, "year": 2004, "status": "old"}', 1795849286656171, '2026-11-28 07:01:26.656171+00', '2026-11-28 07:01:26.656171+00', '\x056f6c6400', '\x04c09f5000000000000000', '\x04c0000000000000000000');
INSERT INTO polystore.doc_documents VALUES ('globex', 'd05', '{"a": {"b": 2.5}, "year": 2005, "status": null}', 1795849286656171, '2026-11-28 07:01:26.656171+00', '2026-11-28 07:01:26.656171+00', '\x01', '\x04c09f5400000000000000', '\x04c0040000000000000000');
INSERT INTO polystore.doc_documents VALUES ('globex', 'd06', '{"a": {"b": 3.0}, "year": 2006, "status": "new"}', 1795849286656171, '2026-11-28 07:01:26.656171+00', '2026-11-28 07:01:26.656171+00', '\x056e657700', '\x04c09f5800000000000000', '\x04c0080000000000000000');
INSERT INTO polystore.doc_documents VALUES ('globex', 'd07', '{"a": {"b": 3.5}, "year": 2007, "status": "old"}', 1795849286656171, '2026-11-28 07:01:26.656171+00', '2026-11-28 07:01:26.656171+00', '\x056f6c6400', '\x04c09f5c00000000000000', '\x04c00c0000000000000000');
INSERT INTO polystore.doc_documents VALUES ('globex', 'd01', '{"a": {"b": 0.5}, "more": {"unknown": ["kept", 1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000]}, "year": 2001, "status": "patched"}', 1795849286657473, '2026-11-28 07:01:26.656171+00', '2026-11-28 07:01:26.657473+00', '\x057061746368656400', '\x04c09f4400000000000000', '\x04bfe00000000000000000');
INSERT INTO polystore.doc_documents VALUES ('A-B/ü', 'bare', '{}', 1795849286678681, '2026-11-28 07:01:26.678681+00', '2026-11-28 07:01:26.678681+00', '\x00', '\x00', '\x00');
INSERT INTO polystore.doc_documents VALUES ('A-B/ü', 'd00', '{"a": {"b": 0.0}, "year": 2000, "status": "new"}', 1795849286678681, '2026-11-28 07:01:26.678681+00', '2026-11-28 07:01:26.678681+00', '\x056e657700', '\x04c09f4000000000000000', '\x0480000000000000000000');
INSERT INTO polystore.doc_documents VALUES ('A-B/ü', 'd02', '{"a": {"b": 1.0}, "year": 2002, "status": null}', 1795849286678681, '2026-11-28 07:01:26.678681+00', '2026-11-28 07:01:26.678681+00', '\x01', '\x04c09f4800000000000000', '\x04bff00000000000000000');
INSERT INTO polystore.doc_documents VALUES ('A-B/ü', 'd03', '{"a": {"b": 1.5}, "year": 2003, "status": "new"}', 1795849286678681, '2026-11-28 07:01:26.678681+00', '2026-11-28 07:01:26.678681+00', '\x056e657700', '\x04c09f4c00000000000000', '\x04bff80000000000000000');
INSERT INTO polystore.doc_documents VALUES ('A-B/ü', 'd04', '{"a": {"b": 2.0}, "year": 2004, "status": "old"}', 1795849286678681, '2026-11-28 07:01:26.678681+00', '2026-11-28 07:01:26.678681+00', '\x056f6c6400', '\x04c09f5000000000000000', '\x04c0000000000000000000');
INSERT INTO polystore.doc_documents VALUES ('A-B/ü', 'd05', '{"a": {"b": 2.5}, "year": 2005, "status": null}', 1795849286678681, '2026-11-28 07:01:26.678681+00', '2026-11-28 07:01:26.678681+00', '\x01', '\x04c09f5400000000000000', '\x04c0040000000000000000');
INSERT INTO polystore.doc_documents VALUES ('A-B/ü', 'd06', '{"a": {"b": 3.0}, "year": 2006, "status": "new"}', 1795849286678681, '2026-11-28 07:01:26.678681+00', '2026-11-28 07:01:26.678681+00', '\x056e657700', '\x04c09f5800000000000000', '\x04c0080000000000000000');
INSERT INTO polystore.doc_documents VALUES ('A-B/ü', 'd07', '{"a": {"b": 3.5}, "year": 2007, "status": "old"}', 1795849286678681, '2026-11-28 07:01:26.678681+00', '2026-11-28 07:01:26.678681+00', '\x056f6c6400', '\x04c09f5c00000000000000', '\x04c00c0000000000000000');
INSERT INTO polystore.doc_documents VALUES ('A-B/ü', 'd01', '{"a": {"b": 0.5}, "more": {"unknown": ["kept", 1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000]}, "year": 2001, "status": "patched"}', 1795849286680287, '2026-11-28 07:01:26.678681+00', '2026-11-28 07:01:26.680287+00', '\x057061746368656400', '\x04c09f4400000000000000', '\x04bfe00000000000000000');
INSERT INTO polystore.edge_knowledge VALUES ('acme', 'Node 0', 'next', 'Node 1', '{"since": 0}', 1795849286636891, '2026-11-28 07:01:26.636891+00', '2026-11-28 07:01:26.636891+00');
INSERT INTO polystore.edge_knowledge VALUES ('acme', 'Node 1', 'next', 'Node 3', '{"since": 1}', 1795849286636891, '2026-11-28 07:01:26.636891+00', '2026-11-28 07:01:26.636891+00');
INSERT INTO polystore.edge_knowledge VALUES ('acme', 'Node 1', 'self', 'Node 1', '{}', 1795849286636891, '2026-11-28 07:01:26.636891+00', '2026-11-28 07:01:26.636891+00');
INSERT INTO polystore.edge_knowledge VALUES ('acme', 'Node 2', 'next', 'Node 5', '{"since": 2}', 1795849286636891, '2026-11-28 07:01:26.636891+00', '2026-11-28 07:01:26.636891+00');
INSERT INTO polystore.edge_knowledge VALUES ('acme', 'Node 3', 'next', 'Node 7', '{"since": 3}', 1795849286636891, '2026-11-28 07:01:26.636891+00', '2026-11-28 07:01:26.636891+00');
INSERT INTO polystore.edge_knowledge VALUES ('acme', 'Node 4', 'next', 'Node 1', '{"since": 4}', 1795849286636891, '2026-11-28 07:01:26.636891+00', '2026-11-28 07:01:26.636891+00');
INSERT INTO polystore.edge_knowledge VALUES ('acme', 'Node 5', 'next', 'Node 3', '{"since": 5}', 1795849286636891, '2026-11-28 07:01:26.636891+00', '2026-11-28 07:01:26.636891+00');
INSERT INTO polystore.edge_knowledge VALUES ('acme', 'Node 6', 'next', 'Node 5', '{"since": 6}', 1795849286636891, '2026-11-28 07:01:26.636891+00', '2026-11-28 07:01:26.636891+00');
INSERT INTO polystore.edge_knowledge VALUES ('acme', 'Node 7', 'next', 'Node 7', '{"since": 7}', 1795849286636891, '2026-11-28 07:01:26.636891+00', '2026-11-28 07:01:26.636891+00');
INSERT INTO polystore.edge_knowledge VALUES ('acme', 'z', 't', 'a', '{}', 1795849286636891, '2026-11-28 07:01:26.636891+00', '2026-11-28 07:01:26.636891+00');
INSERT INTO polystore.edge_knowledge VALUES ('globex', 'Node 0', 'next', 'Node 1', '{"since": 0}', 1795849286665686, '2026-11-28 07:01:26.665686+00', '2026-11-28 07:01:26.665686+00');
INSERT INTO polystore.edge_knowledge VALUES ('globex', 'Node 1', 'next', 'Node 3', '{"since": 1}', 1795849286665686, '2026-11-28 07:01:26.665686+00', '2026-11-28 07:01:26.665686+00');
INSERT INTO polystore.edge_knowledge VALUES ('globex', 'Node 1', 'self', 'Node 1', '{}', 1795849286665686, '2026-11-28 07:01:26.665686+00', '2026-11-28 07:01:26.665686+00');
INSERT INTO polystore.edge_knowledge VALUES ('globex', 'Node 2', 'next', 'Node 5', '{"since": 2}', 1795849286665686, '2026-11-28 07:01:26.665686+00', '2026-11-28 07:01:26.665686+00');
INSERT INTO polystore.edge_knowledge VALUES ('globex', 'Node 3', 'next', 'Node 7', '{"since": 3}', 1795849286665686, '2026-11-28 07:01:26.665686+00', '2026-11-28 07:01:26.665686+00');
INSERT INTO polystore.edge_knowledge VALUES ('globex', 'Node 4', 'next', 'Node 1', '{"since": 4}', 1795849286665686, '2026-11-28 07:01:26.665686+00', '2026-11-28 07:01:26.665686+00');
INSERT INTO polystore.edge_knowledge VALUES ('globex', 'Node 5', 'next', 'Node 3', '{"since": 5}', 1795849286665686, '2026-11-28 07:01:26.665686+00', '2026-11-28 07:01:26.665686+00');
INSERT INTO polystore.edge_knowledge VALUES ('globex', 'Node 6', 'next', 'Node 5', '{"since": 6}', 1795849286665686, '2026-11-28 07:01:26.665686+00', '2026-11-28 07:01:26.665686+00');
INSERT INTO polystore.edge_knowledge VALUES ('globex', 'Node 7', 'next', 'Node 7', '{"since": 7}', 1795849286665686, '2026-11-28 07:01:26.665686+00', '2026-11-28 07:01:26.665686+00');
INSERT INTO polystore.edge_knowledge VALUES ('globex', 'z', 't', 'a', '{}', 1795849286665686, '2026-11-28 07:01:26.665686+00', '2026-11-28 07:01:26.665686+00');
INSERT INTO polystore.edge_knowledge VALUES ('A-B/ü', 'Node 0', 'next', 'Node 1', '{"since": 0}', 1795849286689158, '2026-11-28 07:01:26.689158+00', '2026-11-28 07:01:26.689158+00');
INSERT INTO polystore.edge_knowledge VALUES ('A-B/ü', 'Node 1', 'next', 'Node 3', '{"since": 1}', 1795849286689158, '2026-11-28 07:01:26.689158+00', '2026-11-28 07:01:26.689158+00');
INSERT INTO polystore.edge_knowledge VALUES ('A-B/ü', 'Node 1', 'self', 'Node 1', '{}', 1795849286689158, '2026-11-28 07:01:26.689158+00', '2026-11-28 07:01:26.689158+00');
INSERT INTO polystore.edge_knowledge VALUES ('A-B/ü', 'Node 2', 'next', 'Node 5', '{"since": 2}', 1795849286689158, '2026-11-28 07:01:26.689158+00', '2026-11-28 07:01:26.689158+00');
INSERT INTO polystore.edge_knowledge VALUES ('A-B/ü', 'Node 3', 'next', 'Node 7', '{"since": 3}', 1795849286689158, '2026-11-28 07:01:26.689158+00', '2026-11-28 07:01:26.689158+00');
INSERT INTO polystore.edge_knowledge VALUES ('A-B/ü', 'Node 4', 'next', 'Node 1', '{"since": 4}', 1795849286689158, '2026-11-28 07:01:26.689158+00', '2026-11-28 07:01:26.689158+00');
INSERT INTO polystore.edge_knowledge VALUES ('A-B/ü', 'Node 5', 'next', 'Node 3', '{"since": 5}', 1795849286689158, '2026-11-28 07:01:26.689158+00', '2026-11-28 07:01:26.689158+00');
INSERT INTO polystore.edge_knowledge VALUES ('A-B/ü', 'Node 6', 'next', 'Node 5', '{"since": 6}', 1795849286689158, '2026-11-28 07:01:26.689158+00', '2026-11-28 07:01:26.689158+00');
INSERT INTO polystore.edge_knowledge VALUES ('A-B/ü', 'Node 7', 'next', 'Node 7', '{"since": 7}', 1795849286689158, '2026-11-28 07:01:26.689158+00', '2026-11-28 07:01:26.689158+00');
INSERT INTO polystore.edge_knowledge VALUES ('A-B/ü', 'z', 't', 'a', '{}', 1795849286689158, '2026-11-28 07:01:26.689158+00', '2026-11-28 07:01:26.689158+00');
INSERT INTO polystore.edge_pairs VALUES ('acme', 'Node 0', 'next', 'Node 1', '{"since": 0}', 1795849286651207, '2026-11-28 07:01:26.651207+00', '2026-11-28 07:01:26.651207+00');
INSERT INTO polystore.edge_pairs VALUES ('acme', 'Node 1', 'next', 'Node 3', '{"since": 1}', 1795849286651207, '2026-11-28 07:01:26.651207+00', '2026-11-28 07:01:26.651207+00');
INSERT INTO polystore.edge_pairs VALUES ('acme', 'Node 1', 'next', 'Node 4', '{"since": 4}', 1795849286651207, '2026-11-28 07:01:26.651207+00', '2026-11-28 07:01:26.651207+00');
INSERT INTO polystore.edge_pairs VALUES ('acme', 'Node 1', 'self', 'Node 1', '{}', 1795849286651207, '2026-11-28 07:01:26.651207+00', '2026-11-28 07:01:26.651207+00');
INSERT INTO polystore.edge_pairs VALUES ('acme', 'Node 2', 'next', 'Node 5', '{"since": 2}', 1795849286651207, '2026-11-28 07:01:26.651207+00', '2026-11-28 07:01:26.651207+00');
INSERT INTO polystore.edge_pairs VALUES ('acme', 'Node 3', 'next', 'Node 5', '{"since": 5}', 1795849286651207, '2026-11-28 07:01:26.651207+00', '2026-11-28 07:01:26.651207+00');
INSERT INTO polystore.edge_pairs VALUES ('acme', 'Node 3', 'next', 'Node 7', '{"since": 3}', 1795849286651207, '2026-11-28 07:01:26.651207+00', '2026-11-28 07:01:26.651207+00');
INSERT INTO polystore.edge_pairs VALUES ('acme', 'Node 5', 'next', 'Node 6', '{"since": 6}', 1795849286651207, '2026-11-28 07:01:26.651207+00', '2026-11-28 07:01:26.651207+00');
INSERT INTO polystore.edge_pairs VALUES ('acme', 'Node 7', 'next', 'Node 7', '{"since": 7}', 1795849286651207, '2026-11-28 07:01:26.651207+00', '2026-11-28 07:01:26.651207+00');
INSERT INTO polystore.edge_pairs VALUES ('acme', 'a', 't', 'z', '{}', 1795849286651207, '2026-11-28 07:01:26.651207+00', '2026-11-28 07:01:26.651207+00');
INSERT INTO polystore.edge_pairs VALUES ('globex', 'Node 0', 'next', 'Node 1', '{"since": 0}', 1795849286670005, '2026-11-28 07:01:26.670005+00', '2026-11-28 07:01:26.670005+00');
INSERT INTO polystore.edge_pairs VALUES ('globex', 'Node 1', 'next', 'Node 3', '{"since": 1}', 1795849286670005, '2026-11-28 07:01:26.670005+00', '2026-11-28 07:01:26.670005+00');
INSERT INTO polystore.edge_pairs VALUES ('globex', 'Node 1', 'next', 'Node 4', '{"since": 4}', 1795849286670005, '2026-11-28 07:01:26.670005+00', '2026-11-28 07:01:26.670005+00');
INSERT INTO polystore.edge_pairs VALUES ('globex', 'Node 1', 'self', 'Node 1', '{}', 1795849286670005, '2026-11-28 07:01:26.670005+00', '2026-11-28 07:01:26.670005+00');
INSERT INTO polystore.edge_pairs VALUES ('globex', 'Node 2', 'next', 'Node 5', '{"since": 2}', 1795849286670005, '2026-11-28 07:01:26.670005+00', '2026-11-28 07:01:26.670005+00');
INSERT INTO polystore.edge_pairs VALUES ('globex', 'Node 3', 'next', 'Node 5', '{"since": 5}', 1795849286670005, '2026-11-28 07:01:26.670005+00', '2026-11-28 07:01:26.670005+00');
INSERT INTO polystore.edge_pairs VALUES ('globex', 'Node 3', 'next', 'Node 7', '{"since": 3}', 1795849286670005, '2026-11-28 07:01:26.670005+00', '2026-11-28 07:01:26.670005+00');
INSERT INTO polystore.edge_pairs VALUES ('globex', 'Node 5', 'next', 'Node 6', '{"since": 6}', 1795849286670005, '2026-11-28 07:01:26.670005+00', '2026-11-28 07:01:26.670005+00');
INSERT INTO polystore.edge_pairs VALUES ('globex', 'Node 7', 'next', 'Node 7', '{"since": 7}', 1795849286670005, '2026-11-28 07:01:26.670005+00', '2026-11-28 07:01:26.670005+00');
INSERT INTO polystore.edge_pairs VALUES ('globex', 'a', 't', 'z', '{}', 1795849286670005, '2026-11-28 07:01:26.670005+00', '2026-11-28 07:01:26.670005+00');
INSERT INTO polystore.edge_pairs VALUES ('A-B/ü', 'Node 0', 'next', 'Node 1', '{"since": 0}', 1795849286694511, '2026-11-28 07:01:26.694511+00', '2026-11-28 07:01:26.694511+00');
INSERT INTO polystore.edge_pairs VALUES ('A-B/ü', 'Node 1', 'next', 'Node 3', '{"since": 1}', 1795849286694511, '2026-11-28 07:01:26.694511+00', '2026-11-28 07:01:26.694511+00');
INSERT INTO polystore.edge_pairs VALUES ('A-B/ü', 'Node 1', 'next', 'Node 4', '{"since": 4}', 1795849286694511, '2026-11-28 07:01:26.694511+00', '2026-11-28 07:01:26.694511+00');
INSERT INTO polystore.edge_pairs VALUES ('A-B/ü', 'Node 1', 'self', 'Node 1', '{}', 1795849286694511, '2026-11-28 07:01:26.694511+00', '2026-11-28 07:01:26.694511+00');
INSERT INTO polystore.edge_pairs VALUES ('A-B/ü', 'Node 2', 'next', 'Node 5', '{"since": 2}', 1795849286694511, '2026-11-28 07:01:26.694511+00', '2026-11-28 07:01:26.694511+00');
INSERT INTO polystore.edge_pairs VALUES ('A-B/ü', 'Node 3', 'next', 'Node 5', '{"since": 5}', 1795849286694511, '2026-11-28 07:01:26.694511+00', '2026-11-28 07:01:26.694511+00');
INSERT INTO polystore.edge_pairs VALUES ('A-B/ü', 'Node 3', 'next', 'Node 7', '{"since": 3}', 1795849286694511, '2026-11-28 07:01:26.694511+00', '2026-11-28 07:01:26.694511+00');
INSERT INTO polystore.edge_pairs VALUES ('A-B/ü', 'Node 5', 'next', 'Node 6', '{"since": 6}', 1795849286694511, '2026-11-28 07:01:26.694511+00', '2026-11-28 07:01:26.694511+00');
INSERT INTO polystore.edge_pairs VALUES ('A-B/ü', 'Node 7', 'next', 'Node 7', '{"since": 7}', 1795849286694511, '2026-11-28 07:01:26.694511+00', '2026-11-28 07:01:26.694511+00');
INSERT INTO polystore.edge_pairs VALUES ('A-B/ü', 'a', 't', 'z', '{}', 1795849286694511, '2026-11-28 07:01:26.694511+00', '2026-11-28 07:01:26.694511+00');
INSERT INTO polystore.kv_cache VALUES ('acme', 'bytes', NULL, '\x00ff', 1795849286378744, '2026-11-28 07:01:26.378744+00', '2026-11-28 07:01:26.378744+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('acme', 'k1', '{"n": 1, "big": 9007199254740993}', NULL, 1795849286378744, '2026-11-28 07:01:26.378744+00', '2026-11-28 07:01:26.378744+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('acme', 'k2', '{"n": 2, "big": 9007199254740994}', NULL, 1795849286378744, '2026-11-28 07:01:26.378744+00', '2026-11-28 07:01:26.378744+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('acme', 'k3', '{"n": 3, "big": 9007199254740995}', NULL, 1795849286378744, '2026-11-28 07:01:26.378744+00', '2026-11-28 07:01:26.378744+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('acme', 'k4', '{"n": 4, "big": 9007199254740996}', NULL, 1795849286378744, '2026-11-28 07:01:26.378744+00', '2026-11-28 07:01:26.378744+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('acme', 'k5', '{"n": 5, "big": 9007199254740997}', NULL, 1795849286378744, '2026-11-28 07:01:26.378744+00', '2026-11-28 07:01:26.378744+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('acme', 'k6', '{"n": 6, "big": 9007199254740998}', NULL, 1795849286378744, '2026-11-28 07:01:26.378744+00', '2026-11-28 07:01:26.378744+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('acme', 'k7', '{"n": 7, "big": 9007199254740999}', NULL, 1795849286378744, '2026-11-28 07:01:26.378744+00', '2026-11-28 07:01:26.378744+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('acme', 'null', 'null', NULL, 1795849286378744, '2026-11-28 07:01:26.378744+00', '2026-11-28 07:01:26.378744+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('acme', 'text', '"of acme"', NULL, 1795849286378744, '2026-11-28 07:01:26.378744+00', '2026-11-28 07:01:26.378744+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('acme', 'é/文', '[1.5]', NULL, 1795849286378744, '2026-11-28 07:01:26.378744+00', '2026-11-28 07:01:26.378744+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('acme', 'k0', '{"n": "again"}', NULL, 1795849286380507, '2026-11-28 07:01:26.378744+00', '2026-11-28 07:01:26.380507+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('acme', 'lasting', '1', NULL, 1795849286389910, '2026-11-28 07:01:26.38991+00', '2026-11-28 07:01:26.38991+00', '2526-07-30 07:01:26.38991+00');
INSERT INTO polystore.kv_cache VALUES ('globex', 'bytes', NULL, '\x00ff', 1795849286653432, '2026-11-28 07:01:26.653432+00', '2026-11-28 07:01:26.653432+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('globex', 'k1', '{"n": 1, "big": 9007199254740993}', NULL, 1795849286653432, '2026-11-28 07:01:26.653432+00', '2026-11-28 07:01:26.653432+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('globex', 'k2', '{"n": 2, "big": 9007199254740994}', NULL, 1795849286653432, '2026-11-28 07:01:26.653432+00', '2026-11-28 07:01:26.653432+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('globex', 'k3', '{"n": 3, "big": 9007199254740995}', NULL, 1795849286653432, '2026-11-28 07:01:26.653432+00', '2026-11-28 07:01:26.653432+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('globex', 'k4', '{"n": 4, "big": 9007199254740996}', NULL, 1795849286653432, '2026-11-28 07:01:26.653432+00', '2026-11-28 07:01:26.653432+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('globex', 'k5', '{"n": 5, "big": 9007199254740997}', NULL, 1795849286653432, '2026-11-28 07:01:26.653432+00', '2026-11-28 07:01:26.653432+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('globex', 'k6', '{"n": 6, "big": 9007199254740998}', NULL, 1795849286653432, '2026-11-28 07:01:26.653432+00', '2026-11-28 07:01:26.653432+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('globex', 'k7', '{"n": 7, "big": 9007199254740999}', NULL, 1795849286653432, '2026-11-28 07:01:26.653432+00', '2026-11-28 07:01:26.653432+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('globex', 'null', 'null', NULL, 1795849286653432, '2026-11-28 07:01:26.653432+00', '2026-11-28 07:01:26.653432+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('globex', 'text', '"of globex"', NULL, 1795849286653432, '2026-11-28 07:01:26.653432+00', '2026-11-28 07:01:26.653432+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('globex', 'é/文', '[1.5]', NULL, 1795849286653432, '2026-11-28 07:01:26.653432+00', '2026-11-28 07:01:26.653432+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('globex', 'k0', '{"n": "again"}', NULL, 1795849286654537, '2026-11-28 07:01:26.653432+00', '2026-11-28 07:01:26.654537+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('globex', 'lasting', '1', NULL, 1795849286655248, '2026-11-28 07:01:26.655248+00', '2026-11-28 07:01:26.655248+00', '2526-07-30 07:01:26.655248+00');
INSERT INTO polystore.kv_cache VALUES ('A-B/ü', 'bytes', NULL, '\x00ff', 1795849286671784, '2026-11-28 07:01:26.671784+00', '2026-11-28 07:01:26.671784+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('A-B/ü', 'k1', '{"n": 1, "big": 9007199254740993}', NULL, 1795849286671784, '2026-11-28 07:01:26.671784+00', '2026-11-28 07:01:26.671784+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('A-B/ü', 'k2', '{"n": 2, "big": 9007199254740994}', NULL, 1795849286671784, '2026-11-28 07:01:26.671784+00', '2026-11-28 07:01:26.671784+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('A-B/ü', 'k3', '{"n": 3, "big": 9007199254740995}', NULL, 1795849286671784, '2026-11-28 07:01:26.671784+00', '2026-11-28 07:01:26.671784+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('A-B/ü', 'k4', '{"n": 4, "big": 9007199254740996}', NULL, 1795849286671784, '2026-11-28 07:01:26.671784+00', '2026-11-28 07:01:26.671784+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('A-B/ü', 'k5', '{"n": 5, "big": 9007199254740997}', NULL, 1795849286671784, '2026-11-28 07:01:26.671784+00', '2026-11-28 07:01:26.671784+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('A-B/ü', 'k6', '{"n": 6, "big": 9007199254740998}', NULL, 1795849286671784, '2026-11-28 07:01:26.671784+00', '2026-11-28 07:01:26.671784+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('A-B/ü', 'k7', '{"n": 7, "big": 9007199254740999}', NULL, 1795849286671784, '2026-11-28 07:01:26.671784+00', '2026-11-28 07:01:26.671784+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('A-B/ü', 'null', 'null', NULL, 1795849286671784, '2026-11-28 07:01:26.671784+00', '2026-11-28 07:01:26.671784+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('A-B/ü', 'text', '"of A-B/ü"', NULL, 1795849286671784, '2026-11-28 07:01:26.671784+00', '2026-11-28 07:01:26.671784+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('A-B/ü', 'é/文', '[1.5]', NULL, 1795849286671784, '2026-11-28 07:01:26.671784+00', '2026-11-28 07:01:26.671784+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('A-B/ü', 'k0', '{"n": "again"}', NULL, 1795849286672516, '2026-11-28 07:01:26.671784+00', '2026-11-28 07:01:26.672516+00', NULL);
INSERT INTO polystore.kv_cache VALUES ('A-B/ü', 'lasting', '1', NULL, 1795849286673166, '2026-11-28 07:01:26.673166+00', '2026-11-28 07:01:26.673166+00', '2526-07-30 07:01:26.673166+00');
INSERT INTO polystore.ledger VALUES (1, 'ledger', '5a5d3784f4ed22e10d16729ccdbbad2443a206c28a978dbab1605a228417cfea', '2026-11-28 07:01:26.004661+00', '0.1.0');
INSERT INTO polystore.ledger VALUES (2, 'stores', '4d1f5f315a5f74ef28f0255ab56f28ba6f658114bc3b2f9aae3fa1a61f5ec098', '2026-11-28 07:01:26.015734+00', '0.1.0');
INSERT INTO polystore.node_knowledge VALUES ('acme', 'Node 0', 'node 0', '{L0,N}', '{"weight": 0.0}', 1795849286600152, '2026-11-28 07:01:26.600152+00', '2026-11-28 07:01:26.600152+00', '\x0480000000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('acme', 'Node 1', 'node 1', '{L1,N}', '{"weight": 1.5}', 1795849286600152, '2026-11-28 07:01:26.600152+00', '2026-11-28 07:01:26.600152+00', '\x04bff80000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('acme', 'Node 2', 'node 2', '{L0,N}', '{"weight": 3.0}', 1795849286600152, '2026-11-28 07:01:26.600152+00', '2026-11-28 07:01:26.600152+00', '\x04c0080000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('acme', 'Node 3', 'node 3', '{L1,N}', '{"weight": 4.5}', 1795849286600152, '2026-11-28 07:01:26.600152+00', '2026-11-28 07:01:26.600152+00', '\x04c0120000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('acme', 'Node 4', 'node 4', '{L0,N}', '{"weight": 6.0}', 1795849286600152, '2026-11-28 07:01:26.600152+00', '2026-11-28 07:01:26.600152+00', '\x04c0180000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('acme', 'Node 5', 'node 5', '{L1,N}', '{"weight": 7.5}', 1795849286600152, '2026-11-28 07:01:26.600152+00', '2026-11-28 07:01:26.600152+00', '\x04c01e0000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('acme', 'Node 6', 'node 6', '{L0,N}', '{"weight": 9.0}', 1795849286600152, '2026-11-28 07:01:26.600152+00', '2026-11-28 07:01:26.600152+00', '\x04c0220000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('acme', 'Node 7', 'node 7', '{L1,N}', '{"weight": 10.5}', 1795849286600152, '2026-11-28 07:01:26.600152+00', '2026-11-28 07:01:26.600152+00', '\x04c0250000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('acme', 'a', 'a', '{}', '{}', 1795849286636891, '2026-11-28 07:01:26.636891+00', '2026-11-28 07:01:26.636891+00', '\x00');
INSERT INTO polystore.node_knowledge VALUES ('acme', 'z', 'z', '{}', '{}', 1795849286636891, '2026-11-28 07:01:26.636891+00', '2026-11-28 07:01:26.636891+00', '\x00');
INSERT INTO polystore.node_knowledge VALUES ('globex', 'Node 0', 'node 0', '{L0,N}', '{"weight": 0.0}', 1795849286663053, '2026-11-28 07:01:26.663053+00', '2026-11-28 07:01:26.663053+00', '\x0480000000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('globex', 'Node 1', 'node 1', '{L1,N}', '{"weight": 1.5}', 1795849286663053, '2026-11-28 07:01:26.663053+00', '2026-11-28 07:01:26.663053+00', '\x04bff80000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('globex', 'Node 2', 'node 2', '{L0,N}', '{"weight": 3.0}', 1795849286663053, '2026-11-28 07:01:26.663053+00', '2026-11-28 07:01:26.663053+00', '\x04c0080000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('globex', 'Node 3', 'node 3', '{L1,N}', '{"weight": 4.5}', 1795849286663053, '2026-11-28 07:01:26.663053+00', '2026-11-28 07:01:26.663053+00', '\x04c0120000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('globex', 'Node 4', 'node 4', '{L0,N}', '{"weight": 6.0}', 1795849286663053, '2026-11-28 07:01:26.663053+00', '2026-11-28 07:01:26.663053+00', '\x04c0180000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('globex', 'Node 5', 'node 5', '{L1,N}', '{"weight": 7.5}', 1795849286663053, '2026-11-28 07:01:26.663053+00', '2026-11-28 07:01:26.663053+00', '\x04c01e0000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('globex', 'Node 6', 'node 6', '{L0,N}', '{"weight": 9.0}', 1795849286663053, '2026-11-28 07:01:26.663053+00', '2026-11-28 07:01:26.663053+00', '\x04c0220000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('globex', 'Node 7', 'node 7', '{L1,N}', '{"weight": 10.5}', 1795849286663053, '2026-11-28 07:01:26.663053+00', '2026-11-28 07:01:26.663053+00', '\x04c0250000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('globex', 'a', 'a', '{}', '{}', 1795849286665686, '2026-11-28 07:01:26.665686+00', '2026-11-28 07:01:26.665686+00', '\x00');
INSERT INTO polystore.node_knowledge VALUES ('globex', 'z', 'z', '{}', '{}', 1795849286665686, '2026-11-28 07:01:26.665686+00', '2026-11-28 07:01:26.665686+00', '\x00');
INSERT INTO polystore.node_knowledge VALUES ('A-B/ü', 'Node 0', 'node 0', '{L0,N}', '{"weight": 0.0}', 1795849286686185, '2026-11-28 07:01:26.686185+00', '2026-11-28 07:01:26.686185+00', '\x0480000000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('A-B/ü', 'Node 1', 'node 1', '{L1,N}', '{"weight": 1.5}', 1795849286686185, '2026-11-28 07:01:26.686185+00', '2026-11-28 07:01:26.686185+00', '\x04bff80000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('A-B/ü', 'Node 2', 'node 2', '{L0,N}', '{"weight": 3.0}', 1795849286686185, '2026-11-28 07:01:26.686185+00', '2026-11-28 07:01:26.686185+00', '\x04c0080000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('A-B/ü', 'Node 3', 'node 3', '{L1,N}', '{"weight": 4.5}', 1795849286686185, '2026-11-28 07:01:26.686185+00', '2026-11-28 07:01:26.686185+00', '\x04c0120000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('A-B/ü', 'Node 4', 'node 4', '{L0,N}', '{"weight": 6.0}', 1795849286686185, '2026-11-28 07:01:26.686185+00', '2026-11-28 07:01:26.686185+00', '\x04c0180000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('A-B/ü', 'Node 5', 'node 5', '{L1,N}', '{"weight": 7.5}', 1795849286686185, '2026-11-28 07:01:26.686185+00', '2026-11-28 07:01:26.686185+00', '\x04c01e0000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('A-B/ü', 'Node 6', 'node 6', '{L0,N}', '{"weight": 9.0}', 1795849286686185, '2026-11-28 07:01:26.686185+00', '2026-11-28 07:01:26.686185+00', '\x04c0220000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('A-B/ü', 'Node 7', 'node 7', '{L1,N}', '{"weight": 10.5}', 1795849286686185, '2026-11-28 07:01:26.686185+00', '2026-11-28 07:01:26.686185+00', '\x04c0250000000000000000');
INSERT INTO polystore.node_knowledge VALUES ('A-B/ü', 'a', 'a', '{}', '{}', 1795849286689158, '2026-11-28 07:01:26.689158+00', '2026-11-28 07:01:26.689158+00', '\x00');
INSERT INTO polystore.node_knowledge VALUES ('A-B/ü', 'z', 'z', '{}', '{}', 1795849286689158, '2026-11-28 07:01:26.689158+00', '2026-11-28 07:01:26.689158+00', '\x00');
INSERT INTO polystore.node_pairs VALUES ('acme', 'Node 0', 'node 0', '{L0,N}', '{"weight": 0.0}', 1795849286643096, '2026-11-28 07:01:26.643096+00', '2026-11-28 07:01:26.643096+00');
INSERT INTO polystore.node_pairs VALUES ('acme', 'Node 1', 'node 1', '{L1,N}', '{"weight": 1.5}', 1795849286643096, '2026-11-28 07:01:26.643096+00', '2026-11-28 07:01:26.643096+00');
INSERT INTO polystore.node_pairs VALUES ('acme', 'Node 2', 'node 2', '{L0,N}', '{"weight": 3.0}', 1795849286643096, '2026-11-28 07:01:26.643096+00', '2026-11-28 07:01:26.643096+00');
INSERT INTO polystore.node_pairs VALUES ('acme', 'Node 3', 'node 3', '{L1,N}', '{"weight": 4.5}', 1795849286643096, '2026-11-28 07:01:26.643096+00', '2026-11-28 07:01:26.643096+00');
INSERT INTO polystore.node_pairs VALUES ('acme', 'Node 4', 'node 4', '{L0,N}', '{"weight": 6.0}', 1795849286643096, '2026-11-28 07:01:26.643096+00', '2026-11-28 07:01:26.643096+00');
INSERT INTO polystore.node_pairs VALUES ('acme', 'Node 5', 'node 5', '{L1,N}', '{"weight": 7.5}', 1795849286643096, '2026-11-28 07:01:26.643096+00', '2026-11-28 07:01:26.643096+00');
INSERT INTO polystore.node_pairs VALUES ('acme', 'Node 6', 'node 6', '{L0,N}', '{"weight": 9.0}', 1795849286643096, '2026-11-28 07:01:26.643096+00', '2026-11-28 07:01:26.643096+00');
INSERT INTO polystore.node_pairs VALUES ('acme', 'Node 7', 'node 7', '{L1,N}', '{"weight": 10.5}', 1795849286643096, '2026-11-28 07:01:26.643096+00', '2026-11-28 07:01:26.643096+00');
INSERT INTO polystore.node_pairs VALUES ('acme', 'a', 'a', '{}', '{}', 1795849286651207, '2026-11-28 07:01:26.651207+00', '2026-11-28 07:01:26.651207+00');
INSERT INTO polystore.node_pairs VALUES ('acme', 'z', 'z', '{}', '{}', 1795849286651207, '2026-11-28 07:01:26.651207+00', '2026-11-28 07:01:26.651207+00');
INSERT INTO polystore.node_pairs VALUES ('globex', 'Node 0', 'node 0', '{L0,N}', '{"weight": 0.0}', 1795849286667155, '2026-11-28 07:01:26.667155+00', '2026-11-28 07:01:26.667155+00');
INSERT INTO polystore.node_pairs VALUES ('globex', 'Node 1', 'node 1', '{L1,N}', '{"weight": 1.5}', 1795849286667155, '2026-11-28 07:01:26.667155+00', '2026-11-28 07:01:26.667155+00');
INSERT INTO polystore.node_pairs VALUES ('globex', 'Node 2', 'node 2', '{L0,N}', '{"weight": 3.0}', 1795849286667155, '2026-11-28 07:01:26.667155+00', '2026-11-28 07:01:26.667155+00');
INSERT INTO polystore.node_pairs VALUES ('globex', 'Node 3', 'node 3', '{L1,N}', '{"weight": 4.5}', 1795849286667155, '2026-11-28 07:01:26.667155+00', '2026-11-28 07:01:26.667155+00');
INSERT INTO polystore.node_pairs VALUES ('globex', 'Node 4', 'node 4', '{L0,N}', '{"weight": 6.0}', 1795849286667155, '2026-11-28 07:01:26.667155+00', '2026-11-28 07:01:26.667155+00');
INSERT INTO polystore.node_pairs VALUES ('globex', 'Node 5', 'node 5', '{L1,N}', '{"weight": 7.5}', 1795849286667155, '2026-11-28 07:01:26.667155+00', '2026-11-28 07:01:26.667155+00');
INSERT INTO polystore.node_pairs VALUES ('globex', 'Node 6', 'node 6', '{L0,N}', '{"weight": 9.0}', 1795849286667155, '2026-11-28 07:01:26.667155+00', '2026-11-28 07:01:26.667155+00');
INSERT INTO polystore.node_pairs VALUES ('globex', 'Node 7', 'node 7', '{L1,N}', '{"weight": 10.5}', 1795849286667155, '2026-11-28 07:01:26.667155+00', '2026-11-28 07:01:26.667155+00');
INSERT INTO polystore.node_pairs VALUES ('globex', 'a', 'a', '{}', '{}', 1795849286670005, '2026-11-28 07:01:26.670005+00', '2026-11-28 07:01:26.670005+00');
INSERT INTO polystore.node_pairs VALUES ('globex', 'z', 'z', '{}', '{}', 1795849286670005, '2026-11-28 07:01:26.670005+00', '2026-11-28 07:01:26.670005+00');
INSERT INTO polystore.node_pairs VALUES ('A-B/ü', 'Node 0', 'node 0', '{L0,N}', '{"weight": 0.0}', 1795849286690682, '2026-11-28 07:01:26.690682+00', '2026-11-28 07:01:26.690682+00');
INSERT INTO polystore.node_pairs VALUES ('A-B/ü', 'Node 1', 'node 1', '{L1,N}', '{"weight": 1.5}', 1795849286690682, '2026-11-28 07:01:26.690682+00', '2026-11-28 07:01:26.690682+00');
INSERT INTO polystore.node_pairs VALUES ('A-B/ü', 'Node 2', 'node 2', '{L0,N}', '{"weight": 3.0}', 1795849286690682, '2026-11-28 07:01:26.690682+00', '2026-11-28 07:01:26.690682+00');
INSERT INTO polystore.node_pairs VALUES ('A-B/ü', 'Node 3', 'node 3', '{L1,N}', '{"weight": 4.5}', 1795849286690682, '2026-11-28 07:01:26.690682+00', '2026-11-28 07:01:26.690682+00');
INSERT INTO polystore.node_pairs VALUES ('A-B/ü', 'Node 4', 'node 4', '{L0,N}', '{"weight": 6.0}', 1795849286690682, '2026-11-28 07:01:26.690682+00', '2026-11-28 07:01:26.690682+00');
INSERT INTO polystore.node_pairs VALUES ('A-B/ü', 'Node 5', 'node 5', '{L1,N}', '{"weight": 7.5}', 1795849286690682, '2026-11-28 07:01:26.690682+00', '2026-11-28 07:01:26.690682+00');
INSERT INTO polystore.node_pairs VALUES ('A-B/ü', 'Node 6', 'node 6', '{L0,N}', '{"weight": 9.0}', 1795849286690682, '2026-11-28 07:01:26.690682+00', '2026-11-28 07:01:26.690682+00');
INSERT INTO polystore.node_pairs VALUES ('A-B/ü', 'Node 7', 'node 7', '{L1,N}', '{"weight": 10.5}', 1795849286690682, '2026-11-28 07:01:26.690682+00', '2026-11-28 07:01:26.690682+00');
INSERT INTO polystore.node_pairs VALUES ('A-B/ü', 'a', 'a', '{}', '{}', 1795849286694511, '2026-11-28 07:01:26.694511+00', '2026-11-28 07:01:26.694511+00');
INSERT INTO polystore.node_pairs VALUES ('A-B/ü', 'z', 'z', '{}', '{}', 1795849286694511, '2026-11-28 07:01:26.694511+00', '2026-11-28 07:01:26.694511+00');
INSERT INTO polystore.stores VALUES ('cache', 'kv', '{"ttl": null, "kind": "kv", "name": "cache", "options": {}}', 1, 'yaml', 2, '2026-11-28 07:01:26.040313+00', '2026-11-28 07:01:26.040313+00');
INSERT INTO polystore.stores VALUES ('chunks', 'vector', '{"kind": "vector", "name": "chunks", "index": {"m": 16, "ef": 80, "type": "auto", "lists": null, "probes": null, "quantization": "none", "ef_construction": 128}, "fields": {"tags": "array", "year": "integer", "doc_id": "string"}, "metric": "cosine", "options": {"postgres": {"fillfactor": 90}}, "dimensions": 4, "embedding_model": "waves"}', 1, 'yaml', 2, '2026-11-28 07:01:26.082228+00', '2026-11-28 07:01:26.082228+00');
INSERT INTO polystore.stores VALUES ('flat', 'vector', '{"kind": "vector", "name": "flat", "index": {"m": 16, "ef": 80, "type": "none", "lists": null, "probes": null, "quantization": "none", "ef_construction": 128}, "fields": {}, "metric": "cosine", "options": {}, "dimensions": 4, "embedding_model": null}', 1, 'yaml', 2, '2026-11-28 07:01:26.144691+00', '2026-11-28 07:01:26.144691+00');
INSERT INTO polystore.stores VALUES ('knowledge', 'graph', '{"kind": "graph", "name": "knowledge", "indexes": [["weight"]], "options": {}, "directed": true}', 1, 'yaml', 2, '2026-11-28 07:01:26.18158+00', '2026-11-28 07:01:26.18158+00');
INSERT INTO polystore.stores VALUES ('pairs', 'graph', '{"kind": "graph", "name": "pairs", "indexes": [], "options": {}, "directed": false}', 1, 'yaml', 2, '2026-11-28 07:01:26.238544+00', '2026-11-28 07:01:26.238544+00');
INSERT INTO polystore.stores VALUES ('documents', 'doc', '{"kind": "doc", "name": "documents", "indexes": [["status"], ["status", "-year"], ["a.b"]], "options": {}}', 1, 'yaml', 2, '2026-11-28 07:01:26.287087+00', '2026-11-28 07:01:26.287087+00');
INSERT INTO polystore.vec_chunks VALUES ('acme', 'c00', '[1,1,1,1]', 'lzma decompress chapter 0 Größe', '''0'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t0"], "year": 2000, "doc_id": "d00"}', 1795849286546564, '2026-11-28 07:01:26.546564+00', '2026-11-28 07:01:26.546564+00', '\x0564303000', '\x04c09f4000000000000000');
INSERT INTO polystore.vec_chunks VALUES ('acme', 'c01', '[0.54,-0.416,-0.99,-0.654]', 'zlib compress chapter 1 Größe', '''1'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t1"], "year": 2001, "doc_id": "d01"}', 1795849286546564, '2026-11-28 07:01:26.546564+00', '2026-11-28 07:01:26.546564+00', '\x0564303100', '\x04c09f4400000000000000');
INSERT INTO polystore.vec_chunks VALUES ('acme', 'c02', '[-0.416,-0.654,0.96,-0.146]', 'lzma decompress chapter 2 Größe', '''2'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t2"], "year": 2002, "doc_id": "d02"}', 1795849286546564, '2026-11-28 07:01:26.546564+00', '2026-11-28 07:01:26.546564+00', '\x0564303200', '\x04c09f4800000000000000');
INSERT INTO polystore.vec_chunks VALUES ('acme', 'c03', '[-0.99,0.96,-0.911,0.844]', 'zlib compress chapter 3 Größe', '''3'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t0"], "year": 2003, "doc_id": "d03"}', 1795849286546564, '2026-11-28 07:01:26.546564+00', '2026-11-28 07:01:26.546564+00', '\x0564303300', '\x04c09f4c00000000000000');
INSERT INTO polystore.vec_chunks VALUES ('acme', 'c04', '[-0.654,-0.146,0.844,-0.958]', 'lzma decompress chapter 4 Größe', '''4'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t1"], "year": 2000, "doc_id": "d04"}', 1795849286546564, '2026-11-28 07:01:26.546564+00', '2026-11-28 07:01:26.546564+00', '\x0564303400', '\x04c09f4000000000000000');
INSERT INTO polystore.vec_chunks VALUES ('acme', 'c05', '[0.284,-0.839,-0.76,0.408]', 'zlib compress chapter 5 Größe', '''5'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t2"], "year": 2001, "doc_id": "d00"}', 1795849286546564, '2026-11-28 07:01:26.546564+00', '2026-11-28 07:01:26.546564+00', '\x0564303000', '\x04c09f4400000000000000');
INSERT INTO polystore.vec_chunks VALUES ('acme', 'c06', '[0.96,0.844,0.66,0.424]', 'lzma decompress chapter 6 Größe', '''6'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t0"], "year": 2002, "doc_id": "d01"}', 1795849286546564, '2026-11-28 07:01:26.546564+00', '2026-11-28 07:01:26.546564+00', '\x0564303100', '\x04c09f4800000000000000');
INSERT INTO polystore.vec_chunks VALUES ('acme', 'c07', '[0.754,0.137,-0.548,-0.963]', 'zlib compress chapter 7 Größe', '''7'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t1"], "year": 2003, "doc_id": "d02"}', 1795849286546564, '2026-11-28 07:01:26.546564+00', '2026-11-28 07:01:26.546564+00', '\x0564303200', '\x04c09f4c00000000000000');
INSERT INTO polystore.vec_chunks VALUES ('globex', 'c00', '[1,1,1,1]', 'lzma decompress chapter 0 Größe', '''0'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t0"], "year": 2000, "doc_id": "d00"}', 1795849286659814, '2026-11-28 07:01:26.659814+00', '2026-11-28 07:01:26.659814+00', '\x0564303000', '\x04c09f4000000000000000');
INSERT INTO polystore.vec_chunks VALUES ('globex', 'c01', '[0.54,-0.416,-0.99,-0.654]', 'zlib compress chapter 1 Größe', '''1'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t1"], "year": 2001, "doc_id": "d01"}', 1795849286659814, '2026-11-28 07:01:26.659814+00', '2026-11-28 07:01:26.659814+00', '\x0564303100', '\x04c09f4400000000000000');
INSERT INTO polystore.vec_chunks VALUES ('globex', 'c02', '[-0.416,-0.654,0.96,-0.146]', 'lzma decompress chapter 2 Größe', '''2'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t2"], "year": 2002, "doc_id": "d02"}', 1795849286659814, '2026-11-28 07:01:26.659814+00', '2026-11-28 07:01:26.659814+00', '\x0564303200', '\x04c09f4800000000000000');
INSERT INTO polystore.vec_chunks VALUES ('globex', 'c03', '[-0.99,0.96,-0.911,0.844]', 'zlib compress chapter 3 Größe', '''3'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t0"], "year": 2003, "doc_id": "d03"}', 1795849286659814, '2026-11-28 07:01:26.659814+00', '2026-11-28 07:01:26.659814+00', '\x0564303300', '\x04c09f4c00000000000000');
INSERT INTO polystore.vec_chunks VALUES ('globex', 'c04', '[-0.654,-0.146,0.844,-0.958]', 'lzma decompress chapter 4 Größe', '''4'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t1"], "year": 2000, "doc_id": "d04"}', 1795849286659814, '2026-11-28 07:01:26.659814+00', '2026-11-28 07:01:26.659814+00', '\x0564303400', '\x04c09f4000000000000000');
INSERT INTO polystore.vec_chunks VALUES ('globex', 'c05', '[0.284,-0.839,-0.76,0.408]', 'zlib compress chapter 5 Größe', '''5'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t2"], "year": 2001, "doc_id": "d00"}', 1795849286659814, '2026-11-28 07:01:26.659814+00', '2026-11-28 07:01:26.659814+00', '\x0564303000', '\x04c09f4400000000000000');
INSERT INTO polystore.vec_chunks VALUES ('globex', 'c06', '[0.96,0.844,0.66,0.424]', 'lzma decompress chapter 6 Größe', '''6'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t0"], "year": 2002, "doc_id": "d01"}', 1795849286659814, '2026-11-28 07:01:26.659814+00', '2026-11-28 07:01:26.659814+00', '\x0564303100', '\x04c09f4800000000000000');
INSERT INTO polystore.vec_chunks VALUES ('globex', 'c07', '[0.754,0.137,-0.548,-0.963]', 'zlib compress chapter 7 Größe', '''7'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t1"], "year": 2003, "doc_id": "d02"}', 1795849286659814, '2026-11-28 07:01:26.659814+00', '2026-11-28 07:01:26.659814+00', '\x0564303200', '\x04c09f4c00000000000000');
INSERT INTO polystore.vec_chunks VALUES ('A-B/ü', 'c00', '[1,1,1,1]', 'lzma decompress chapter 0 Größe', '''0'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t0"], "year": 2000, "doc_id": "d00"}', 1795849286682212, '2026-11-28 07:01:26.682212+00', '2026-11-28 07:01:26.682212+00', '\x0564303000', '\x04c09f4000000000000000');
INSERT INTO polystore.vec_chunks VALUES ('A-B/ü', 'c01', '[0.54,-0.416,-0.99,-0.654]', 'zlib compress chapter 1 Größe', '''1'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t1"], "year": 2001, "doc_id": "d01"}', 1795849286682212, '2026-11-28 07:01:26.682212+00', '2026-11-28 07:01:26.682212+00', '\x0564303100', '\x04c09f4400000000000000');
INSERT INTO polystore.vec_chunks VALUES ('A-B/ü', 'c02', '[-0.416,-0.654,0.96,-0.146]', 'lzma decompress chapter 2 Größe', '''2'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t2"], "year": 2002, "doc_id": "d02"}', 1795849286682212, '2026-11-28 07:01:26.682212+00', '2026-11-28 07:01:26.682212+00', '\x0564303200', '\x04c09f4800000000000000');
INSERT INTO polystore.vec_chunks VALUES ('A-B/ü', 'c03', '[-0.99,0.96,-0.911,0.844]', 'zlib compress chapter 3 Größe', '''3'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t0"], "year": 2003, "doc_id": "d03"}', 1795849286682212, '2026-11-28 07:01:26.682212+00', '2026-11-28 07:01:26.682212+00', '\x0564303300', '\x04c09f4c00000000000000');
INSERT INTO polystore.vec_chunks VALUES ('A-B/ü', 'c04', '[-0.654,-0.146,0.844,-0.958]', 'lzma decompress chapter 4 Größe', '''4'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t1"], "year": 2000, "doc_id": "d04"}', 1795849286682212, '2026-11-28 07:01:26.682212+00', '2026-11-28 07:01:26.682212+00', '\x0564303400', '\x04c09f4000000000000000');
INSERT INTO polystore.vec_chunks VALUES ('A-B/ü', 'c05', '[0.284,-0.839,-0.76,0.408]', 'zlib compress chapter 5 Größe', '''5'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t2"], "year": 2001, "doc_id": "d00"}', 1795849286682212, '2026-11-28 07:01:26.682212+00', '2026-11-28 07:01:26.682212+00', '\x0564303000', '\x04c09f4400000000000000');
INSERT INTO polystore.vec_chunks VALUES ('A-B/ü', 'c06', '[0.96,0.844,0.66,0.424]', 'lzma decompress chapter 6 Größe', '''6'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t0"], "year": 2002, "doc_id": "d01"}', 1795849286682212, '2026-11-28 07:01:26.682212+00', '2026-11-28 07:01:26.682212+00', '\x0564303100', '\x04c09f4800000000000000');
INSERT INTO polystore.vec_chunks VALUES ('A-B/ü', 'c07', '[0.754,0.137,-0.548,-0.963]', 'zlib compress chapter 7 Größe', '''7'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t1"], "year": 2003, "doc_id": "d02"}', 1795849286682212, '2026-11-28 07:01:26.682212+00', '2026-11-28 07:01:26.682212+00', '\x0564303200', '\x04c09f4c00000000000000');
INSERT INTO polystore.vec_flat VALUES ('acme', 'c00', '[1,1,1,1]', 'lzma decompress chapter 0 Größe', '''0'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t0"], "year": 2000, "doc_id": "d00"}', 1795849286555849, '2026-11-28 07:01:26.555849+00', '2026-11-28 07:01:26.555849+00');
INSERT INTO polystore.vec_flat VALUES ('acme', 'c01', '[0.54,-0.416,-0.99,-0.654]', 'zlib compress chapter 1 Größe', '''1'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t1"], "year": 2001, "doc_id": "d01"}', 1795849286555849, '2026-11-28 07:01:26.555849+00', '2026-11-28 07:01:26.555849+00');
INSERT INTO polystore.vec_flat VALUES ('acme', 'c02', '[-0.416,-0.654,0.96,-0.146]', 'lzma decompress chapter 2 Größe', '''2'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t2"], "year": 2002, "doc_id": "d02"}', 1795849286555849, '2026-11-28 07:01:26.555849+00', '2026-11-28 07:01:26.555849+00');
INSERT INTO polystore.vec_flat VALUES ('acme', 'c03', '[-0.99,0.96,-0.911,0.844]', 'zlib compress chapter 3 Größe', '''3'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t0"], "year": 2003, "doc_id": "d03"}', 1795849286555849, '2026-11-28 07:01:26.555849+00', '2026-11-28 07:01:26.555849+00');
INSERT INTO polystore.vec_flat VALUES ('acme', 'c04', '[-0.654,-0.146,0.844,-0.958]', 'lzma decompress chapter 4 Größe', '''4'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t1"], "year": 2000, "doc_id": "d04"}', 1795849286555849, '2026-11-28 07:01:26.555849+00', '2026-11-28 07:01:26.555849+00');
INSERT INTO polystore.vec_flat VALUES ('acme', 'c05', '[0.284,-0.839,-0.76,0.408]', 'zlib compress chapter 5 Größe', '''5'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t2"], "year": 2001, "doc_id": "d00"}', 1795849286555849, '2026-11-28 07:01:26.555849+00', '2026-11-28 07:01:26.555849+00');
INSERT INTO polystore.vec_flat VALUES ('acme', 'c06', '[0.96,0.844,0.66,0.424]', 'lzma decompress chapter 6 Größe', '''6'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t0"], "year": 2002, "doc_id": "d01"}', 1795849286555849, '2026-11-28 07:01:26.555849+00', '2026-11-28 07:01:26.555849+00');
INSERT INTO polystore.vec_flat VALUES ('acme', 'c07', '[0.754,0.137,-0.548,-0.963]', 'zlib compress chapter 7 Größe', '''7'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t1"], "year": 2003, "doc_id": "d02"}', 1795849286555849, '2026-11-28 07:01:26.555849+00', '2026-11-28 07:01:26.555849+00');
INSERT INTO polystore.vec_flat VALUES ('globex', 'c00', '[1,1,1,1]', 'lzma decompress chapter 0 Größe', '''0'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t0"], "year": 2000, "doc_id": "d00"}', 1795849286662079, '2026-11-28 07:01:26.662079+00', '2026-11-28 07:01:26.662079+00');
INSERT INTO polystore.vec_flat VALUES ('globex', 'c01', '[0.54,-0.416,-0.99,-0.654]', 'zlib compress chapter 1 Größe', '''1'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t1"], "year": 2001, "doc_id": "d01"}', 1795849286662079, '2026-11-28 07:01:26.662079+00', '2026-11-28 07:01:26.662079+00');
INSERT INTO polystore.vec_flat VALUES ('globex', 'c02', '[-0.416,-0.654,0.96,-0.146]', 'lzma decompress chapter 2 Größe', '''2'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t2"], "year": 2002, "doc_id": "d02"}', 1795849286662079, '2026-11-28 07:01:26.662079+00', '2026-11-28 07:01:26.662079+00');
INSERT INTO polystore.vec_flat VALUES ('globex', 'c03', '[-0.99,0.96,-0.911,0.844]', 'zlib compress chapter 3 Größe', '''3'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t0"], "year": 2003, "doc_id": "d03"}', 1795849286662079, '2026-11-28 07:01:26.662079+00', '2026-11-28 07:01:26.662079+00');
INSERT INTO polystore.vec_flat VALUES ('globex', 'c04', '[-0.654,-0.146,0.844,-0.958]', 'lzma decompress chapter 4 Größe', '''4'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t1"], "year": 2000, "doc_id": "d04"}', 1795849286662079, '2026-11-28 07:01:26.662079+00', '2026-11-28 07:01:26.662079+00');
INSERT INTO polystore.vec_flat VALUES ('globex', 'c05', '[0.284,-0.839,-0.76,0.408]', 'zlib compress chapter 5 Größe', '''5'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t2"], "year": 2001, "doc_id": "d00"}', 1795849286662079, '2026-11-28 07:01:26.662079+00', '2026-11-28 07:01:26.662079+00');
INSERT INTO polystore.vec_flat VALUES ('globex', 'c06', '[0.96,0.844,0.66,0.424]', 'lzma decompress chapter 6 Größe', '''6'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t0"], "year": 2002, "doc_id": "d01"}', 1795849286662079, '2026-11-28 07:01:26.662079+00', '2026-11-28 07:01:26.662079+00');
INSERT INTO polystore.vec_flat VALUES ('globex', 'c07', '[0.754,0.137,-0.548,-0.963]', 'zlib compress chapter 7 Größe', '''7'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t1"], "year": 2003, "doc_id": "d02"}', 1795849286662079, '2026-11-28 07:01:26.662079+00', '2026-11-28 07:01:26.662079+00');
INSERT INTO polystore.vec_flat VALUES ('A-B/ü', 'c00', '[1,1,1,1]', 'lzma decompress chapter 0 Größe', '''0'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t0"], "year": 2000, "doc_id": "d00"}', 1795849286685124, '2026-11-28 07:01:26.685124+00', '2026-11-28 07:01:26.685124+00');
INSERT INTO polystore.vec_flat VALUES ('A-B/ü', 'c01', '[0.54,-0.416,-0.99,-0.654]', 'zlib compress chapter 1 Größe', '''1'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t1"], "year": 2001, "doc_id": "d01"}', 1795849286685124, '2026-11-28 07:01:26.685124+00', '2026-11-28 07:01:26.685124+00');
INSERT INTO polystore.vec_flat VALUES ('A-B/ü', 'c02', '[-0.416,-0.654,0.96,-0.146]', 'lzma decompress chapter 2 Größe', '''2'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t2"], "year": 2002, "doc_id": "d02"}', 1795849286685124, '2026-11-28 07:01:26.685124+00', '2026-11-28 07:01:26.685124+00');
INSERT INTO polystore.vec_flat VALUES ('A-B/ü', 'c03', '[-0.99,0.96,-0.911,0.844]', 'zlib compress chapter 3 Größe', '''3'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t0"], "year": 2003, "doc_id": "d03"}', 1795849286685124, '2026-11-28 07:01:26.685124+00', '2026-11-28 07:01:26.685124+00');
INSERT INTO polystore.vec_flat VALUES ('A-B/ü', 'c04', '[-0.654,-0.146,0.844,-0.958]', 'lzma decompress chapter 4 Größe', '''4'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t1"], "year": 2000, "doc_id": "d04"}', 1795849286685124, '2026-11-28 07:01:26.685124+00', '2026-11-28 07:01:26.685124+00');
INSERT INTO polystore.vec_flat VALUES ('A-B/ü', 'c05', '[0.284,-0.839,-0.76,0.408]', 'zlib compress chapter 5 Größe', '''5'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t2"], "year": 2001, "doc_id": "d00"}', 1795849286685124, '2026-11-28 07:01:26.685124+00', '2026-11-28 07:01:26.685124+00');
INSERT INTO polystore.vec_flat VALUES ('A-B/ü', 'c06', '[0.96,0.844,0.66,0.424]', 'lzma decompress chapter 6 Größe', '''6'' ''chapter'' ''decompress'' ''grösse'' ''lzma''', '{"tags": ["all", "t0"], "year": 2002, "doc_id": "d01"}', 1795849286685124, '2026-11-28 07:01:26.685124+00', '2026-11-28 07:01:26.685124+00');
INSERT INTO polystore.vec_flat VALUES ('A-B/ü', 'c07', '[0.754,0.137,-0.548,-0.963]', 'zlib compress chapter 7 Größe', '''7'' ''chapter'' ''compress'' ''grösse'' ''zlib''', '{"tags": ["all", "t1"], "year": 2003, "doc_id": "d02"}', 1795849286685124, '2026-11-28 07:01:26.685124+00', '2026-11-28 07:01:26.685124+00');
ALTER TABLE ONLY polystore.doc_documents
    ADD CONSTRAINT doc_documents_pkey PRIMARY KEY (workspace, id);
ALTER TABLE ONLY polystore.edge_knowledge
    ADD CONSTRAINT edge_knowledge_pkey PRIMARY KEY (workspace, source, type, target);
ALTER TABLE ONLY polystore.edge_pairs
    ADD CONSTRAINT edge_pairs_pkey PRIMARY KEY (workspace, source, type, target);
ALTER TABLE ONLY polystore.kv_cache
    ADD CONSTRAINT kv_cache_pkey PRIMARY KEY (workspace, key);
ALTER TABLE ONLY polystore.ledger
    ADD CONSTRAINT ledger_pkey PRIMARY KEY (version);
ALTER TABLE ONLY polystore.node_knowledge
    ADD CONSTRAINT node_knowledge_pkey PRIMARY KEY (workspace, id);
ALTER TABLE ONLY polystore.node_pairs
    ADD CONSTRAINT node_pairs_pkey PRIMARY KEY (workspace, id);
ALTER TABLE ONLY polystore.stores
    ADD CONSTRAINT stores_pkey PRIMARY KEY (name);
ALTER TABLE ONLY polystore.vec_chunks
    ADD CONSTRAINT vec_chunks_pkey PRIMARY KEY (workspace, id);
ALTER TABLE ONLY polystore.vec_flat
    ADD CONSTRAINT vec_flat_pkey PRIMARY KEY (workspace, id);
CREATE INDEX doc_documents_a_b_2cad479d ON polystore.doc_documents USING btree (workspace, k_a_b_31d1e1bc, id);
CREATE INDEX doc_documents_status_7c96af6e ON polystore.doc_documents USING btree (workspace, k_status_ab7e2ce2, id);
CREATE INDEX doc_documents_status_year_90775c4b ON polystore.doc_documents USING btree (workspace, k_status_ab7e2ce2, k_year_7ad2f4e5 DESC, id);
CREATE INDEX edge_knowledge_target_51f0b92b ON polystore.edge_knowledge USING btree (workspace, target, type, source);
CREATE INDEX edge_pairs_target_51f0b92b ON polystore.edge_pairs USING btree (workspace, target, type, source);
CREATE INDEX kv_cache_expires_at_cf118ccf ON polystore.kv_cache USING btree (expires_at) WHERE (expires_at IS NOT NULL);
CREATE INDEX node_knowledge_folded_86d080c6 ON polystore.node_knowledge USING btree (workspace, folded, id);
CREATE INDEX node_knowledge_labels_fb5a462a ON polystore.node_knowledge USING gin (labels);
CREATE INDEX node_knowledge_weight_24c9829f ON polystore.node_knowledge USING btree (workspace, k_weight_9e162720, id);
CREATE INDEX node_pairs_folded_86d080c6 ON polystore.node_pairs USING btree (workspace, folded, id);
CREATE INDEX node_pairs_labels_fb5a462a ON polystore.node_pairs USING gin (labels);
CREATE INDEX vec_chunks_doc_id_6287094f ON polystore.vec_chunks USING btree (workspace, k_doc_id_6287094f, id);
CREATE INDEX vec_chunks_nearest_de1dac1d ON polystore.vec_chunks USING hnsw (embedding public.vector_cosine_ops) WITH (m='16', ef_construction='128');
CREATE INDEX vec_chunks_tags_array_9d9d3f69 ON polystore.vec_chunks USING gin (((metadata -> 'tags'::text)) jsonb_path_ops);
CREATE INDEX vec_chunks_using_gin_words_81d626d6 ON polystore.vec_chunks USING gin (words);
CREATE INDEX vec_chunks_year_7ad2f4e5 ON polystore.vec_chunks USING btree (workspace, k_year_7ad2f4e5, id);
CREATE INDEX vec_flat_using_gin_words_81d626d6 ON polystore.vec_flat USING gin (words);
ALTER TABLE polystore.doc_documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE polystore.edge_knowledge ENABLE ROW LEVEL SECURITY;
ALTER TABLE polystore.edge_pairs ENABLE ROW LEVEL SECURITY;
ALTER TABLE polystore.kv_cache ENABLE ROW LEVEL SECURITY;
ALTER TABLE polystore.node_knowledge ENABLE ROW LEVEL SECURITY;
ALTER TABLE polystore.node_pairs ENABLE ROW LEVEL SECURITY;
CREATE POLICY polystore_workspace ON polystore.doc_documents USING (((workspace = ( SELECT
        CASE current_setting('polystore.workspace'::text)
            WHEN ''::text THEN current_setting('polystore.workspace_is_not_set'::text)
            ELSE current_setting('polystore.workspace'::text)
        END AS current_setting)) OR (( SELECT current_setting('polystore.every_workspace'::text, true) AS current_setting) = 'on'::text)));
CREATE POLICY polystore_workspace ON polystore.edge_knowledge USING (((workspace = ( SELECT
        CASE current_setting('polystore.workspace'::text)
            WHEN ''::text THEN current_setting('polystore.workspace_is_not_set'::text)
            ELSE current_setting('polystore.workspace'::text)
        END AS current_setting)) OR (( SELECT current_setting('polystore.every_workspace'::text, true) AS current_setting) = 'on'::text)));
CREATE POLICY polystore_workspace ON polystore.edge_pairs USING (((workspace = ( SELECT
        CASE current_setting('polystore.workspace'::text)
            WHEN ''::text THEN current_setting('polystore.workspace_is_not_set'::text)
            ELSE current_setting('polystore.workspace'::text)
        END AS current_setting)) OR (( SELECT current_setting('polystore.every_workspace'::text, true) AS current_setting) = 'on'::text)));
CREATE POLICY polystore_workspace ON polystore.kv_cache USING (((workspace = ( SELECT
        CASE current_setting('polystore.workspace'::text)
            WHEN ''::text THEN current_setting('polystore.workspace_is_not_set'::text)
            ELSE current_setting('polystore.workspace'::text)
        END AS current_setting)) OR (( SELECT current_setting('polystore.every_workspace'::text, true) AS current_setting) = 'on'::text)));
CREATE POLICY polystore_workspace ON polystore.node_knowledge USING (((workspace = ( SELECT
        CASE current_setting('polystore.workspace'::text)
            WHEN ''::text THEN current_setting('polystore.workspace_is_not_set'::text)
            ELSE current_setting('polystore.workspace'::text)
        END AS current_setting)) OR (( SELECT current_setting('polystore.every_workspace'::text, true) AS current_setting) = 'on'::text)));
CREATE POLICY polystore_workspace ON polystore.node_pairs USING (((workspace = ( SELECT
        CASE current_setting('polystore.workspace'::text)
            WHEN ''::text THEN current_setting('polystore.workspace_is_not_set'::text)
            ELSE current_setting('polystore.workspace'::text)
        END AS current_setting)) OR (( SELECT current_setting('polystore.every_workspace'::text, true) AS current_setting) = 'on'::text)));
CREATE POLICY polystore_workspace ON polystore.vec_chunks USING (((workspace = ( SELECT
        CASE current_setting('polystore.workspace'::text)
            WHEN ''::text THEN current_setting('polystore.workspace_is_not_set'::text)
            ELSE current_setting('polystore.workspace'::text)
        END AS current_setting)) OR (( SELECT current_setting('polystore.every_workspace'::text, true) AS current_setting) = 'on'::text)));
CREATE POLICY polystore_workspace ON polystore.vec_flat USING (((workspace = ( SELECT
        CASE current_setting('polystore.workspace'::text)
            WHEN ''::text THEN current_setting('polystore.workspace_is_not_set'::text)
            ELSE current_setting('polystore.workspace'::text)
        END AS current_setting)) OR (( SELECT current_setting('polystore.every_workspace'::text, true) AS current_setting) = 'on'::text)));
ALTER TABLE polystore.vec_chunks ENABLE ROW LEVEL SECURITY;
ALTER TABLE polystore.vec_flat ENABLE ROW LEVEL SECURITY;
