-- A site with outgoing addresses sends as these alone, unless any address of its identities is
-- allowed; one without outgoing addresses was added for a whole domain.
ALTER TABLE site ADD COLUMN any_address INTEGER NOT NULL DEFAULT 0
    CHECK (any_address IN (0, 1));
