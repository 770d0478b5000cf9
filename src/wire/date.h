/* Dates as text, from seconds since 1970 (UTC), without the C library's locale or time zone. Times
 * outside of the years 0001 to 9999 are moved to the nearer end: both formats have four digits. */
#ifndef LETTERHEAD_WIRE_DATE_H
#define LETTERHEAD_WIRE_DATE_H

#include "base/slice.h"

enum {
    WIRE_DATE_MAIL_BYTES = 32, /* with a NUL that the slice does not count */
    WIRE_DATE_ISO_BYTES = 21,
};

/* As in a Date field (RFC 5322 §3.3): "Mon, 23 Nov 2026 21:00:06 +0000". The slice lies in `out`.
 */
struct slice wire_date_mail(int64_t time_s, char out[WIRE_DATE_MAIL_BYTES]);

/* As in logs, JSON and databases (RFC 3339): "2026-11-23T21:00:06Z". The slice lies in `out`. */
struct slice wire_date_iso(int64_t time_s, char out[WIRE_DATE_ISO_BYTES]);

#endif
