#include "app/operations.h"

#include "deliver/shaping_service.h"
#include "deliver/sts_keeper.h"
#include "domain/publisher.h"
#include "feedback/digest_operations.h"
#include "feedback/operations.h"
#include "feedback/reputation_keeper.h"
#include "feedback/tls_reporter.h"
#include "onboard/check.h"
#include "onboard/platform.h"
#include "onboard/probe_operations.h"
#include "onboard/rotate.h"
#include "queue/operations.h"
#include "site/service.h"
#include "submit/operations.h"

void operations_join(const struct operation_services *services,
                     struct control_set ret[static OPERATION_SETS])
{
    const struct control_set all[] = {
        site_operations(services->site),
        identity_operations(services->site),
        onboard_operations(services->onboard),
        credential_operations(services->site),
        notice_operations(services->site),
        relay_operations(services->site),
        probe_operations(services->probes),
        suppression_operations(services->site),
        suppression_review_operations(services->site),
        came_back_operations(services->feedback),
        submit_operations(services->submit),
        feedback_operations(services->feedback),
        queue_operations(services->queue),
        shaping_operations(services->shaping),
        sts_operations(services->sts),
        tls_report_operations(services->tls_reporter),
        publisher_operations(services->publisher),
        platform_operations(services->platform),
        rotate_operations(services->rotate),
        reputation_operations(services->reputation),
        digest_operations(services->feedback),
        status_operations(services->feedback),
    };

    static_assert(ARRAY_LEN(all) == OPERATION_SETS, "all of them");
    memcpy(ret, all, sizeof all);
}
