#include "feedback/own_mail_sender.h"

#include "base/log.h"
#include "feedback/digest.h"
#include "feedback/notice_mail.h"
#include "queue/remote.h"
#include "runtime/world.h"
#include "site/notice.h"
#include "site/own_mail.h"
#include "site/site.h"
#include "submit/compose.h"
#include "submit/remote.h"
#include "wire/ipc.h"

enum {
    ROUND_S = 2,
    GATEWAY_S = 30,     /* for a gateway's word */
    DOUBT_S = 4,        /* before it is looked again whether a gateway had taken it */
    FIRST_DELAY_S = 60, /* before a mail that was refused is tried again; doubles */
    LAST_DELAY_S = 7200,
    LIFETIME_S = 7 * 86400,
    KEEP_S = 90 * 86400, /* what has ended, for people who look */
    RECIPIENTS_MAX = 100,
};

/* One mail on its way; in an arena. */
struct handing {
    struct own_mail_sender *sender;
    struct arena *arena;
    struct own_mail mail;
    struct message_id id;
    struct site site;
    struct compose_fields fields;
    struct address to[RECIPIENTS_MAX];
    struct queue_recipient recipients[RECIPIENTS_MAX];
};

static int64_t delay_us(unsigned attempts)
{
    int64_t seconds = FIRST_DELAY_S;

    while (attempts-- > 1 && seconds < LAST_DELAY_S)
        seconds *= 2;
    return (seconds < LAST_DELAY_S ? seconds : LAST_DELAY_S) * (int64_t)SECOND_US;
}

/* Nobody has taken it, for the reason given: later, or after a week never. */
static int postpone(struct task *t, struct handing *h, struct slice why)
{
    int64_t now_us = task_wall_us(t);
    struct own_mail *mail = &h->mail;

    mail->message_id = SLICE_NONE;
    log_warning("own mail \"%.*s\" was not taken: %.*s", SLICE_ARG(mail->subject), SLICE_ARG(why));
    if (now_us - mail->created_us > LIFETIME_S * (int64_t)SECOND_US)
        return own_mail_end(h->sender->store, mail->id, SLICE("dropped"), now_us, why);
    return own_mail_postpone(h->sender->store, mail, now_us + delay_us(mail->attempts), why);
}

/* It may have been taken: that has to be found out first. */
static int look_again(struct task *t, struct handing *h, struct slice why)
{
    return own_mail_postpone(h->sender->store, &h->mail,
                             task_wall_us(t) + DOUBT_S * (int64_t)SECOND_US, why);
}

static int note_sent(struct task *t, struct handing *h)
{
    return own_mail_end(h->sender->store, h->mail.id, SLICE("sent"), task_wall_us(t), SLICE_NONE);
}

/* --- whether it was taken --- */

static const struct peer_member *find_gateway(const struct peer_group *group, unsigned number)
{
    for (size_t i = 0; i < group->count; i++)
        if (group->members[i].number == number && !group->members[i].gone)
            return &group->members[i];
    return NULL;
}

/* Whether all that happened at the gateway until now is in the history. */
static int has_told_all(struct task *t, const struct peer_member *gateway, bool *ret)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, GATEWAY_S * SECOND_US);
    CLEANUP(buffer_done) struct buffer reply = BUFFER_NONE;
    struct queue_status status;
    struct cursor c;
    int r = peer_call(t, gateway->peer, IPC_GATEWAY_STATUS, SLICE_NONE, &reply);

    if (r < 0)
        return r;
    c = cursor_of(buffer_slice(&reply));
    r = queue_status_read(&c, &status);
    if (r == 0)
        *ret = status.events_acknowledged + 1 >= status.events_next;
    return r;
}

static int is_known(struct task *t, struct handing *h)
{
    struct timeline line;
    int r = history_message(t, h->sender->history, h->arena, &h->id, &line);

    return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

/* 1: it was taken; 0: not, or it does no harm to hand it over again to the same gateway; -EAGAIN:
 * that cannot be said yet. A gateway that is no more has told all. */
static int was_taken(struct task *t, struct handing *h)
{
    const struct peer_member *gateway = find_gateway(h->sender->gateways, h->mail.gateway);
    bool all = true;
    int r = gateway ? has_told_all(t, gateway, &all) : 0;

    if (r == -ECANCELED)
        return r;
    if (r < 0 || !all)
        return -EAGAIN;
    if (!gateway)
        h->mail.gateway = 0;
    return is_known(t, h);
}

/* --- handing over --- */

static int read_recipients(struct handing *h, const char **ret_why)
{
    struct slice rest = h->mail.recipients, line;
    struct wire_error error;
    bool more = true;

    while (more && h->fields.to_count < RECIPIENTS_MAX) {
        struct address *address = &h->to[h->fields.to_count];

        more = slice_cut(&rest, '\n', &line);
        if (line.size == 0)
            continue;
        *ret_why = "an address is not one";
        if (wire_address_parse(h->arena, line, 0, address, &error) < 0)
            return -EINVAL;
        h->recipients[h->fields.to_count++] = (struct queue_recipient){
            .address = wire_address_text(h->arena, address), .domain = address->domain};
    }
    return 0;
}

static int prepare(struct handing *h, struct buffer *message, const char **ret_why)
{
    struct own_mail_sender *sender = h->sender;
    struct wire_error error;
    int r;

    h->fields = (struct compose_fields){.from_name = SLICE("Letterhead"),
                                        .to = h->to,
                                        .subject = h->mail.subject,
                                        .text = h->mail.text,
                                        .attachment_name = h->mail.attachment_name,
                                        .attachment = h->mail.attachment};
    *ret_why = "there is no site of the name that notices.site has";
    r = site_find(sender->store, h->arena, sender->site, &h->site);
    if (r < 0)
        return r;
    *ret_why = "notices.from is not an address";
    if (wire_address_parse(h->arena, sender->from, 0, &h->fields.from, &error) < 0)
        return -EINVAL;
    r = read_recipients(h, ret_why);
    return r < 0 ? r : compose_message(&h->fields, message, ret_why);
}

/* Under a new id, to the gateway whose turn it is; written down before anything is said. */
static int entrust(struct task *t, struct handing *h)
{
    char text[MESSAGE_ID_LENGTH + 1];
    const struct peer_member *gateway;
    uint8_t random[16];

    if (h->mail.message_id.size == 0) {
        world_random(task_world(t), random, sizeof random);
        h->id = message_id_make((uint64_t)(task_wall_us(t) / 1000), random);
        h->mail.gateway = 0;
    }
    if (h->mail.gateway == 0) {
        gateway = peer_group_next(h->sender->gateways);
        if (!gateway)
            return -EAGAIN;
        h->mail.gateway = gateway->number;
    }
    message_id_format(&h->id, text);
    h->mail.message_id = arena_copy(h->arena, slice_text(text));
    h->mail.attempts++;
    return own_mail_entrust(h->sender->store, h->mail.id, h->mail.message_id, h->mail.gateway);
}

static int submit(struct task *t, struct handing *h, const struct buffer *message,
                  struct wire_reply *ret_reply)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, GATEWAY_S * SECOND_US);
    const struct submit_request request = {
        .id = h->id,
        .gateway = h->mail.gateway,
        .site_id = (uint64_t)h->site.id,
        .envelope = {.from = h->fields.from,
                     .recipients = h->recipients,
                     .recipient_count = h->fields.to_count},
        .content = buffer_slice(message),
    };

    return submit_remote_send(t, h->sender->gateways, h->arena, &request, ret_reply);
}

static int hand_over(struct task *t, struct handing *h)
{
    CLEANUP(buffer_done) struct buffer message = BUFFER_NONE;
    struct wire_reply reply;
    const char *why = "";
    int r = prepare(h, &message, &why);

    if (r < 0)
        return postpone(t, h, slice_text(why));
    r = entrust(t, h);
    if (r == -EAGAIN)
        return postpone(t, h, SLICE("no gateway is there"));
    if (r == 0)
        r = submit(t, h, &message, &reply);
    if (r == -ECANCELED)
        return r;
    if (r < 0)
        return look_again(t, h, arena_printf(h->arena, "no answer: %s", strerror(-r)));
    if (reply.code == 250)
        return note_sent(t, h);
    return postpone(t, h,
                    arena_printf(h->arena, "%u %s %s", reply.code,
                                 reply.enhanced ? reply.enhanced : "", reply.text));
}

/* One that was handed over before is handed over again only when nobody has taken it. */
static int send(struct task *t, struct handing *h)
{
    int r = 0;

    if (h->mail.message_id.size) {
        r = message_id_parse(h->mail.message_id, &h->id);
        if (r == 0)
            r = was_taken(t, h);
    }
    if (r == -EAGAIN)
        return look_again(t, h, h->mail.why);
    if (r < 0)
        return r;
    return r == 1 ? note_sent(t, h) : hand_over(t, h);
}

static int send_next(struct task *t, struct own_mail_sender *sender)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct handing *h = ARENA_NEW(&arena, struct handing);
    int r = own_mail_next(sender->store, &arena, task_wall_us(t), &h->mail);

    if (r < 0)
        return r;
    h->sender = sender;
    h->arena = &arena;
    return send(t, h);
}

int own_mail_sender_round(struct task *t, struct own_mail_sender *sender)
{
    int r = 1;

    while (r == 1)
        r = notice_mail_next(sender, task_wall_us(t));
    if (r == 0 && sender->site.size)
        r = 1;
    while (r == 1)
        r = digest_mail_next(sender->store, task_wall_us(t));
    while (r == 0 && sender->site.size)
        r = send_next(t, sender);
    return r == -ENOENT ? 0 : r;
}

static int forget_old(struct task *t, struct own_mail_sender *sender)
{
    int64_t before_us = task_wall_us(t) - KEEP_S * (int64_t)SECOND_US;
    int r = notice_forget(sender->store, before_us);

    if (r == 0)
        r = digest_forget(sender->store, before_us);
    return r < 0 ? r : own_mail_forget(sender->store, before_us);
}

int own_mail_sender_run(struct task *t, struct own_mail_sender *sender)
{
    int r = 0;

    while (r != -ECANCELED) {
        r = own_mail_sender_round(t, sender);
        if (r == 0)
            r = forget_old(t, sender);
        if (r < 0 && r != -ECANCELED)
            log_error("notices could not be told: %s", store_error(sender->store));
        if (r != -ECANCELED)
            r = task_sleep(t, ROUND_S * SECOND_US);
    }
    return r;
}
