/* How far the consequences of each spool's events have been taken (feedback/outcome.h). The place moves
 * in the transaction that stores the consequences. */

CREATE TABLE outcome_position (
    spool_id INTEGER NOT NULL PRIMARY KEY,
    sequence INTEGER NOT NULL
) STRICT;
