/* A report on the TLS sessions with one domain's mail hosts on one day: as JSON (RFC 8460 §4), and
 * as what is sent of it, gzip (§4.1) or a mail with that (§5.3). Pure; finding out is the business
 * of tls_reporter.h. */
#ifndef LETTERHEAD_FEEDBACK_TLS_REPORT_H
#define LETTERHEAD_FEEDBACK_TLS_REPORT_H

#include "base/buffer.h"
#include "feedback/tls_tally.h"

#include <jansson.h>

#define TLS_REPORT_TYPE "application/tlsrpt+gzip"

struct tls_report {
    struct tls_day day;
    struct slice domain; /* whose mail hosts; a name of the DNS */
    struct slice organization, contact;
    struct slice submitter; /* the domain that reports */
    struct slice id;        /* the same however often it is made; may stand in a Message-ID */
    const struct tls_tally *kinds;
    size_t kind_count;
    struct slice sts_policy;  /* the policy file of MTA-STS that was applied; empty: not known */
    const struct slice *tlsa; /* the TLSA records that were applied, as in a zone file */
    size_t tlsa_count;
};

/* To be freed by the caller. */
json_t *tls_report_json(const struct tls_report *report);

/* Adds the report as gzip of its JSON. */
void tls_report_gzip(const struct tls_report *report, struct buffer *out);

/* Adds a whole message with CR LF lines; Date is left to the gate. Addresses as written to headers,
 * in ASCII. */
void tls_report_mail(const struct tls_report *report, struct slice from, struct slice to,
                     struct slice gzip, struct buffer *out);

#endif
