#include "wire/tls_session.h"

enum { NAME_BYTES = 255, ADDRESS_BYTES = 45 };

static const char *const policy_names[] = {
    [WIRE_TLS_NO_POLICY] = "no-policy-found",
    [WIRE_TLS_STS] = "sts",
    [WIRE_TLS_TLSA] = "tlsa",
};

static const char *const result_names[] = {
    [WIRE_TLS_STARTTLS_NOT_SUPPORTED] = "starttls-not-supported",
    [WIRE_TLS_CERTIFICATE_HOST_MISMATCH] = "certificate-host-mismatch",
    [WIRE_TLS_CERTIFICATE_EXPIRED] = "certificate-expired",
    [WIRE_TLS_CERTIFICATE_NOT_TRUSTED] = "certificate-not-trusted",
    [WIRE_TLS_VALIDATION_FAILURE] = "validation-failure",
    [WIRE_TLS_TLSA_INVALID] = "tlsa-invalid",
    [WIRE_TLS_DNSSEC_INVALID] = "dnssec-invalid",
    [WIRE_TLS_DANE_REQUIRED] = "dane-required",
    [WIRE_TLS_STS_POLICY_FETCH_ERROR] = "sts-policy-fetch-error",
    [WIRE_TLS_STS_POLICY_INVALID] = "sts-policy-invalid",
    [WIRE_TLS_STS_WEBPKI_INVALID] = "sts-webpki-invalid",
};

static bool is_policy(unsigned policy)
{
    return policy >= WIRE_TLS_NO_POLICY && policy < ARRAY_LEN(policy_names);
}

const char *wire_tls_policy_name(enum wire_tls_policy policy)
{
    assert(is_policy(policy));
    return policy_names[policy];
}

const char *wire_tls_result_name(enum wire_tls_result result)
{
    assert(result > WIRE_TLS_SUCCESS && result < ARRAY_LEN(result_names));
    return result_names[result];
}

/* u8 size, then the text. */
static void add_text(struct buffer *out, struct slice text, size_t max)
{
    text = slice_part(text, 0, max);
    buffer_add_u8(out, (uint8_t)text.size);
    buffer_add(out, text);
}

static struct slice read_text(struct cursor *c)
{
    size_t size = cursor_u8(c);

    return cursor_bytes(c, size);
}

/* Cut so that no character is left half. */
static struct slice cut_reason(struct slice reason)
{
    struct slice cut = slice_part(reason, 0, WIRE_TLS_REASON_BYTES);

    while (cut.size < reason.size && cut.size && ((unsigned char)reason.data[cut.size] >> 6) == 2)
        cut.size--;
    return cut;
}

void wire_tls_session_write(struct buffer *out, const struct wire_tls_session *session)
{
    size_t before = out->size;

    assert(is_policy(session->policy) && session->result < ARRAY_LEN(result_names));
    buffer_add_u8(out, (uint8_t)session->policy);
    buffer_add_u8(out, (uint8_t)session->result);
    add_text(out, session->domain, NAME_BYTES);
    add_text(out, session->mx_host, NAME_BYTES);
    add_text(out, session->sending_ip, ADDRESS_BYTES);
    add_text(out, session->receiving_ip, ADDRESS_BYTES);
    add_text(out, cut_reason(session->reason), WIRE_TLS_REASON_BYTES);
    if (out->size > WIRE_TLS_SESSIONS_BYTES)
        out->size = before;
}

bool wire_tls_session_read(struct slice *sessions, struct wire_tls_session *ret)
{
    struct cursor c = cursor_of(*sessions);
    unsigned policy = cursor_u8(&c), result = cursor_u8(&c);
    struct wire_tls_session session = {
        .policy = (enum wire_tls_policy)policy,
        .result = (enum wire_tls_result)result,
    };

    session.domain = read_text(&c);
    session.mx_host = read_text(&c);
    session.sending_ip = read_text(&c);
    session.receiving_ip = read_text(&c);
    session.reason = read_text(&c);
    if (c.failed || !is_policy(policy) || result >= ARRAY_LEN(result_names))
        return false;
    *sessions = c.rest;
    *ret = session;
    return true;
}
