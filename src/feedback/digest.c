#include "feedback/digest.h"

#include "feedback/report_rules.h"
#include "site/contact.h"
#include "site/own_mail.h"
#include "site/suppression.h"
#include "site/volume.h"

#include <inttypes.h>
#include <time.h>

static const int64_t DAY_US = 86400 * (int64_t)1000000;
enum { FAULTS_MAX = 8, HOURS_A_DAY = 24, DATE_BYTES = 32 };

struct failure {
    struct slice fault;
    int64_t recipients;
};

/* What is to be told. */
struct digest {
    struct arena arena;
    const struct site *site;
    int64_t from_day, to_day; /* since 1970; both are within */
    struct volume *hours;     /* the newest first */
    size_t hour_count;
    struct volume sum;
    struct failure failures[FAULTS_MAX];
    size_t failure_count;
    int64_t suppressed;
};

static void digest_done(struct digest *d)
{
    arena_done(&d->arena);
}

static int read_failures(struct store *s, struct digest *d)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_FAILURE_SUMS);
    int r;

    query_bind_int(&q, d->site->id);
    query_bind_int(&q, d->from_day);
    while ((r = query_step(&q)) == 1 && d->failure_count < FAULTS_MAX)
        d->failures[d->failure_count++] =
            (struct failure){arena_copy(&d->arena, query_text(&q, 0)), query_int(&q, 1)};
    return r < 0 ? r : 0;
}

static void add_up(struct volume *sum, const struct volume *more)
{
    sum->accepted += more->accepted;
    sum->delivered += more->delivered;
    sum->bounced += more->bounced;
    sum->failed += more->failed;
    sum->complained += more->complained;
}

static int gather(struct store *s, struct digest *d)
{
    int r = volume_list(s, &d->arena, d->site->id, d->from_day * HOURS_A_DAY, &d->hours,
                        &d->hour_count);

    if (r == 0)
        r = read_failures(s, d);
    if (r == 0)
        r = suppression_count(s, d->site->id, &d->suppressed);
    for (size_t i = 0; r == 0 && i < d->hour_count; i++)
        add_up(&d->sum, &d->hours[i]);
    return r;
}

static const char *date_of(int64_t day, char text[static DATE_BYTES])
{
    time_t seconds = (time_t)(day * 86400);
    struct tm parts;

    gmtime_r(&seconds, &parts);
    strftime(text, DATE_BYTES, "%Y-%m-%d", &parts);
    return text;
}

/* --- in words --- */

/* What each group means, and what to do. */
static const struct {
    enum feedback_fault fault;
    const char *words;
} explanations[] = {
    {FEEDBACK_FAULT_RECIPIENT,
     "the address does not exist any more, or takes no mail.\n"
     "         Remove it from your lists. Letterhead does not write to most of these again."},
    {FEEDBACK_FAULT_RECEIVING_DOMAIN,
     "the recipient's mail provider had a fault, or refuses mail from here.\n"
     "         Usually there is nothing to do; if it stays so, tell the operators."},
    {FEEDBACK_FAULT_INFRASTRUCTURE,
     "something on our side was wrong. The operators see to it; tell them if it stays so."},
    {FEEDBACK_FAULT_SITE_SETUP,
     "something in the set-up of your domain is wrong.\n"
     "         Ask your IT staff to look at the DNS records; the operators know which."},
    {FEEDBACK_FAULT_CONTENT, "the message was taken for spam, or was too large.\n"
                             "         Look at its text, its links and its attachments."},
    {FEEDBACK_FAULT_NOBODY,
     "it could not be delivered in time, for reasons that pass by themselves, "
     "such as a full mailbox."},
};

static const char *explain(struct slice fault)
{
    for (size_t i = 0; i < ARRAY_LEN(explanations); i++)
        if (slice_equal(fault, slice_text(feedback_fault_name(explanations[i].fault))))
            return explanations[i].words;
    return "for another reason.";
}

static void write_reasons(const struct digest *d, struct buffer *text)
{
    if (d->failure_count)
        buffer_printf(text, "\nWhy mail came back or was not delivered:\n\n");
    for (size_t i = 0; i < d->failure_count; i++)
        buffer_printf(text, "%8" PRId64 " %s\n", d->failures[i].recipients,
                      explain(d->failures[i].fault));
}

static void write_advice(const struct digest *d, struct buffer *text)
{
    buffer_printf(text, "\nWhat to do next: ");
    if (d->sum.complained)
        buffer_printf(text, "people have reported your mail as unwanted. Write only to those who "
                            "have asked for it, and let them unsubscribe with one click. ");
    if (d->sum.bounced)
        buffer_printf(text, "Take the addresses that came back off your lists; the operators can "
                            "give you a list of them. ");
    if (!d->sum.complained && !d->sum.bounced)
        buffer_printf(text, "nothing. All is well.");
    buffer_printf(text, "\n");
}

static void write_text(const struct digest *d, struct buffer *text)
{
    char from[DATE_BYTES], to[DATE_BYTES];
    int64_t ended = d->sum.delivered + d->sum.bounced + d->sum.failed;

    buffer_printf(text, "Mail of %.*s from %s to %s\n\n", SLICE_ARG(d->site->name),
                  date_of(d->from_day, from), date_of(d->to_day, to));
    buffer_printf(text, "%8" PRId64 " recipients were written to.\n", d->sum.accepted);
    buffer_printf(text, "%8" PRId64 " of them have got it", d->sum.delivered);
    if (ended > 0 && d->sum.delivered >= 0)
        buffer_printf(text, " (%" PRId64 " of 100)", d->sum.delivered * 100 / ended);
    buffer_printf(text, ".\n%8" PRId64 " came back or were not delivered.\n",
                  d->sum.bounced + d->sum.failed);
    buffer_printf(text, "%8" PRId64 " were reported as unwanted (\"spam\").\n", d->sum.complained);
    write_reasons(d, text);
    buffer_printf(text,
                  "\n%" PRId64 " addresses are not written to any more, since their mail came back "
                  "or they complained.\n",
                  d->suppressed);
    write_advice(d, text);
}

/* --- as a table --- */

static void write_csv(const struct digest *d, struct buffer *csv)
{
    char text[DATE_BYTES];

    buffer_printf(csv, "day,recipients,delivered,bounced,failed,complaints\r\n");
    for (int64_t day = d->from_day; day <= d->to_day; day++) {
        struct volume sum = {.hour = 0};

        for (size_t i = 0; i < d->hour_count; i++)
            if (d->hours[i].hour / HOURS_A_DAY == day)
                add_up(&sum, &d->hours[i]);
        buffer_printf(csv, "%s,%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "\r\n",
                      date_of(day, text), sum.accepted, sum.delivered, sum.bounced, sum.failed,
                      sum.complained);
    }
}

int digest_write(struct store *s, const struct site *site, unsigned days, int64_t now_us,
                 struct buffer *text, struct buffer *csv)
{
    CLEANUP(digest_done)
    struct digest d = {
        .site = site, .from_day = now_us / DAY_US - (int64_t)days + 1, .to_day = now_us / DAY_US};
    int r = gather(s, &d);

    if (r < 0)
        return r;
    if (text)
        write_text(&d, text);
    if (csv)
        write_csv(&d, csv);
    return 0;
}

/* --- counting, and mail --- */

int digest_note_failure(struct store *s, uint64_t site_id, int64_t time_us, struct slice fault)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_FAILURE_NOTE);

    query_bind_int(&q, (int64_t)site_id);
    query_bind_int(&q, time_us / DAY_US);
    query_bind_text(&q, fault);
    return query_run(&q);
}

int digest_forget(struct store *s, int64_t before_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_FAILURE_FORGET);

    query_bind_int(&q, before_us / DAY_US);
    return query_run(&q);
}

int digest_set(struct store *s, int64_t site_id, unsigned days, int64_t now_us)
{
    CLEANUP(query_done)
    struct query q = store_query(s, days ? STORE_DIGEST_SET : STORE_DIGEST_REMOVE_ALL);

    query_bind_int(&q, site_id);
    if (days) {
        query_bind_int(&q, days);
        query_bind_int(&q, now_us + days * DAY_US);
    }
    return query_run(&q);
}

/* 1: this one is. */
static int find_due(struct store *s, int64_t now_us, int64_t *ret_site_id, unsigned *ret_days)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_DIGEST_DUE);
    int r;

    query_bind_int(&q, now_us);
    r = query_step(&q);
    if (r == 1) {
        *ret_site_id = query_int(&q, 0);
        *ret_days = (unsigned)query_int(&q, 1);
    }
    return r;
}

static int write_mail(struct store *s, struct arena *arena, const struct site *site, unsigned days,
                      int64_t now_us)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE, csv = BUFFER_NONE, to = BUFFER_NONE;
    struct own_mail mail = {.attachment_name = SLICE("mail.csv")};
    struct slice *contacts;
    size_t count;
    int r = site_contact_list(s, arena, site->id, &contacts, &count);

    if (r < 0 || count == 0)
        return r;
    for (size_t i = 0; i < count; i++)
        buffer_printf(&to, "%.*s\n", SLICE_ARG(contacts[i]));
    /* The day that has begun is told next time, when it is whole. */
    r = digest_write(s, site, days, now_us - DAY_US, &text, &csv);
    if (r < 0)
        return r;
    mail.recipients = buffer_slice(&to);
    mail.subject = arena_printf(arena, "What became of the mail of %.*s", SLICE_ARG(site->name));
    mail.text = buffer_slice(&text);
    mail.attachment = buffer_slice(&csv);
    return own_mail_add(s, &mail, now_us);
}

int digest_mail_next(struct store *s, int64_t now_us)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    struct site site;
    int64_t site_id = 0;
    unsigned days = 0;
    int r = find_due(s, now_us, &site_id, &days);

    if (r < 1)
        return r;
    r = store_transaction_begin(s, &all);
    if (r == 0)
        r = site_find_by_id(s, &arena, site_id, &site);
    if (r == 0)
        r = write_mail(s, &arena, &site, days, now_us);
    if (r == 0)
        r = digest_set(s, site_id, days, now_us);
    if (r == 0)
        r = store_transaction_commit(&all);
    return r < 0 ? r : 1;
}
