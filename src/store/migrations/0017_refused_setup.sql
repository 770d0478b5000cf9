/* When a receiver last refused a site's mail because of how the site is set up. */

CREATE TABLE refused_setup (
    site_id INTEGER NOT NULL PRIMARY KEY,
    last_us INTEGER NOT NULL
) STRICT;
