/* When a receiving domain suddenly answers "unknown user" (feedback/breaker.h). */

-- A breaker that is open holds new suppressions for review; one that was approved lets them through.
CREATE TABLE suppression_breaker (
    domain TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('open', 'approved')),
    since_us INTEGER NOT NULL,
    until_us INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    unknown INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is known of receiving domains: how many recipients mail went to, and how many were unknown.
CREATE TABLE domain_record (
    domain TEXT NOT NULL PRIMARY KEY,
    sent INTEGER NOT NULL,
    unknown INTEGER NOT NULL,
    noted_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX domain_record_noted ON domain_record (noted_us);
