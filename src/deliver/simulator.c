#include "deliver/simulator.h"

#define PREFIX "simulator."

static const struct {
    const char *mailbox;
    enum queue_result result;
    uint16_t reply_code;
    uint8_t enhanced[3];
    const char *text;
    enum queue_event_type then;
    const char *then_text;
} mailboxes[] = {
    {"success", QUEUE_DELIVERED, 250, {2, 1, 5}, "250 2.1.5 Ok", 0, ""},
    {"bounce", QUEUE_BOUNCED, 550, {5, 1, 1}, "550 5.1.1 User unknown", 0, ""},
    {"complaint", QUEUE_DELIVERED, 250, {2, 1, 5}, "250 2.1.5 Ok", QUEUE_EVENT_COMPLAINED, "abuse"},
    {"ooto",
     QUEUE_DELIVERED,
     250,
     {2, 1, 5},
     "250 2.1.5 Ok",
     QUEUE_EVENT_ANSWERED,
     "I am out of the office"},
    {"suppressionlist", QUEUE_SUPPRESSED, 0, {0, 0, 0}, QUEUE_SUPPRESSED_TEXT, 0, ""},
};

bool simulator_is_domain(struct slice bounce_domain, struct slice domain)
{
    return bounce_domain.size && slice_starts(domain, SLICE(PREFIX)) &&
           slice_equal(slice_part(domain, sizeof PREFIX - 1, domain.size), bounce_domain);
}

/* What stands before a label, or before the domain. */
static struct slice mailbox_of(struct slice address)
{
    struct slice local = slice_part(address, 0, (size_t)slice_find_last(address, '@'));
    ssize_t plus = slice_find(local, '+');

    return plus < 0 ? local : slice_part(local, 0, (size_t)plus);
}

struct queue_outcome simulator_answer(struct slice address)
{
    struct slice mailbox = mailbox_of(address);

    for (size_t i = 0; i < ARRAY_LEN(mailboxes); i++)
        if (slice_equal_nocase(mailbox, slice_text(mailboxes[i].mailbox))) {
            struct queue_outcome outcome = {
                .result = mailboxes[i].result,
                .simulated = true,
                .reply_code = mailboxes[i].reply_code,
                .text = slice_text(mailboxes[i].text),
                .remote = SLICE("mailbox simulator"),
                .then = mailboxes[i].then,
                .then_text = slice_text(mailboxes[i].then_text),
            };

            memcpy(outcome.enhanced, mailboxes[i].enhanced, sizeof outcome.enhanced);
            return outcome;
        }
    return (struct queue_outcome){
        .result = QUEUE_BOUNCED,
        .simulated = true,
        .reply_code = 550,
        .enhanced = {5, 1, 1},
        .text = SLICE("550 5.1.1 The mailboxes here are success, bounce, complaint, ooto and "
                      "suppressionlist"),
        .remote = SLICE("mailbox simulator"),
    };
}
