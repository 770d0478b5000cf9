/* How receivers are treated: what operators have suspended, and how much each source address has
 * sent. Times are microseconds since 1970, UTC. */

-- Nothing is sent to the provider, or to the recipients' domain, while its row is there.
CREATE TABLE suspension (
    kind TEXT NOT NULL CHECK (kind IN ('provider', 'domain')),
    name TEXT NOT NULL,
    why TEXT NOT NULL,
    since_us INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
);

-- Messages that a gateway has sent from an address on a day (days since 1970, UTC): what warm-up
-- plans count.
CREATE TABLE source_sent (
    address TEXT NOT NULL,
    day INTEGER NOT NULL,
    gateway INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (address, day, gateway)
);
