/* What operators have suspended: providers, and single domains. */
#include "deliver/inside.h"

#include <stdlib.h>

char *suspension_of(const struct deliver *d, bool provider, struct slice name)
{
    for (size_t i = 0; i < d->suspension_count; i++)
        if (d->suspensions[i].provider == provider && slice_equal(d->suspensions[i].name, name))
            return slice_duplicate(d->suspensions[i].why);
    return NULL;
}

char *destination_why_suspended(const struct deliver *d, struct slice key)
{
    char *why = suspension_of(d, false, key);

    return why || !relay_is_key(key) ? why : relay_why_not(d, key);
}

void provider_suspend(struct provider *p)
{
    bool was_suspended = p->suspended != NULL;

    free(p->suspended);
    p->suspended = suspension_of(p->deliver, true, provider_name(p));
    condition_broadcast(&p->more);
    if (was_suspended && !p->suspended)
        provider_look(p);
}

void destination_suspend(struct destination *dest)
{
    bool was_suspended = dest->suspended != NULL;

    free(dest->suspended);
    dest->suspended = destination_why_suspended(dest->deliver, destination_key(dest));
    if (was_suspended != (dest->suspended != NULL) && dest->deliver->queue)
        destination_move(dest);
}
