#include "wire/dkim_signature.h"

/* RFC 6376 §3.5: t= and x= have at most 12 digits. */
static const uint64_t TIME_MAX_S = 999999999999;

static bool take(const struct wire_tag_list *tags, const char *name, struct slice *ret_value)
{
    const struct slice *value = wire_tag_list_find(tags, name);

    if (!value || value->size == 0)
        return false;
    *ret_value = *value;
    return true;
}

/* A number of at most `max`, or -1 when the tag is not there. */
static bool take_number(const struct wire_tag_list *tags, const char *name, uint64_t max,
                        int64_t *ret_number)
{
    const struct slice *value = wire_tag_list_find(tags, name);
    uint64_t number;

    if (!value) {
        *ret_number = -1;
        return true;
    }
    if (slice_to_u64(*value, max, &number) < 0)
        return false;
    *ret_number = (int64_t)number;
    return true;
}

static bool canon_parse(struct slice word, enum wire_canon *ret_mode)
{
    if (slice_equal(word, SLICE("simple")))
        *ret_mode = WIRE_CANON_SIMPLE;
    else if (slice_equal(word, SLICE("relaxed")))
        *ret_mode = WIRE_CANON_RELAXED;
    else
        return false;
    return true;
}

/* c=header/body; the body's part may be absent, and so may all of it: that is simple. */
static bool take_canon(const struct wire_tag_list *tags, struct wire_dkim_signature *s)
{
    const struct slice *value = wire_tag_list_find(tags, "c");
    struct slice header, body;

    s->header = s->body = WIRE_CANON_SIMPLE;
    if (!value)
        return true;
    body = *value;
    if (!slice_cut(&body, '/', &header))
        return canon_parse(header, &s->header);
    return canon_parse(header, &s->header) && canon_parse(body, &s->body);
}

/* q= lists how to get the key; DNS is the one way there is. */
static bool query_known(const struct wire_tag_list *tags)
{
    const struct slice *value = wire_tag_list_find(tags, "q");
    struct slice rest, part;
    bool more = value != NULL;

    if (!value)
        return true;
    rest = *value;
    while (more) {
        more = slice_cut(&rest, ':', &part);
        if (slice_equal(slice_trim(part), SLICE("dns/txt")))
            return true;
    }
    return false;
}

/* i= is an address, perhaps without a local part, in the signing domain or below it. */
static bool identity_fits(const struct wire_dkim_signature *s)
{
    ssize_t at = slice_find_last(s->identity, '@');
    struct slice domain;

    if (s->identity.size == 0)
        return true;
    if (at < 0)
        return false;
    domain = slice_part(s->identity, (size_t)at + 1, s->identity.size);
    if (slice_equal_nocase(domain, s->domain))
        return true;
    return domain.size > s->domain.size && slice_ends_nocase(domain, s->domain) &&
           domain.data[domain.size - s->domain.size - 1] == '.';
}

static bool name_valid(struct slice name)
{
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] < 0x21 || name.data[i] > 0x7e)
            return false;
    return name.size > 0;
}

/* Names only, and From among them (RFC 6376 §5.4). */
static bool signed_fields_valid(struct slice rest)
{
    struct slice name;
    bool from = false;

    while (wire_dkim_signature_next_field(&rest, &name)) {
        if (!name_valid(name))
            return false;
        from = from || slice_equal_nocase(name, SLICE("from"));
    }
    return from;
}

static bool is_base64(struct slice value)
{
    CLEANUP(buffer_done) struct buffer bytes = BUFFER_NONE;

    return wire_tag_base64(value, &bytes) == 0;
}

static bool take_required(const struct wire_tag_list *tags, struct wire_dkim_signature *s)
{
    return take(tags, "a", &s->algorithm) && take(tags, "d", &s->domain) &&
           take(tags, "s", &s->selector) && take(tags, "h", &s->signed_fields) &&
           take(tags, "bh", &s->body_hash) && take(tags, "b", &s->signature);
}

static bool take_optional(const struct wire_tag_list *tags, struct wire_dkim_signature *s)
{
    if (!take(tags, "i", &s->identity))
        s->identity = SLICE_NONE;
    return take_canon(tags, s) && take_number(tags, "t", TIME_MAX_S, &s->time_s) &&
           take_number(tags, "x", TIME_MAX_S, &s->expire_s) &&
           take_number(tags, "l", INT64_MAX, &s->body_length);
}

static bool values_fit(const struct wire_dkim_signature *s)
{
    if (s->time_s >= 0 && s->expire_s >= 0 && s->expire_s <= s->time_s)
        return false;
    return identity_fits(s) && signed_fields_valid(s->signed_fields) && is_base64(s->body_hash) &&
           is_base64(s->signature);
}

int wire_dkim_signature_parse(struct slice value, struct wire_dkim_signature *ret_signature)
{
    struct wire_dkim_signature s;
    struct wire_tag_list tags;
    struct slice version;

    if (wire_tag_list_parse(value, &tags) < 0 || !take(&tags, "v", &version))
        return -EBADMSG;
    if (!slice_equal(version, SLICE("1")))
        return -EPROTO;
    if (!take_required(&tags, &s) || !take_optional(&tags, &s))
        return -EBADMSG;
    if (!values_fit(&s) || !query_known(&tags))
        return -EBADMSG;
    *ret_signature = s;
    return 0;
}

bool wire_dkim_signature_next_field(struct slice *rest, struct slice *ret_name)
{
    struct slice name;

    if (rest->data == NULL)
        return false;
    slice_cut(rest, ':',
              &name); /* the last cut leaves no data, so an empty last name still counts */
    *ret_name = slice_trim(name);
    return true;
}
