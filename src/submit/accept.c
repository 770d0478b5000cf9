#include "submit/accept.h"

#include "runtime/world.h"
#include "submit/class.h"
#include "submit/policy.h"
#include "submit/quota.h"
#include "submit/rewrite.h"
#include "submit/trace.h"
#include "wire/dkim_hash.h"

/* Room for what may be added to the header, so that adding it does not move the content. */
enum { HEADROOM_BYTES = 1024, RESERVE_BYTES = 7 * 1024, RESERVE_BYTES_MAX = 63 * 1024 };

/* A disk that takes longer is broken; clients wait ten minutes (RFC 5321 §4.5.3.2.6). What was
 * stored all the same is then sent twice. */
static const uint64_t QUEUE_TIMEOUT_US = 300 * SECOND_US;

static const struct wire_reply NOT_READY = {
    451, "4.3.2", "The list of sites is not loaded yet; try again in a moment"};
static const struct wire_reply UNKNOWN = {530, "5.7.0",
                                          "This login is not valid any more; authenticate again"};
static const struct wire_reply PAUSED = {
    451, "4.7.1", "Sending is paused for this site; it goes on when the operator resumes it"};
static const struct wire_reply HELD = {
    451, "4.7.1",
    "Sending is paused for this site: too much of its mail came back, or was complained of; "
    "letterhead reputation tells how it stands"};
static const struct wire_reply CLOSED = {
    451, "4.3.0", "Mail is not accepted at present; the operator has been told"};
static const struct wire_reply NO_SPACE = {452, "4.3.1", "The queue is full; try again later"};

/* As Amazon SES has it, which applications look for. */
static const struct wire_reply NO_MAIL_FROM = {
    554, "5.7.1",
    "MAIL FROM domain not verified: DNS setup for MAIL FROM domain is invalid.\n"
    "The operator of this service sees what is wrong with it"};

/* The sender's site as it is now; NULL when it is gone or the credential is not its own any
 * more. */
static const struct directory_site *find_site(const struct submit_service *service,
                                              const struct submit_sender *sender)
{
    const struct directory_credential *credential;
    const struct directory_site *site;

    if (!sender->access_key_id.size)
        return directory_site_by_id(service->options.directory, sender->site_id);
    site = directory_site_by_credential(service->options.directory, sender->access_key_id,
                                        &credential);
    return site && site->id == sender->site_id ? site : NULL;
}

static uint64_t find_credential_id(const struct submit_service *service,
                                   const struct submit_sender *sender)
{
    const struct directory_credential *credential = NULL;

    if (!sender->access_key_id.size)
        return 0;
    (void)directory_site_by_credential(service->options.directory, sender->access_key_id,
                                       &credential);
    return credential ? credential->id : 0;
}

/* RFC 5321 §4.2.3: 452 for want of storage, 451 for an error of ours. */
static const struct wire_reply *refuse_room(int result)
{
    if (result == -ENOSPC)
        return &NO_SPACE;
    return result ? &CLOSED : NULL;
}

const struct wire_reply *submit_sender_check(const struct submit_service *service,
                                             const struct submit_sender *sender)
{
    const struct directory_site *site;

    if (!directory_ready(service->options.directory))
        return &NOT_READY;
    site = find_site(service, sender);
    if (!site)
        return &UNKNOWN;
    if (site->state != SITE_ACTIVE)
        return &PAUSED;
    if (site->quota.held)
        return &HELD;
    return refuse_room(queue_room(service->options.queue));
}

static struct message_id make_id(struct task *t)
{
    int64_t now_us = task_wall_us(t);
    uint8_t random[16];

    world_random(task_world(t), random, sizeof(random));
    return message_id_make(now_us > 0 ? (uint64_t)now_us / 1000 : 0, random);
}

/* Most messages fit the first reservation; what a client declares is believed up to a bound. */
static size_t first_size(uint64_t size_hint)
{
    if (size_hint > RESERVE_BYTES_MAX)
        size_hint = RESERVE_BYTES_MAX;
    if (size_hint < RESERVE_BYTES)
        size_hint = RESERVE_BYTES;
    return (size_t)size_hint + HEADROOM_BYTES;
}

int submit_content_begin_as(struct task *t, struct submit_service *service,
                            const struct submit_sender *sender, const struct message_id *id,
                            uint64_t size_hint, struct submit_content *ret)
{
    struct submit_content content = {.id = *id, .draw = {.budget = &service->budget}};
    struct submit_trace trace = {.hello = sender->hello,
                                 .address = sender->address,
                                 .host_name = service->options.host_name,
                                 .protocol = sender->protocol,
                                 .id = *id,
                                 .time_s = task_wall_us(t) / 1000000};
    int r;

    r = submit_budget_reserve(&content.draw, &content.bytes, first_size(size_hint));
    if (r)
        return r;
    submit_trace_write(&trace, &content.bytes);
    content.trace_size = content.bytes.size;
    *ret = content;
    return 0;
}

int submit_content_begin(struct task *t, struct submit_service *service,
                         const struct submit_sender *sender, uint64_t size_hint,
                         struct submit_content *ret)
{
    struct message_id id = make_id(t);

    return submit_content_begin_as(t, service, sender, &id, size_hint, ret);
}

void submit_content_done(struct submit_content *content)
{
    submit_budget_return(&content->draw);
    buffer_done(&content->bytes);
}

/* What is being put together while a message is accepted. */
struct acceptance {
    struct submit_service *service;
    struct arena *arena;
    const struct submit_sender *sender;
    const struct submit_envelope *envelope;
    struct submit_content *content;
    const struct directory_site *site; /* not past a suspension */
    struct wire_header header;         /* not past the rewriting */
    struct wire_from from;
    bool bulk;
    struct wire_reply refusal;
};

static bool refuse(struct acceptance *a, uint16_t code, const char *enhanced, const char *text)
{
    a->refusal = (struct wire_reply){code, enhanced, text};
    return false;
}

static bool refuse_place(struct acceptance *a, uint16_t code, const char *enhanced,
                         const struct wire_error *error)
{
    return refuse(a, code, enhanced,
                  arena_printf(a->arena, "%s (at byte %zu)", error->what, error->offset).data);
}

static bool check_sender(struct acceptance *a)
{
    const struct wire_reply *refusal = submit_sender_check(a->service, a->sender);

    if (refusal) {
        a->refusal = *refusal;
        return false;
    }
    a->site = find_site(a->service, a->sender);
    if (a->site->mail_from_reject && !a->site->mail_from_good) {
        a->refusal = NO_MAIL_FROM;
        return false;
    }
    return true;
}

/* Only what the client sent is scanned: a continuation in its first line must not join our
 * trace. */
static bool scan(struct acceptance *a)
{
    struct slice message = slice_part(buffer_slice(&a->content->bytes), a->content->trace_size,
                                      a->content->bytes.size);
    struct wire_error error;
    int r = wire_header_scan(a->arena, message, &a->header, &error);

    if (r == -ELOOP)
        return refuse(a, 554, "5.4.6", "Mail loop: the message has too many Received fields");
    if (r == -EMSGSIZE)
        return refuse_place(a, 552, "5.3.4", &error);
    if (r)
        return refuse_place(a, 554, "5.6.0", &error);
    return true;
}

/* A header in UTF-8 reaches only servers with SMTPUTF8 (RFC 6531 §3.2): the client must know that
 * and ask for it; otherwise it has to encode (RFC 2047). */
static bool check_charset(struct acceptance *a)
{
    const char *repeated;

    if (a->header.eightbit && !a->envelope->smtputf8)
        return refuse(a, 554, "5.6.7",
                      "The header has 8-bit text: encode it (RFC 2047), or ask for SMTPUTF8");
    if (a->header.eightbit && !slice_is_utf8(a->header.text))
        return refuse(a, 554, "5.6.7", "The header has 8-bit text that is not UTF-8");
    repeated = submit_rewrite_repeated(&a->header);
    if (repeated)
        return refuse(
            a, 554, "5.6.0",
            arena_printf(a->arena, "Transaction failed: Duplicate header '%s'", repeated).data);
    return true;
}

static bool judge_class(struct acceptance *a)
{
    const char *problem;

    if (submit_class_judge(&a->header, a->envelope->recipient_count, &a->bulk, &problem))
        return true;
    return refuse(a, 554, "5.6.0", problem);
}

static bool judge_from(struct acceptance *a)
{
    wire_from_judge(a->arena, &a->header, &a->from);
    if (a->from.verdict != WIRE_FROM_OK)
        return refuse(a, 554, "5.6.0", wire_from_sentence(a->from.verdict));
    return submit_policy_judge(a->arena, a->site, &a->from, &a->envelope->from,
                               a->service->options.region, &a->refusal);
}

static bool judge(struct acceptance *a)
{
    return check_sender(a) && scan(a) && check_charset(a) && judge_class(a) && judge_from(a);
}

bool submit_quota_check(struct task *t, struct submit_service *service, struct arena *arena,
                        const struct submit_sender *sender, struct wire_reply *ret_refusal)
{
    const struct directory_site *site = find_site(service, sender);

    return !site || submit_quota_allows(t, service, arena, site, ret_refusal);
}

/* The last judgement, since what it takes is used up. */
static bool take_quota(struct task *t, struct acceptance *a)
{
    return submit_quota_take(t, a->service, a->arena, a->site, a->envelope->recipient_count,
                             &a->refusal);
}

static struct slice subject_of(struct acceptance *a)
{
    const struct wire_field *field = wire_header_find(&a->header, SLICE("Subject"), NULL);

    if (!field)
        return SLICE_NONE;
    return arena_copy(a->arena, slice_part(slice_trim(field->value), 0, QUEUE_SUBJECT_BYTES));
}

static bool needs_smtputf8(const struct acceptance *a)
{
    if (a->header.eightbit || a->envelope->from.needs_smtputf8)
        return true;
    for (size_t i = 0; i < a->envelope->recipient_count; i++) {
        if (!slice_is_ascii(a->envelope->recipients[i].address))
            return true;
    }
    return false;
}

/* RFC 8689 §5: "TLS-Required: No" wants the message to arrive, if need be in clear. */
static bool relaxes_tls(const struct acceptance *a)
{
    const struct wire_field *field = wire_header_find(&a->header, SLICE("TLS-Required"), NULL);

    return field && slice_equal_nocase(slice_trim(field->value), SLICE("no"));
}

/* All that the queue is told, but the content, which rewriting changes. */
static struct queue_submission describe(struct acceptance *a)
{
    const struct submit_envelope *envelope = a->envelope;

    return (struct queue_submission){
        .id = a->content->id,
        .site_id = a->site->id,
        .credential_id = find_credential_id(a->service, a->sender),
        .from_domain = a->from.from.address.domain,
        .header_from = wire_address_text(a->arena, &a->from.from.address),
        .envelope_from = wire_address_text(a->arena, &envelope->from),
        .subject = subject_of(a),
        .envid = envelope->envid,
        .ret = envelope->ret,
        .smtputf8 = needs_smtputf8(a),
        .bulk = a->bulk,
        .tls_required = envelope->requiretls,
        .tls_relaxed = !envelope->requiretls && relaxes_tls(a),
        .recipients = envelope->recipients,
        .recipient_count = envelope->recipient_count,
    };
}

static void put_right(struct task *t, struct acceptance *a, struct queue_submission *submission)
{
    struct buffer *bytes = &a->content->bytes;
    struct submit_rewrite rewrite = {.host_name = a->service->options.host_name,
                                     .id = a->content->id,
                                     .time_s = task_wall_us(t) / 1000000,
                                     .trace_size = a->content->trace_size};

    submission->header_size = (uint32_t)submit_rewrite_header(&rewrite, &a->header, bytes);
    submission->eight_bit = !slice_is_ascii(buffer_slice(bytes));
    wire_dkim_body_hash(slice_part(buffer_slice(bytes), submission->header_size, bytes->size),
                        submission->body_hash);
    submission->content = *bytes;
    *bytes = BUFFER_NONE;
}

/* What the queue said, as a reply. */
static struct wire_reply reply_of(struct acceptance *a, int result)
{
    const struct wire_reply *refusal = refuse_room(result);
    char id[MESSAGE_ID_LENGTH + 1];

    if (refusal)
        return *refusal;
    message_id_format(&a->content->id, id);
    return (struct wire_reply){250, NULL, arena_printf(a->arena, "Ok %s", id).data};
}

static void count(struct submit_counters *counters, uint16_t code)
{
    if (code < 300)
        counters->messages_accepted++;
    else if (code < 500)
        counters->messages_deferred++;
    else
        counters->messages_refused++;
}

static int hand_over(struct task *t, struct acceptance *a, struct wire_reply *ret_reply)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, QUEUE_TIMEOUT_US);
    struct queue_submission submission = describe(a);
    int r;

    put_right(t, a, &submission);
    r = queue_accept(t, a->service->options.queue, &submission);
    buffer_done(&submission.content);
    if (r == -ECANCELED)
        return r;
    *ret_reply = reply_of(a, r);
    return 0;
}

int submit_accept(struct task *t, struct submit_service *service, struct arena *arena,
                  const struct submit_sender *sender, const struct submit_envelope *envelope,
                  struct submit_content *content, struct wire_reply *ret_reply)
{
    struct acceptance a = {.service = service,
                           .arena = arena,
                           .sender = sender,
                           .envelope = envelope,
                           .content = content};
    uint64_t site_id;
    struct wire_reply reply;
    int r;

    if (judge(&a) && take_quota(t, &a)) {
        site_id = a.site->id;
        r = hand_over(t, &a, &reply);
        if (r || reply.code >= 300)
            submit_quota_return(t, service, site_id, envelope->recipient_count);
        if (r)
            return r;
    } else {
        reply = a.refusal;
    }
    count(&service->counters, reply.code);
    *ret_reply = reply;
    return 0;
}
