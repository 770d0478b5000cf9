-- A site's mail may be bound to verified TLS, whatever the receivers publish.
ALTER TABLE site ADD COLUMN verified_tls INTEGER NOT NULL DEFAULT 0
    CHECK (verified_tls IN (0, 1));
