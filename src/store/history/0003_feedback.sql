/* What came back: refusals, reports, complaints, automatic replies, as a list by site. */

-- In the order of arrival. `type` is the event's (queue/event.h). `class` is what the rules took it for
-- when it came (feedback/report_rules.h); no class when there is nothing to judge.
CREATE TABLE feedback (
    id INTEGER NOT NULL PRIMARY KEY,
    site_id INTEGER NOT NULL,
    message BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    type INTEGER NOT NULL,
    class TEXT
) STRICT;

CREATE INDEX feedback_site ON feedback (site_id, id);
