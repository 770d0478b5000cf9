#include "runtime/resolver.h"

#include "base/limits.h"
#include "runtime/loop.h"

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Takes a checked, lower-case copy without the final dot. Underscores are for _domainkey and its
 * like; other bytes that DNS would carry name nothing that we ask for. RFC 1035 §2.3.4: 63 and 255
 * bytes. */
static int copy_name(struct slice name, char out[static 256])
{
    struct slice label;
    bool more = true;
    size_t used = 0;

    if (slice_ends_nocase(name, SLICE(".")))
        name.size--;
    if (name.size > 253)
        return -EINVAL;
    while (more && name.size) {
        more = slice_cut(&name, '.', &label);
        if (label.size == 0 || label.size > LIMIT_LABEL_BYTES || (more && name.size == 0))
            return -EINVAL;
        for (size_t i = 0; i < label.size; i++) {
            out[used] = lower(label.data[i]);
            if (!is_name_byte(out[used++]))
                return -EINVAL;
        }
        if (more)
            out[used++] = '.';
    }
    out[used] = 0;
    return 0;
}

int resolver_query(struct task *t, struct arena *arena, struct slice name, enum dns_type type,
                   struct dns_answer *ret)
{
    struct world *w = task_world(t);
    struct world_query query = {.type = type, .arena = arena, .task = t};
    int r = copy_name(name, query.name);

    if (r == 0)
        r = task_check(t);
    if (r < 0)
        return r;
    w->ops->query_start(w, &query);
    while (r == 0 && !query.ended)
        r = task_suspend(t, NULL, t->deadline_us) == WAKE_EVENT ? 0 : task_check(t);
    if (query.ended) {
        *ret = query.answer;
        return 0;
    }
    w->ops->query_cancel(w, &query);
    return r;
}
