#include "judge.h"

#include "base/arena.h"
#include "wire/base64.h"
#include "wire/dkim_hash.h"
#include "wire/dkim_signature.h"
#include "wire/header.h"

#include <openssl/evp.h>

static bool is_named(const struct wire_field *field, const char *name)
{
    return slice_equal_nocase(field->name, slice_text(name));
}

static bool may_be_new(const struct wire_header *sent, const struct wire_field *field)
{
    if (is_named(field, "DKIM-Signature") || is_named(field, "Received"))
        return true;
    if (is_named(field, "Date") || is_named(field, "Message-ID"))
        return wire_header_count(sent, field->name) == 0;
    return false;
}

/* What is for Letterhead alone. */
static bool must_go(const struct wire_field *field)
{
    return is_named(field, "Bcc") || is_named(field, "X-Letterhead-Priority");
}

static const char *judge_fields(const struct wire_header *sent, const struct wire_header *received)
{
    size_t next = 0;

    for (size_t i = 0; i < received->count; i++) {
        const struct wire_field *field = &received->fields[i];

        while (next < sent->count && must_go(&sent->fields[next]))
            next++;
        if (next < sent->count && slice_equal(field->whole, sent->fields[next].whole))
            next++;
        else if (!may_be_new(sent, field))
            return "it has a field that was not sent";
    }
    while (next < sent->count && must_go(&sent->fields[next]))
        next++;
    return next < sent->count ? "a field is missing or changed" : NULL;
}

const char *judge_content(struct slice sent, struct slice received)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct wire_header before, after;
    struct wire_error error;

    if (wire_header_scan(&arena, sent, &before, &error) < 0 ||
        wire_header_scan(&arena, received, &after, &error) < 0)
        return "its header cannot be read";
    if (!slice_equal(before.body, after.body))
        return "its body is another";
    return judge_fields(&before, &after);
}

/* Adds the last instance of the field that was not used yet, in canonical form (RFC 6376
 * §5.4.2). */
static void add_signed_field(const struct wire_header *header, bool *used, struct slice name,
                             struct buffer *out)
{
    for (size_t i = header->count; i-- > 0;)
        if (!used[i] && slice_equal_nocase(header->fields[i].name, name)) {
            used[i] = true;
            wire_canon_header(WIRE_CANON_RELAXED, header->fields[i].whole, out);
            return;
        }
}

/* The signature's own field, its b= emptied, without CR LF at its end (RFC 6376 §3.7). */
static void add_own_field(struct slice whole, struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer field = BUFFER_NONE;
    ssize_t at = slice_find_slice(whole, SLICE(" b="));

    if (at < 0)
        at = slice_find_slice(whole, SLICE("\tb="));
    buffer_add(&field, slice_part(whole, 0, at < 0 ? 0 : (size_t)at + 3));
    wire_canon_header(WIRE_CANON_RELAXED, buffer_slice(&field), out);
    out->size -= 2;
}

static bool is_body_hash_right(struct slice body, struct slice base64)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    uint8_t hash[WIRE_DKIM_HASH_BYTES];

    wire_dkim_body_hash(body, hash);
    wire_base64_encode(&text, slice_of(hash, sizeof hash));
    return slice_equal(buffer_slice(&text), base64);
}

static bool is_signed_by(struct slice signature, const uint8_t digest[WIRE_DKIM_HASH_BYTES],
                         struct slice public_key)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(
        EVP_PKEY_ED25519, NULL, (const unsigned char *)public_key.data, public_key.size);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good;

    assert(key && context);
    good = EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
           EVP_DigestVerify(context, (const unsigned char *)signature.data, signature.size, digest,
                            WIRE_DKIM_HASH_BYTES) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return good;
}

/* Without the folds that a long value has. */
static size_t decode_folded(struct slice folded, uint8_t *out, size_t capacity)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    size_t size = 0;

    for (size_t i = 0; i < folded.size; i++)
        if (!strchr(" \t\r\n", folded.data[i]))
            buffer_add_byte(&text, folded.data[i]);
    return wire_base64_decode(buffer_slice(&text), out, capacity, &size) < 0 ? 0 : size;
}

static const char *verify(struct arena *arena, const struct wire_header *header,
                          const struct wire_field *field, const struct wire_dkim_signature *parsed,
                          struct slice public_key)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    bool *used = ARENA_ARRAY(arena, bool, header->count);
    struct slice names = parsed->signed_fields, name;
    uint8_t digest[WIRE_DKIM_HASH_BYTES], signature[64];
    size_t size = decode_folded(parsed->signature, signature, sizeof signature);

    while (wire_dkim_signature_next_field(&names, &name))
        add_signed_field(header, used, name, &text);
    add_own_field(field->whole, &text);
    wire_dkim_hash(buffer_slice(&text), digest);
    return is_signed_by(slice_of(signature, size), digest, public_key) ? NULL
                                                                       : "its signature is wrong";
}

const char *judge_signature(struct slice content, struct slice domain, struct slice public_key)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct wire_dkim_signature parsed;
    const struct wire_field *field;
    struct wire_header header;
    struct wire_error error;

    if (wire_header_scan(&arena, content, &header, &error) < 0)
        return "its header cannot be read";
    field = wire_header_find(&header, SLICE("DKIM-Signature"), NULL);
    if (!field || wire_header_count(&header, field->name) != 1)
        return "it has not one signature";
    if (wire_dkim_signature_parse(field->value, &parsed) < 0)
        return "its signature cannot be read";
    if (!slice_equal(parsed.domain, domain))
        return "it is signed for another domain";
    if (!is_body_hash_right(header.body, parsed.body_hash))
        return "its body is not the one that was signed";
    return verify(&arena, &header, field, &parsed, public_key);
}
