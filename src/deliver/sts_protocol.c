#include "deliver/sts_protocol.h"

#include "wire/dns_text.h"

static bool id_valid(struct slice id)
{
    for (size_t i = 0; i < id.size; i++) {
        char c = id.data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            return false;
    }
    return id.size <= WIRE_MTA_STS_ID_BYTES;
}

void sts_question_write(struct buffer *body, const struct sts_question *question)
{
    buffer_add_sized(body, question->domain);
    buffer_add_sized(body, question->id);
}

int sts_question_read(struct slice body, struct sts_question *ret)
{
    struct cursor c = cursor_of(body);
    struct sts_question question = {.domain = SLICE_NONE};

    question.domain = cursor_sized(&c);
    question.id = cursor_sized(&c);
    if (cursor_done(&c) < 0 || !wire_dns_host_valid(question.domain) || !id_valid(question.id))
        return -EBADMSG;
    *ret = question;
    return 0;
}

static void policy_write(struct buffer *body, const struct wire_mta_sts_policy *policy)
{
    assert(policy->mode == WIRE_MTA_STS_TESTING || policy->mode == WIRE_MTA_STS_ENFORCE);
    assert(policy->pattern_count > 0 && policy->pattern_count <= LIMIT_STS_PATTERNS);
    buffer_add_u8(body, (uint8_t)policy->mode);
    buffer_add_u32(body, policy->max_age_s);
    buffer_add_u16(body, (uint16_t)policy->pattern_count);
    for (size_t i = 0; i < policy->pattern_count; i++)
        buffer_add_sized(body, policy->patterns[i]);
}

static int policy_read(struct cursor *c, struct wire_mta_sts_policy *ret)
{
    unsigned mode = cursor_u8(c);
    uint32_t max_age_s = cursor_u32(c);
    size_t count = cursor_u16(c);

    if (c->failed || (mode != WIRE_MTA_STS_TESTING && mode != WIRE_MTA_STS_ENFORCE) || count == 0 ||
        count > LIMIT_STS_PATTERNS || max_age_s > WIRE_MTA_STS_MAX_AGE_S)
        return -EBADMSG;
    ret->mode = (enum wire_mta_sts_mode)mode;
    ret->max_age_s = max_age_s;
    ret->pattern_count = count;
    for (size_t i = 0; i < count; i++) {
        ret->patterns[i] = cursor_sized(c);
        if (!wire_mta_sts_pattern_valid(ret->patterns[i]))
            return -EBADMSG;
    }
    return 0;
}

void sts_answer_write(struct buffer *body, const struct sts_answer *answer)
{
    buffer_add_u8(body, (uint8_t)answer->state);
    buffer_add_u32(body, answer->lifetime_s);
    buffer_add_u8(body, (uint8_t)answer->failure);
    buffer_add_sized(body, slice_part(answer->why, 0, WIRE_TLS_REASON_BYTES));
    buffer_add_sized(body, answer->id);
    if (answer->state == STS_POLICY)
        policy_write(body, &answer->policy);
}

/* Failures are told where there are any, and only those of fetching. */
static bool failure_valid(const struct sts_answer *answer)
{
    bool failed = answer->failure >= WIRE_TLS_STS_POLICY_FETCH_ERROR &&
                  answer->failure <= WIRE_TLS_STS_WEBPKI_INVALID;

    if (answer->state == STS_FAILED)
        return failed;
    if (answer->state == STS_POLICY)
        return failed || answer->failure == WIRE_TLS_SUCCESS;
    return answer->state == STS_NO_POLICY && answer->failure == WIRE_TLS_SUCCESS;
}

int sts_answer_read(struct slice body, struct sts_answer *ret)
{
    struct cursor c = cursor_of(body);
    struct sts_answer answer = {.state = STS_NO_POLICY};

    answer.state = (enum sts_state)cursor_u8(&c);
    answer.lifetime_s = cursor_u32(&c);
    answer.failure = (enum wire_tls_result)cursor_u8(&c);
    answer.why = cursor_sized(&c);
    answer.id = cursor_sized(&c);
    if (c.failed || !failure_valid(&answer) || !id_valid(answer.id) ||
        answer.why.size > WIRE_TLS_REASON_BYTES)
        return -EBADMSG;
    if (answer.state == STS_POLICY && policy_read(&c, &answer.policy) < 0)
        return -EBADMSG;
    if (cursor_done(&c) < 0)
        return -EBADMSG;
    *ret = answer;
    return 0;
}
