/* How sites' mail is received, and what follows from it. Times are microseconds since 1970, UTC. */

-- A site without a row is healthy. `due`: something came back since it was last judged. `effect` is
-- what holds now, an operator's word (`override`, until then) considered.
CREATE TABLE reputation (
    site_id INTEGER NOT NULL PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('healthy', 'warned', 'slowed', 'paused')),
    since_us INTEGER NOT NULL,
    due INTEGER NOT NULL CHECK (due IN (0, 1)),
    effect TEXT NOT NULL CHECK (effect IN ('none', 'slow', 'pause')),
    messages_per_hour INTEGER NOT NULL,
    override_until_us INTEGER NOT NULL,
    override_why TEXT NOT NULL
) STRICT;

CREATE INDEX reputation_due ON reputation (site_id) WHERE due = 1 OR state <> 'healthy';
