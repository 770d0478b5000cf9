/* The one configuration file, read and checked before anything starts. dist/letterhead.yaml is the
 * commented default; config.c has the table that both are made from. Folders never see this struct:
 * the roles copy from it into the option structs of what they start. */
#ifndef LETTERHEAD_APP_CONFIG_H
#define LETTERHEAD_APP_CONFIG_H

#include "app/schema.h"
#include "feedback/reputation.h"
#include "runtime/endpoint.h"

#define CONFIG_DEFAULT_PATH "/etc/letterhead/letterhead.yaml"

enum config_listener_tls { CONFIG_TLS_STARTTLS, CONFIG_TLS_IMPLICIT, CONFIG_TLS_NONE };

enum config_dkim_records { CONFIG_RECORDS_TXT, CONFIG_RECORDS_CNAME };

struct config_listener {
    size_t line; /* of the file, for messages */
    struct endpoint address;
    int tls; /* enum config_listener_tls */
    struct slice
        credential; /* CONFIG_TLS_NONE alone: the access key id that every session acts as */
};

/* Where reports come back to; no login, so neither TLS nor a credential is asked for. */
struct config_inbound {
    struct endpoint address;
};

struct config_stub {
    struct slice zone;
    struct endpoint address;
    bool is_signed; /* validated from resolver.trust_anchor */
};

struct config {
    struct arena arena; /* owns all that follows */
    const char *path;

    struct slice hostname;
    struct slice region;
    struct slice data_directory;
    struct slice control_socket;
    struct slice user, vault_user;
    int log_level; /* enum log_level */
    uint64_t gateways;

    struct slice master_key_file;
    uint64_t signers; /* threads of the vault */

    size_t tls_line;
    struct slice tls_certificate, tls_key; /* PEM files; empty: no TLS listener may be configured */

    struct schema_list listeners; /* struct config_listener */
    uint64_t message_size_max_bytes;
    uint64_t recipients_max;
    uint64_t connections_max;
    uint64_t connections_per_address_max;
    uint64_t connections_per_site_max;
    uint64_t submission_memory_max_bytes;

    struct schema_list inbound_listeners; /* struct config_inbound */
    struct slice feedback_address;        /* empty: there is none */
    uint64_t inbound_connections_max;
    uint64_t inbound_connections_per_address_max;

    struct slice bounce_domain;
    uint64_t delivery_port;
    struct slice next_hop; /* "host:port", or empty: deliver by MX */
    struct schema_list
        allow_networks; /* struct endpoint_network: private networks that may be connected to */
    uint64_t connections_per_provider_max;
    uint64_t delivery_connections_max;
    uint64_t messages_per_connection_max;
    struct slice authorities_file;
    struct slice relay_authorities;
    bool dane;
    struct slice dane_signed_name, dane_bogus_name;
    struct slice shaping_file;      /* empty: what is built in */
    struct slice bounce_rules_file; /* likewise */
    uint64_t lifetime_s;
    struct schema_list retry_delays; /* uint64_t seconds */

    size_t tls_reports_line;
    struct slice tls_reports_site, tls_reports_from; /* both empty: no TLS reports */
    struct slice tls_reports_organization, tls_reports_contact;

    uint64_t spool_max_bytes;
    uint64_t spool_reserve_bytes;
    uint64_t queue_memory_max_bytes;

    struct schema_list resolver_forward; /* struct endpoint */
    struct schema_list resolver_stubs;   /* struct config_stub */
    struct slice resolver_trust_anchor;

    uint64_t key_bits;
    int dkim_records;             /* enum config_dkim_records */
    uint64_t dkim_rotate_every_s; /* 0: not by the clock */
    uint64_t identity_patience_s, identity_grace_s,
        identity_revoke_s; /* onboard/identity_state.h */

    size_t publishing_line;
    struct slice publishing_zone; /* lower case; empty: nothing is published */
    struct endpoint publishing_server;
    struct slice tsig_key_file;
    uint64_t publishing_ttl_s;

    uint64_t history_keep_s;

    struct reputation_limits reputation;

    size_t notices_line;
    struct slice notices_site, notices_from; /* empty: nothing is mailed */
    struct schema_list notices_operators;    /* struct slice: addresses */
};

/* Reads the file. -EINVAL or -errno: `problems` has a line for each mistake, ready to be shown. */
MUST_CHECK int config_load(const char *path, struct config **ret, struct buffer *problems);
void config_free(struct config *config);

#endif
