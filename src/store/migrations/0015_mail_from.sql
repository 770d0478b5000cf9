-- A site's own MAIL FROM domain (site/mail_from.h). Times are microseconds since 1970, UTC.
CREATE TABLE mail_from (
    site_id INTEGER NOT NULL PRIMARY KEY REFERENCES site (id),
    domain TEXT NOT NULL,
    on_failure TEXT NOT NULL CHECK (on_failure IN ('USE_DEFAULT_VALUE', 'REJECT_MESSAGE')),
    state TEXT NOT NULL CHECK (
        state IN ('NOT_STARTED', 'PENDING', 'SUCCESS', 'FAILED', 'TEMPORARY_FAILURE')),
    since_us INTEGER NOT NULL,
    why TEXT NOT NULL,
    next_step TEXT NOT NULL,
    trouble TEXT NOT NULL,
    checked_us INTEGER NOT NULL,
    next_check_us INTEGER NOT NULL
) STRICT;

CREATE INDEX mail_from_due ON mail_from (next_check_us);
