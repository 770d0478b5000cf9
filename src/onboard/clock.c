/* Checks by the clock: each identity when its time has come. */
#include "base/log.h"
#include "onboard/check.h"
#include "onboard/due.h"

static int check_one(struct task *t, void *service, int64_t id)
{
    int r = onboard_check(t, service, id, false);

    if (r < 0 && r != -ECANCELED && r != -ENOENT && r != -ETIMEDOUT)
        log_error("checking identity %lld: %s", (long long)id, strerror(-r));
    return 0;
}

int onboard_run(struct task *t, struct onboard_service *service)
{
    const struct due_options options = {
        .name = "check",
        .statement = STORE_IDENTITY_DUE,
        .at_once_max = ONBOARD_CHECKS_MAX,
        .starts_max = ONBOARD_STARTS_MAX,
        .look = check_one,
        .context = service,
    };

    return due_run(t, service->store, &options);
}
