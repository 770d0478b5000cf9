#include "wire/dkim_key.h"

#include "wire/base64.h"

/* --- Writing --- */

/* AlgorithmIdentifiers as DER has them: rsaEncryption with NULL (RFC 3279 §2.3.1), and all of an
 * Ed25519 SubjectPublicKeyInfo before its 32 bytes (RFC 8410 §4). */
static const unsigned char rsa_algorithm[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                              0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
static const unsigned char ed25519_prefix[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                               0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

enum { ED25519_KEY_BYTES = 32 };

/* Takes the head of a DER SEQUENCE off; false unless it is one that fills the rest exactly. */
static bool der_sequence(struct slice *der)
{
    struct cursor c = cursor_of(*der);
    uint8_t tag = cursor_u8(&c);
    size_t length = cursor_u8(&c);

    if (length == 0x81)
        length = cursor_u8(&c);
    else if (length == 0x82)
        length = cursor_u16(&c);
    if (c.failed || tag != 0x30 || length != c.rest.size)
        return false;
    *der = c.rest;
    return true;
}

static bool is_rsa_key(struct slice key)
{
    return der_sequence(&key) && slice_starts(key, slice_of(rsa_algorithm, sizeof rsa_algorithm));
}

/* Leaves the 32 bytes that p= holds (RFC 8463 §4.2). */
static bool ed25519_key(struct slice *key)
{
    if (slice_starts(*key, slice_of(ed25519_prefix, sizeof ed25519_prefix)))
        *key = slice_part(*key, sizeof ed25519_prefix, key->size);
    return key->size == ED25519_KEY_BYTES;
}

int wire_dkim_key_format(struct buffer *out, enum wire_dkim_key_type type, struct slice public_key)
{
    if (type == WIRE_DKIM_KEY_RSA && is_rsa_key(public_key))
        buffer_add(out, SLICE("v=DKIM1; k=rsa; p="));
    else if (type == WIRE_DKIM_KEY_ED25519 && ed25519_key(&public_key))
        buffer_add(out, SLICE("v=DKIM1; k=ed25519; p="));
    else
        return -EINVAL;
    wire_base64_encode(out, public_key);
    return 0;
}

/* --- Reading --- */

/* Whether a list with colons between has the item; an absent list has every item. */
static bool list_has(const struct slice *list, const char *item)
{
    struct slice rest, part;
    bool more = true;

    if (!list)
        return true;
    rest = *list;
    while (more) {
        more = slice_cut(&rest, ':', &part);
        if (slice_equal(slice_trim(part), slice_text(item)))
            return true;
    }
    return false;
}

static bool flag_set(const struct wire_tag_list *tags, const char *flag)
{
    const struct slice *flags = wire_tag_list_find(tags, "t");

    return flags && list_has(flags, flag);
}

/* v= may be absent; where it is, it comes first and says DKIM1 (RFC 6376 §3.6.1). */
static int version_judge(const struct wire_tag_list *tags)
{
    const struct slice *version = wire_tag_list_find(tags, "v");

    if (!version)
        return 0;
    if (!slice_equal(*version, SLICE("DKIM1")))
        return -EPROTO;
    return version == &tags->tags[0].value ? 0 : -EBADMSG;
}

static enum wire_dkim_key_type type_of(const struct wire_tag_list *tags)
{
    const struct slice *type = wire_tag_list_find(tags, "k");

    if (!type || slice_equal(*type, SLICE("rsa")))
        return WIRE_DKIM_KEY_RSA;
    if (slice_equal(*type, SLICE("ed25519")))
        return WIRE_DKIM_KEY_ED25519;
    return WIRE_DKIM_KEY_UNKNOWN;
}

int wire_dkim_key_parse(struct slice record, struct wire_dkim_key *ret_key)
{
    struct wire_tag_list tags;
    const struct slice *key, *notes, *services;

    if (wire_tag_list_parse(record, &tags) < 0)
        return -EBADMSG;
    if (version_judge(&tags) < 0)
        return version_judge(&tags);
    key = wire_tag_list_find(&tags, "p");
    if (!key)
        return -EBADMSG;
    notes = wire_tag_list_find(&tags, "n");
    services = wire_tag_list_find(&tags, "s");
    *ret_key = (struct wire_dkim_key){
        .type = type_of(&tags),
        .key = *key,
        .revoked = key->size == 0,
        .sha256 = list_has(wire_tag_list_find(&tags, "h"), "sha256"),
        .email = list_has(services, "*") || list_has(services, "email"),
        .testing = flag_set(&tags, "y"),
        .strict_identity = flag_set(&tags, "s"),
        .notes = notes ? *notes : SLICE_NONE,
    };
    return 0;
}

/* --- Comparing --- */

static bool is_proper_prefix(struct slice part, struct slice whole)
{
    return part.size && part.size < whole.size && slice_starts(whole, part);
}

static bool is_base64(struct slice text)
{
    CLEANUP(buffer_done) struct buffer bytes = BUFFER_NONE;

    return wire_tag_base64(text, &bytes) == 0;
}

static bool restricted(const struct wire_dkim_key *published, const struct wire_dkim_key *expected)
{
    return published->type != expected->type || !published->sha256 || !published->email ||
           published->testing;
}

/* Both records can be read; what do the keys say? */
static enum wire_dkim_key_verdict compare_keys(const struct wire_dkim_key *expected,
                                               const struct wire_dkim_key *published)
{
    CLEANUP(buffer_done) struct buffer wanted = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer found = BUFFER_NONE;

    if (published->revoked)
        return WIRE_DKIM_KEY_REVOKED;
    wire_tag_squeeze(expected->key, &wanted);
    wire_tag_squeeze(published->key, &found);
    if (slice_equal(buffer_slice(&wanted), buffer_slice(&found)))
        return restricted(published, expected) ? WIRE_DKIM_KEY_RESTRICTED : WIRE_DKIM_KEY_SAME;
    if (is_proper_prefix(buffer_slice(&found), buffer_slice(&wanted)))
        return WIRE_DKIM_KEY_TRUNCATED;
    return is_base64(published->key) ? WIRE_DKIM_KEY_OTHER : WIRE_DKIM_KEY_SYNTAX;
}

static bool contains_nocase(struct slice text, struct slice wanted)
{
    for (size_t i = 0; i + wanted.size <= text.size; i++)
        if (slice_equal_nocase(slice_part(text, i, wanted.size), wanted))
            return true;
    return false;
}

/* Records that verifiers do not read, but a person meant as this one: pasted with quotes or
 * backslashes, without semicolons, in the wrong case, or only the key itself. */
static bool meant_as_key(struct slice expected_key, struct slice published)
{
    enum { TELLING_BYTES = 16 };

    return contains_nocase(published, SLICE("dkim1")) ||
           contains_nocase(published, slice_part(expected_key, 0, TELLING_BYTES));
}

static enum wire_dkim_key_verdict
compare_unreadable(struct slice expected, struct slice expected_key, struct slice published)
{
    CLEANUP(buffer_done) struct buffer wanted = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer found = BUFFER_NONE;

    if (!meant_as_key(expected_key, published))
        return WIRE_DKIM_KEY_NOT_A_KEY;
    wire_tag_squeeze(expected, &wanted);
    wire_tag_squeeze(published, &found);
    if (is_proper_prefix(buffer_slice(&found), buffer_slice(&wanted)))
        return WIRE_DKIM_KEY_TRUNCATED;
    return WIRE_DKIM_KEY_SYNTAX;
}

enum wire_dkim_key_verdict wire_dkim_key_compare(struct slice expected, struct slice published)
{
    struct wire_dkim_key wanted, found;
    int r = wire_dkim_key_parse(expected, &wanted);

    assert(r == 0 && !wanted.revoked);
    if (wire_dkim_key_parse(published, &found) < 0)
        return compare_unreadable(expected, wanted.key, published);
    return compare_keys(&wanted, &found);
}

const char *wire_dkim_key_verdict_name(enum wire_dkim_key_verdict verdict)
{
    static const char *const names[] = {
        [WIRE_DKIM_KEY_SAME] = "same",
        [WIRE_DKIM_KEY_OTHER] = "other-key",
        [WIRE_DKIM_KEY_TRUNCATED] = "truncated",
        [WIRE_DKIM_KEY_REVOKED] = "revoked",
        [WIRE_DKIM_KEY_RESTRICTED] = "restricted",
        [WIRE_DKIM_KEY_NOT_A_KEY] = "not-a-key",
        [WIRE_DKIM_KEY_SYNTAX] = "syntax",
    };

    assert((size_t)verdict < ARRAY_LEN(names));
    return names[verdict];
}
