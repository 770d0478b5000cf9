/* Reports that came back, by the name that the gateway gave them, and the event of each until history has
 * it (feedback/intake_store.h). `sequence` is the event's number; `name` is what IPC_REPORT_END carries;
 * `received` is Unix time in microseconds. */

CREATE TABLE report (
    sequence INTEGER NOT NULL PRIMARY KEY,
    name BLOB NOT NULL UNIQUE,
    received INTEGER NOT NULL,
    event BLOB
) STRICT;

CREATE INDEX report_waiting ON report (sequence) WHERE event IS NOT NULL;
CREATE INDEX report_received ON report (received);
