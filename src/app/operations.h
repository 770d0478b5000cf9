/* The table of operations, joined from the folders that own them: what the steward runs, and
 * what the command line shows. */
#ifndef LETTERHEAD_APP_OPERATIONS_H
#define LETTERHEAD_APP_OPERATIONS_H

#include "control/operation.h"

struct site_service;
struct onboard_service;
struct queue_service;
struct submit_operations_service;
struct feedback_service;
struct reputation_service;
struct shaping_service;
struct sts_service;
struct probe_operations_service;
struct tls_reporter;
struct publisher;
struct platform_service;
struct rotate_service;

/* What the handlers work on; all NULL where the table is only looked at. */
struct operation_services {
    struct site_service *site;
    struct onboard_service *onboard;
    struct submit_operations_service *submit;
    struct queue_service *queue;
    struct feedback_service *feedback;
    struct shaping_service *shaping;
    struct sts_service *sts;
    struct tls_reporter *tls_reporter;
    struct publisher *publisher;
    struct platform_service *platform;
    struct probe_operations_service *probes;
    struct rotate_service *rotate;
    struct reputation_service *reputation;
};

enum { OPERATION_SETS = 22 };

void operations_join(const struct operation_services *services,
                     struct control_set ret[static OPERATION_SETS]);

#endif
