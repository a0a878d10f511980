-- Made by make.py with the code of commit 9f45c87.
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
CREATE TABLE polystore.ledger (
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL,
    polystore_version text NOT NULL,
    CONSTRAINT ledger_version_check CHECK ((version > 0))
);
INSERT INTO polystore.ledger VALUES (1, 'ledger', '5a5d3784f4ed22e10d16729ccdbbad2443a206c28a978dbab1605a228417cfea', '2026-11-28 07:00:21.778526+00', '0.1.0');
ALTER TABLE ONLY polystore.ledger
    ADD CONSTRAINT ledger_pkey PRIMARY KEY (version);
