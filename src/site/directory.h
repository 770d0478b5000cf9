/* What the gateway knows of sites: an in-memory copy, pushed by the steward, of just what it takes
 * to judge and sign mail. The steward alone reads and writes the control database; on every change
 * it pushes the site anew (IPC_DIRECTORY_SITE) and waits for the gateway's word, so a revoked
 * credential is refused when the command that revoked it returns. The gateway accepts submissions
 * only once a whole directory is there; if the steward dies it goes on with what it has.
 *
 * Pointers into the directory are good until the next suspension: sites are replaced whole. */
#ifndef LETTERHEAD_SITE_DIRECTORY_H
#define LETTERHEAD_SITE_DIRECTORY_H

#include "base/arena.h"
#include "base/buffer.h"
#include "site/directory_quota.h"

enum site_method { SITE_METHOD_DKIM = 1, SITE_METHOD_SMTP, SITE_METHOD_DOMAIN };
enum site_state { SITE_ACTIVE = 1, SITE_PAUSED };
enum key_algorithm { KEY_RSA_SHA256 = 1, KEY_ED25519_SHA256 };

enum {
    DIRECTORY_ADDRESSES_MAX = 50, /* so that a site fits into one frame (LIMIT_FRAME_BYTES) */
    DIRECTORY_IDENTITIES_MAX = 8,
    DIRECTORY_CREDENTIALS_MAX = 8,
    DIRECTORY_KEYS_MAX = 2,
};

struct directory;

struct directory_key {
    struct slice selector;
    enum key_algorithm algorithm;
    struct slice sealed; /* opaque; only the vault can open it (vault/protocol.h) */
    int64_t since_us;    /* signs since then: a signature made before is not used again */
};

struct directory_identity {
    uint64_t id;
    struct slice domain; /* A-label, lower case */
    bool sending;        /* verified: mail may go out as it */
    bool covers_subdomains;
    struct slice why_not; /* when not sending: a sentence for the sender */
    struct directory_key
        keys[DIRECTORY_KEYS_MAX]; /* the active ones; two when a second algorithm signs as well */
    size_t key_count;
};

struct directory_credential {
    uint64_t id;
    struct slice access_key_id; /* the SMTP user name */
    struct slice sealed;        /* verifier of the password; only the vault can check */
};

/* The client's SMTP account that a site of method smtp sends through. */
struct directory_relay {
    uint64_t id;
    uint64_t version;  /* of the account; never used again */
    struct slice host; /* A-labels, lower case */
    uint16_t port;
    bool implicit_tls; /* TLS from the first byte; otherwise STARTTLS */
    struct slice user;
    struct slice sealed;           /* the password; only the vault can open it */
    struct slice outgoing_address; /* canonical: the only From, and the envelope's sender */
    bool return_path_ours;         /* the envelope's sender is an address of ours instead */
    bool sending;                  /* it may be given mail */
    struct slice why_not;          /* when not sending: a sentence without a full stop */
    int64_t good_us;               /* when the last test found it good; 0: it did not */
    uint64_t connections_max, messages_per_connection_max;
    uint64_t messages_per_minute_max, recipients_per_day_max; /* 0: no limit */
    int64_t day_us;          /* what this gateway has used of the account's day; 0: nothing */
    uint64_t recipients;     /* since then */
    int64_t closed_until_us; /* a limit is reached until then; 0: none is */
    struct slice closed_why;
};

struct directory_site {
    uint64_t id;
    struct slice name;
    enum site_state state;
    enum site_method method;
    struct slice *outgoing_addresses; /* canonical; none: any address of the identities */
    size_t outgoing_address_count;
    bool any_address; /* any address of the identities, beside the outgoing ones */
    struct directory_identity *identities;
    size_t identity_count;
    struct directory_credential *credentials;
    size_t credential_count;
    bool verified_tls;             /* its mail goes out under verified TLS only */
    struct directory_relay *relay; /* of method smtp; NULL: none was set up */
    struct directory_quota quota;
    struct slice mail_from;            /* its MAIL FROM domain; empty: it has none */
    bool mail_from_good;               /* whose records are right: it is used */
    bool mail_from_reject;             /* while they are not, mail is refused */
    const struct directory *directory; /* that it is in; NULL: it stands alone (before a push) */
};

struct directory *directory_new(void);
void directory_free(struct directory *d);

/* True once a whole push was seen. */
bool directory_ready(const struct directory *d);

/* True for the MAIL FROM domain of a site, in whatever state. Looks at all sites. */
bool directory_has_mail_from(const struct directory *d, struct slice domain);

/* NULL when there is none. */
const struct directory_site *directory_site_by_id(const struct directory *d, uint64_t site_id);
/* The site and credential of a user name. */
const struct directory_site *directory_site_by_credential(const struct directory *d,
                                                          struct slice access_key_id,
                                                          const struct directory_credential **ret);
/* The identity of this site that covers the domain: the most specific one; NULL when none does. An
 * identity that covers subdomains does not cover those that another site has proven. */
const struct directory_identity *directory_identity_for(const struct directory_site *site,
                                                        struct slice domain);

/* Whether the address is on the site's suppression list (site/suppression.h). */
bool directory_suppresses(const struct directory *d, uint64_t site_id, struct slice address);

/* Adds the body of an IPC_DIRECTORY_SITE frame; the counts are within the limits above (assert). */
void directory_site_write(struct buffer *body, const struct directory_site *site);
/* Adds the body of an IPC_DIRECTORY_REMOVE frame. */
void directory_remove_write(struct buffer *body, uint64_t site_id);
/* Adds the body of an IPC_DIRECTORY_BEGIN or _END frame: a number that names this push, never 0. */
void directory_push_write(struct buffer *body, uint64_t push);

/* Applies a frame of type IPC_DIRECTORY_*. Between BEGIN and END the sites known before stay in
 * use; END drops those that were not sent again. -EBADMSG, with nothing changed, for a body that
 * does not parse, a count past its limit, or a user name that another site has. -ESTALE: END of a
 * push whose BEGIN this directory has not seen, since one of the processes was started anew in
 * between: what came is not the whole, and the push must be made again. */
MUST_CHECK int directory_apply(struct directory *d, uint8_t type, struct slice body);

#endif
