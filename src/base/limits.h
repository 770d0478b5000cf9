/* Every size, count and time that a stranger can push against, with its name. Values that operators
 * may change are in the configuration (app/config.h); these are the outer bounds of those. */
#ifndef LETTERHEAD_BASE_LIMITS_H
#define LETTERHEAD_BASE_LIMITS_H

enum {
    LOG_LINE_BYTES_MAX = 2048,

    /* SMTP, RFC 5321 §4.5.3.1 */
    LIMIT_LOCAL_PART_BYTES = 64,
    LIMIT_DOMAIN_BYTES = 255,
    LIMIT_LABEL_BYTES = 63,
    LIMIT_PATH_BYTES = 256,
    LIMIT_COMMAND_BYTES = 2048,    /* CR LF included; 512 must be taken, extensions add to it */
    LIMIT_AUTH_LINE_BYTES = 12288, /* RFC 4954 §4 */
    LIMIT_TEXT_LINE_BYTES = 998,   /* RFC 5322 §2.1.1, without CR LF */
    LIMIT_REPLY_LINE_BYTES = 2048, /* 512 by the RFC; longer is seen in the wild */
    LIMIT_REPLY_LINES = 100,
    LIMIT_REPLY_BYTES = 65536,
    LIMIT_ENVID_BYTES = 100, /* RFC 3461 §4.4, decoded */
    LIMIT_ORCPT_BYTES = 500, /* RFC 3461 §4.2, encoded */

    /* Messages */
    LIMIT_HEADER_BYTES = 262144,
    LIMIT_HEADER_FIELDS = 1000,
    LIMIT_HEADER_FIELD_BYTES = 65536,
    LIMIT_RECEIVED_FIELDS = 50,     /* more is a loop: 554 5.4.6 */
    LIMIT_COMMENT_DEPTH = 16,       /* nested comments in an address field */
    LIMIT_RECIPIENTS = 1000,        /* a message; RFC 5321 §4.5.3.1.8 asks for at least 100 */
    LIMIT_MESSAGE_BYTES = 41943040, /* SIZE; as Amazon SES */

    /* DNS */
    LIMIT_DNS_RECORDS = 100,
    LIMIT_MX_HOSTS = 20,            /* hosts tried for one domain */
    LIMIT_HOST_ADDRESSES = 16,      /* addresses tried for one host */
    LIMIT_DNS_SERVERS = 8,          /* name servers of one zone that are asked directly */
    LIMIT_DNS_SERVER_ADDRESSES = 2, /* addresses tried for one of them */
    LIMIT_DNS_ZONE_DEPTH = 12,      /* labels gone up from a name to find its zone */

    /* Transport security */
    LIMIT_STS_POLICY_BYTES = 65536, /* a policy file, RFC 8461 §3.2 */
    LIMIT_STS_PATTERNS = 100,       /* mx lines of one policy; so that it fits into one frame */
    LIMIT_TLS_SESSIONS = 2000,      /* to mail hosts, remembered to be resumed; some KiB each */
    LIMIT_STS_DOMAINS = 20000,      /* whose policies are kept */
    LIMIT_TLSRPT_DESTINATIONS = 4,  /* of one domain's reports */
    LIMIT_TLS_TALLY_KINDS = 200,    /* of TLS sessions told apart, of one domain on one day */
    LIMIT_TLS_REPORTS = 20000,      /* of one day */

    /* Reports that come back: bounces, complaints, auto-replies */
    LIMIT_REPORT_BYTES = 1048576, /* of one report; what follows is not looked at */
    LIMIT_REPORT_DEPTH = 16,      /* parts within parts */
    LIMIT_REPORT_PARTS = 100,
    LIMIT_REPORT_TEXT_BYTES = 65536, /* of each kind of part, all together */
    LIMIT_REPORT_FIELD_BYTES = 4096,
    LIMIT_REPORT_WORDS_BYTES = 16384, /* that rules are compared with */
    LIMIT_REPORT_RECIPIENTS = 100,
    LIMIT_REPORT_RULES = 2000,
    LIMIT_REPORT_RULE_SECTIONS = 300,

    /* What operators and sites' contacts are told: parts of it come from strangers' servers */
    LIMIT_NOTICE_SUBJECT_BYTES = 200,
    LIMIT_NOTICE_TEXT_BYTES = 8192,
    LIMIT_INBOUND_RECIPIENTS = 20, /* of one transaction; nobody has a reason for two */
    LIMIT_REPORTS_KEPT = 20,       /* about one recipient of a message, in its story */
    LIMIT_INBOUND_WAITING = 10000, /* reports that the steward has not taken yet */
    LIMIT_RETURN_PATH_DAYS =
        28, /* that a return path is taken after its message has left the queue */
    /* What a site's mail is kept from; a gateway has 43 bytes for each at most */
    LIMIT_SUPPRESSIONS = 100000,   /* of one site */
    LIMIT_BREAKER_DOMAINS = 20000, /* receiving domains whose unknown users are counted */

    /* Between processes: one frame */
    LIMIT_FRAME_BYTES = 65536,

    /* Tasks of one loop: a connection has one or two */
    LIMIT_TASKS = 100000,
};

#endif
