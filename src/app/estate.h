/* What the supervisor holds for the roles, and what each of them gets of it: the sockets between
 * them, the ports, the files that only root may read, and the users that they run as. Opened once;
 * a role that is started again gets the very same sockets. */
#ifndef LETTERHEAD_APP_ESTATE_H
#define LETTERHEAD_APP_ESTATE_H

#include "app/child.h"
#include "app/supervisor.h"
#include "submit/board.h"

struct estate {
    const struct supervisor_options *options;
    bool changes_user; /* started as root */
    struct privileges_user user, vault_user;
    struct secret master_key, certificate, certificate_key, tsig_key;
    int executable;
    /* Both ends of each; the first is that of the role named first. Of the gateways: in their
     * places. */
    int vault_steward[2], vault_gateway[ROLE_GATEWAYS_MAX][2],
        gateway_steward[ROLE_GATEWAYS_MAX][2];
    bool drained[ROLE_GATEWAYS_MAX]; /* nobody is at that end any more */
    int board_memory;
    struct submit_board *board;
    int control;
    int listeners[ROLE_LISTENERS_MAX];
};

/* Opens everything. What is wrong was logged, with what to do. */
MUST_CHECK int estate_open(struct estate *e, const struct supervisor_options *options);
/* Wipes the secrets and removes the control socket; descriptors go with the process. */
void estate_done(struct estate *e);

/* A gateway has died, for good if it had nothing left to do. */
void estate_gateway_died(struct estate *e, size_t place, bool drained);

/* Starts a process of this role with what it is due. */
MUST_CHECK int estate_start(const struct estate *e, struct child *child, uint64_t now_ms);

#endif
