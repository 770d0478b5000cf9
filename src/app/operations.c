#include "app/operations.h"

#include "deliver/shaping_service.h"
#include "deliver/sts_keeper.h"
#include "feedback/operations.h"
#include "feedback/tls_reporter.h"
#include "onboard/check.h"
#include "queue/operations.h"
#include "site/service.h"
#include "submit/operations.h"

void operations_join(const struct operation_services *services,
                     struct control_set ret[static OPERATION_SETS])
{
    size_t count = 0;

    ret[count++] = site_operations(services->site);
    ret[count++] = identity_operations(services->site);
    ret[count++] = onboard_operations(services->onboard);
    ret[count++] = credential_operations(services->site);
    ret[count++] = notice_operations(services->site);
    ret[count++] = relay_operations(services->site);
    ret[count++] = submit_operations(services->submit);
    ret[count++] = feedback_operations(services->feedback);
    ret[count++] = queue_operations(services->queue);
    ret[count++] = shaping_operations(services->shaping);
    ret[count++] = sts_operations(services->sts);
    ret[count++] = tls_report_operations(services->tls_reporter);
    ret[count++] = status_operations(services->feedback);
    assert(count == OPERATION_SETS);
}
