/* The steward put together: the operations and their door, the gateways' directories, the
 * checks of identities, the policies of MTA-STS, the history of events, and its neighbours. Nothing
 * here knows files, users or configuration. */
#ifndef LETTERHEAD_APP_STEWARD_H
#define LETTERHEAD_APP_STEWARD_H

#include "deliver/https.h"
#include "deliver/shaping_service.h"
#include "domain/publisher.h"
#include "feedback/history.h"
#include "feedback/own_mail_sender.h"
#include "feedback/reputation_keeper.h"
#include "feedback/tls_reporter.h"
#include "onboard/check.h"
#include "onboard/mail_from_check.h"
#include "onboard/platform.h"
#include "onboard/relay_watch.h"
#include "onboard/rotate.h"
#include "runtime/peer_group.h"
#include "site/service.h"

struct steward_gateway {
    int socket; /* taken over */
    unsigned number;
    bool draining; /* gets no new mail, and ends when it has none left */
};

struct steward_options {
    struct store *store;         /* the control database; borrowed */
    struct store *outcome_store; /* the same one, for the helper thread; borrowed */
    struct slice bounce_domain;
    struct history *history;          /* borrowed */
    int vault_socket, control_socket; /* taken over */
    struct steward_gateway gateways[PEER_GROUP_MAX];
    size_t gateway_count;
    struct site_service site; /* store, vault and pusher are filled in */
    struct reputation_limits reputation;
    struct own_mail_sender mail; /* whom to tell; the rest is filled in */
    struct identity_times times;
    struct authority_options authority; /* what it points to is borrowed */
    struct rotation_times rotation;
    const struct zone_server *zone_server; /* NULL: nothing is published; borrowed */
    struct shaping_service *shaping; /* its file has been read; store and gateways are filled in */
    struct https *https; /* what policies of MTA-STS are fetched by; borrowed, stopped at the end */
    struct tls_report_settings tls_reports;
    const char *bounce_rules_path; /* empty: what is built in; borrowed */
    struct tls_context *relay_tls; /* whose certificates count for clients' servers; borrowed */
    struct address_policy relay_policy; /* where they may be */
    /* Suspends until the steward is to stop. An error counts as such a wish. */
    int (*wait_for_stop)(struct task *t, void *context);
    void *context;
};

/* Runs until it is told to stop. 0, or why it could not start or go on. */
MUST_CHECK int steward_run(struct task *t, const struct steward_options *options);

#endif
