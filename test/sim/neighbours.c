/* The two processes beside the gateway: the vault, whose answers are the real one's, and a steward
 * that knows the sites and stores events in the ledger. Both outlive it. */
#include "actors.h"
#include "deliver/shaping.h"
#include "queue/remote.h"
#include "site/directory.h"
#include "site/return_keys.h"
#include "vault/service.h"
#include "wire/ipc.h"

#include <stdlib.h>

static int ask_vault(struct task *t, void *context, uint8_t type, struct slice body,
                     struct buffer *reply)
{
    struct scenario *s = context;
    int r = pause_for(t, s, s->vault_delay_us);

    return r < 0 ? r
                 : vault_worker_answer(s->options->keys->worker, VAULT_CALLER_GATEWAY, type, body,
                                       reply);
}

static int store_events(struct task *t, struct scenario *s, struct slice body, struct buffer *reply)
{
    bool fails = s->steward_is_moody && chance_ppm(s->chance, 100000);
    int r = pause_for(t, s, s->steward_is_moody ? 10 * SECOND_US : 20000);

    if (r < 0 || s->steward_away || (fails && chance_ppm(s->chance, 500000)))
        return r < 0 ? r : -EIO;
    r = ledger_store_events(s->ledger, body);
    if (r < 0 || fails) /* stored, and not said so */
        return r < 0 ? r : -EIO;
    buffer_add_u64(reply, s->ledger->cursor);
    return 0;
}

static int ask_steward(struct task *t, void *context, uint8_t type, struct slice body,
                       struct buffer *reply)
{
    struct scenario *s = context;

    if (s->take_report && type >= IPC_REPORT_BEGIN && type <= IPC_REPORT_END)
        return s->take_report(t, s, type, body);
    return type == IPC_EVENTS ? store_events(t, context, body, reply) : -EOPNOTSUPP;
}

static void steward_is_greeted(struct task *t, void *context)
{
    struct scenario *s = context;

    (void)t;
    s->push_wanted = true;
    condition_broadcast(&s->push);
}

static int tell(struct task *t, struct scenario *s, uint8_t type, struct slice body)
{
    CLEANUP(buffer_done) struct buffer reply = BUFFER_NONE;

    return peer_call(t, s->steward_end, type, body, &reply);
}

static int push_site(struct task *t, struct scenario *s, unsigned number)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    bool revoked = s->site_revoked[number];
    struct directory_identity identity = {.id = number + 1,
                                          .domain = site_domain(number),
                                          .sending = !revoked,
                                          .why_not = SLICE("its records are gone"),
                                          .key_count = 1};
    struct directory_credential credential = {number + 100, site_access_key_id(number), SLICE("x")};
    struct directory_site site = {.id = number + 1,
                                  .name = site_domain(number),
                                  .state = SITE_ACTIVE,
                                  .method = SITE_METHOD_DKIM,
                                  .any_address = true,
                                  .identities = &identity,
                                  .identity_count = 1,
                                  .credentials = &credential,
                                  .credential_count = 1};
    int r;

    identity.keys[0] = (struct directory_key){SLICE("s1"), KEY_ED25519_SHA256,
                                              buffer_slice(&s->options->keys->sealed[number])};
    directory_site_write(&body, &site);
    if (!revoked)
        s->site_stopped_us[number] = 0;
    r = tell(t, s, IPC_DIRECTORY_SITE, buffer_slice(&body));
    if (r == 0 && revoked && !s->site_stopped_us[number])
        s->site_stopped_us[number] = task_now_us(t);
    return r;
}

static int push_all(struct task *t, struct scenario *s)
{
    CLEANUP(buffer_done) struct buffer push = BUFFER_NONE;
    int r;

    directory_push_write(&push, ++s->last_push);
    r = tell(t, s, IPC_DIRECTORY_BEGIN, buffer_slice(&push));
    for (unsigned i = 0; r == 0 && i < SCENARIO_SITES; i++)
        r = push_site(t, s, i);
    return r == 0 ? tell(t, s, IPC_DIRECTORY_END, buffer_slice(&push)) : r;
}

/* One rule, for what hosts say when too much comes. */
static int push_shaping(struct task *t, struct scenario *s)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct shaping_reply rule = {
        .text = SLICE("slow down"), .means = SHAPING_SLOW_DOWN, .action = SHAPING_BACK_OFF};

    shaping_write(&body, &(struct shaping){.replies = &rule, .reply_count = 1});
    return tell(t, s, IPC_SHAPING, buffer_slice(&body));
}

void neighbours_return_keys(struct return_keys *ret)
{
    return_keys_set(ret, 1, SLICE("0123456789abcdef0123456789abcdef"),
                    SLICE("fedcba9876543210fedcba9876543210"));
}

static int push_return_keys(struct task *t, struct scenario *s)
{
    CLEANUP(return_keys_done) struct return_keys keys = {.bytes = SECRET_NONE};
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;

    neighbours_return_keys(&keys);
    return_keys_write(&body, &keys);
    return tell(t, s, IPC_RETURN_KEYS, buffer_slice(&body));
}

/* Pushes the directory whenever a gateway has said hello; what it does not take is tried again. */
static int pusher_main(struct task *t, void *argument)
{
    struct scenario *s = argument;
    int r = 0;

    while (r == 0) {
        while (r == 0 && !s->push_wanted)
            r = condition_wait(t, &s->push);
        if (r < 0)
            break;
        s->push_wanted = false;
        if (push_shaping(t, s) < 0 || push_return_keys(t, s) < 0 || push_all(t, s) < 0) {
            s->push_wanted = true;
            r = task_sleep(t, SECOND_US / 10);
        }
    }
    return r;
}

void neighbours_revoke(struct scenario *s, unsigned site, bool revoked)
{
    s->site_revoked[site] = revoked;
    s->site_ever_revoked[site] |= revoked;
    s->push_wanted = true;
    condition_broadcast(&s->push);
}

static int audits_main(struct task *t, void *argument)
{
    struct scenario *s = argument;
    int r = 0;

    while (r == 0) {
        r = task_sleep(t, 30 * SECOND_US + chance_skewed(s->chance, 120 * SECOND_US));
        if (r == 0)
            r = neighbours_audit(t, s);
    }
    return r;
}

static int tell_pause(struct task *t, struct scenario *s, unsigned site, bool paused)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    const struct queue_act_request request = {.act = paused ? QUEUE_ACT_HOLD : QUEUE_ACT_RELEASE,
                                              .site_id = site + 1,
                                              .recipient = QUEUE_EVENT_ALL_RECIPIENTS,
                                              .text = SLICE("by the simulator")};
    int r;

    queue_act_request_write(&body, &request);
    s->acts++;
    r = tell(t, s, IPC_QUEUE_ACT, buffer_slice(&body));
    s->acts++; /* it took effect in between */
    return r;
}

/* What the gateway did not confirm is said again: it is the same the second time. */
static int operator_main(struct task *t, void *argument)
{
    struct scenario *s = argument;
    int r = 0;

    while (r == 0) {
        bool all_told = true;

        for (unsigned i = 0; i < SCENARIO_SITES; i++) {
            bool wanted = s->site_paused[i];

            if (wanted != s->site_told[i] && tell_pause(t, s, i, wanted) == 0)
                s->site_told[i] = wanted;
            all_told &= s->site_told[i] == s->site_paused[i];
        }
        r = all_told ? condition_wait(t, &s->operator) : task_sleep(t, SECOND_US);
    }
    return r;
}

void neighbours_pause(struct scenario *s, unsigned site, bool paused)
{
    s->site_paused[site] = paused;
    condition_broadcast(&s->operator);
}

static void vault_open(struct task *t, struct scenario *s)
{
    const struct peer_handlers handlers = {.request = ask_vault, .context = s};

    scope_open(&s->vault_scope, t);
    s->vault_end = peer_new(&s->vault_scope, "gateway", s->vault_pair[1], &handlers);
}

/* What it was doing is lost: not even an error comes back. */
static void vault_close(struct scenario *s)
{
    sim_world_silence(s->w, s->vault_pair[1], true);
    scope_close(&s->vault_scope);
    peer_free(TAKE(s->vault_end));
    sim_world_silence(s->w, s->vault_pair[1], false);
}

static void steward_open(struct task *t, struct scenario *s)
{
    const struct peer_handlers handlers = {
        .request = ask_steward, .hello = steward_is_greeted, .context = s};

    if (s->forget_report)
        s->forget_report(s);
    scope_open(&s->steward_scope, t);
    s->steward_end = peer_new(&s->steward_scope, "gateway", s->steward_pair[1], &handlers);
    if (scope_spawn(&s->steward_scope, "pusher", pusher_main, s) < 0 ||
        scope_spawn(&s->steward_scope, "audits", audits_main, s) < 0 ||
        scope_spawn(&s->steward_scope, "operator", operator_main, s) < 0)
        abort();
}

static void steward_close(struct scenario *s)
{
    sim_world_silence(s->w, s->steward_pair[1], true);
    scope_close(&s->steward_scope);
    peer_free(TAKE(s->steward_end));
    sim_world_silence(s->w, s->steward_pair[1], false);
}

static int keep_running(struct task *t, struct scenario *s)
{
    int r = 0;

    while (r == 0) {
        r = condition_wait(t, &s->strike);
        if (s->strike_vault) {
            vault_close(s);
            vault_open(t, s);
        }
        if (s->strike_steward) {
            steward_close(s);
            steward_open(t, s);
        }
        s->strike_vault = s->strike_steward = false;
    }
    return r;
}

int neighbours_main(struct task *t, void *argument)
{
    struct scenario *s = argument;
    int r;

    vault_open(t, s);
    steward_open(t, s);
    r = keep_running(t, s);
    vault_close(s);
    steward_close(s);
    return r;
}

static int ask_gateway(struct task *t, struct scenario *s, uint8_t type, struct slice body,
                       struct buffer *reply)
{
    int r;

    while ((r = peer_call(t, s->steward_end, type, body, reply)) == -EAGAIN)
        if ((r = task_sleep(t, SECOND_US / 10)) < 0)
            return r;
    return r;
}

/* What was acknowledged and had not ended when the audit began. */
struct claim {
    struct message_id id;
    uint32_t recipient;
    struct ledger_recipient *entry;
    bool found;
};

/* Longer than an event can be on its way to the steward, and its end to be undone by crashes. */
static const uint64_t MISSING_MOST_US = 3600 * SECOND_US;

static size_t collect_claims(struct scenario *s, struct arena *arena, struct claim **ret)
{
    struct claim *claims = ARENA_ARRAY(arena, struct claim,
                                       (size_t)s->ledger->submission_count * LEDGER_RECIPIENTS_MAX);
    size_t count = 0;

    LIST_FOREACH (link, &s->ledger->submissions) {
        struct ledger_submission *one = LIST_ENTRY(link, struct ledger_submission, link);

        for (size_t i = 0; one->answer == LEDGER_ACKNOWLEDGED && i < one->recipient_count; i++)
            if (!one->recipients[i].ended)
                claims[count++] = (struct claim){one->id, (uint32_t)i, &one->recipients[i], false};
    }
    *ret = claims;
    return count;
}

static void mark_claim(struct claim *claims, size_t count, const struct queue_list_entry *entry)
{
    for (size_t i = 0; i < count; i++)
        if (claims[i].recipient == entry->recipient &&
            message_id_compare(&claims[i].id, &entry->id) == 0)
            claims[i].found = true;
}

static int list_page(struct task *t, struct scenario *s, struct queue_list_request *request,
                     struct claim *claims, size_t count, bool *ret_more)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, answer = BUFFER_NONE;
    struct queue_list_reply page;
    struct queue_list_entry entry;
    int r;

    queue_list_request_write(&body, request);
    r = ask_gateway(t, s, IPC_QUEUE_LIST, buffer_slice(&body), &answer);
    if (r == 0)
        r = queue_list_reply_read(buffer_slice(&answer), &page);
    if (r < 0)
        return r;
    while (queue_list_entry_read(&page.entries, &entry))
        mark_claim(claims, count, &entry);
    request->after = page.next;
    *ret_more = page.more;
    return 0;
}

/* What is missing may have ended, with the event on its way; but not for ever. */
static void judge_claims(struct task *t, struct scenario *s, struct claim *claims, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct ledger_recipient *r = claims[i].entry;

        if (claims[i].found || r->ended)
            r->missing_since_us = 0;
        else if (r->missing_since_us == 0)
            r->missing_since_us = task_now_us(t);
        else if (task_now_us(t) - r->missing_since_us > MISSING_MOST_US)
            ledger_fail(s->ledger, "to %.*s: acknowledged, not ended, and not in the queue",
                        SLICE_ARG(r->address));
    }
}

/* Nothing sits in limbo: a gateway whose disk works knows why each message waits. */
static int audit_status(struct task *t, struct scenario *s)
{
    CLEANUP(buffer_done) struct buffer answer = BUFFER_NONE;
    char id[MESSAGE_ID_LENGTH + 1];
    struct queue_status status;
    struct cursor c;
    int r = ask_gateway(t, s, IPC_GATEWAY_STATUS, SLICE_NONE, &answer);

    c = cursor_of(buffer_slice(&answer));
    if (r == 0)
        r = queue_status_read(&c, &status);
    if (r < 0 || !status.stalest.lost || s->ledger->disk_fails)
        return r;
    message_id_format(&status.stalest.id, id);
    ledger_fail(s->ledger, "message %s has made no progress for %llu s, and nothing explains it",
                id, (unsigned long long)status.oldest_without_progress_s);
    return 0;
}

int neighbours_audit(struct task *t, struct scenario *s)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct queue_list_request request = {.max = 20};
    unsigned start = s->starts;
    struct claim *claims;
    size_t count = collect_claims(s, &arena, &claims);
    bool more = count > 0;
    int r = 0;

    while (r == 0 && more)
        r = list_page(t, s, &request, claims, count, &more);
    if (r == 0 && start == s->starts) /* else the pages are of two gateways */
        judge_claims(t, s, claims, count);
    return r == 0 ? audit_status(t, s) : r;
}

int neighbours_release(struct task *t, struct scenario *s)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, answer = BUFFER_NONE;
    const struct queue_act_request request = {.act = QUEUE_ACT_RELEASE,
                                              .recipient = QUEUE_EVENT_ALL_RECIPIENTS,
                                              .text = SLICE("the simulator lets go")};
    int r;

    queue_act_request_write(&body, &request);
    s->acts++;
    r = ask_gateway(t, s, IPC_QUEUE_ACT, buffer_slice(&body), &answer);
    s->acts++;
    return r;
}
