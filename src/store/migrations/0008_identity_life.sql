-- The life of an identity: the first look of a revocation, whether it must be asked for again, and by
-- which servers its zone was served when it was verified. Of each record: why it is not right, and
-- which server said so. DMARC has a life of its own.
ALTER TABLE identity ADD COLUMN gone_since_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE identity ADD COLUMN must_ask INTEGER NOT NULL DEFAULT 0 CHECK (must_ask IN (0, 1));
ALTER TABLE identity ADD COLUMN zone_servers TEXT NOT NULL DEFAULT '';
ALTER TABLE identity ADD COLUMN zone_primary TEXT NOT NULL DEFAULT '';
ALTER TABLE identity ADD COLUMN dmarc_since_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE identity_key ADD COLUMN record_cause TEXT NOT NULL DEFAULT '';
ALTER TABLE identity_key ADD COLUMN record_server TEXT NOT NULL DEFAULT '';
