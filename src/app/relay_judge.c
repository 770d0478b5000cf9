#include "app/relay_judge.h"

#include "onboard/relay_diagnosis.h"

static const enum relay_stage stages[] = {
    [RELAY_REPLY_TO_MAIL] = RELAY_STAGE_MAIL,
    [RELAY_REPLY_TO_RCPT] = RELAY_STAGE_RCPT,
    [RELAY_REPLY_TO_DATA] = RELAY_STAGE_DATA,
};

static enum relay_reply meaning_of(enum relay_cause cause)
{
    switch (cause) {
    case RELAY_CAUSE_SENDING_LIMIT:
        return RELAY_REPLY_DAY_FULL;
    case RELAY_CAUSE_RATE:
        return RELAY_REPLY_SLOWER;
    case RELAY_CAUSE_NONE:
    case RELAY_CAUSE_TRANSIENT:
    case RELAY_CAUSE_REFUSED:
        return RELAY_REPLY_AS_IT_IS;
    default: /* signing in, the sender, or what the account may do at all */
        return RELAY_REPLY_ACCOUNT;
    }
}

/* What is wrong with the message alone is refused by MAIL, too: its size (RFC 1870 §6.1), or that
 * it needs SMTPUTF8 (RFC 6531 §3.5). */
static bool is_about_message(uint16_t code, struct slice text)
{
    return code == 552 || slice_find_slice(text, SLICE(" 5.3.4 ")) >= 0 ||
           slice_find_slice(text, SLICE(" 5.6.7 ")) >= 0;
}

enum relay_reply relay_judge_reply(struct slice host, enum relay_reply_to to, uint16_t code,
                                   struct slice text)
{
    const struct smtp_reply reply = {.code = code, .lines = &text, .line_count = 1};
    struct relay_diagnosis d = relay_diagnose(host, stages[to], &reply);
    enum relay_reply meaning = meaning_of(d.cause);

    if (meaning == RELAY_REPLY_AS_IT_IS && to == RELAY_REPLY_TO_MAIL &&
        !is_about_message(code, text))
        return RELAY_REPLY_ACCOUNT;
    return meaning;
}
