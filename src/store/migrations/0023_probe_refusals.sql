/* Passwords that accounts have refused in tests within the last hour (onboard/probe_limit.h). */

CREATE TABLE probe_refusal (
    host_digest BLOB NOT NULL,
    user_digest BLOB NOT NULL,
    sealed_digest BLOB NOT NULL,
    time_us INTEGER NOT NULL,
    PRIMARY KEY (host_digest, user_digest, sealed_digest)
) STRICT;

CREATE INDEX probe_refusal_time ON probe_refusal (time_us);
