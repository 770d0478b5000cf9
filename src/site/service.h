/* What the operations on sites work on; made by the steward. */
#ifndef LETTERHEAD_SITE_SERVICE_H
#define LETTERHEAD_SITE_SERVICE_H

#include "control/operation.h"
#include "site/site.h"

struct peer;
struct task;
struct site_pusher;

/* Where applications submit mail: told with each new credential. */
struct site_port {
    uint16_t port;
    const char *security; /* "STARTTLS", "TLS", "none" */
};
enum { SITE_PORTS_MAX = 16 };

struct site_service {
    struct store *store;
    struct peer *vault;
    struct site_pusher *pusher;
    struct slice hostname;
    struct site_port ports[SITE_PORTS_MAX];
    size_t port_count;
    uint16_t key_bits;           /* of RSA */
    struct slice dkim_zone;      /* the platform's, for CNAME records; empty: there is none */
    bool dkim_by_cname;          /* unless told otherwise, new sites get CNAME records */
    uint64_t publication_keep_s; /* how long records outlive their keys' last signature */
    void (*wake_publisher)(void *context); /* something is to be published; NULL: nobody does */
    /* Cancels the mail of a removed site that is still queued; NULL: there is no queue. */
    int (*cancel_mail)(struct task *t, void *context, uint64_t site_id);
    void *context;
};

/* The arrays of operations; `service` may be NULL where they are only looked at (command
 * line). */
struct control_set site_operations(struct site_service *service);
struct control_set identity_operations(struct site_service *service);
struct control_set credential_operations(struct site_service *service);
struct control_set notice_operations(struct site_service *service);
struct control_set relay_operations(struct site_service *service);
struct control_set suppression_operations(struct site_service *service);
struct control_set suppression_review_operations(struct site_service *service);

/* The field that names a site, the same everywhere. */
#define SITE_FIELD                                                                                 \
    {                                                                                              \
        .name = "site", .type = CONTROL_TEXT, .required = true, .positional = true, .min = 1,      \
        .max = 63, .help = "the site's name"                                                       \
    }

/* Finds the site that the input's field "site" names; tells the caller when there is none. */
MUST_CHECK int site_of_call(struct store *s, struct arena *arena, struct control_call *call,
                            struct site *ret);
/* Adds "quota": what the site may send, and what it has sent in the last 24 hours. */
MUST_CHECK int site_describe_quota(struct store *s, struct arena *arena, int64_t site_id,
                                   int64_t now_us, json_t *object);
/* Adds "contacts" to what is said of a site. */
MUST_CHECK int site_describe_contacts(struct store *s, struct arena *arena, int64_t site_id,
                                      json_t *object);
/* Pushes the site to the gateway and adds to the output what came of it: "gateway": "applied" or
 * "waiting". */
MUST_CHECK int site_push_change(struct task *t, struct site_service *service,
                                struct control_call *call, int64_t site_id);

#endif
