#include "wire/dkim_sign.h"

#include "wire/base64.h"
#include "wire/dns_text.h"

enum { COLUMNS_MAX = 78 }; /* RFC 5322 §2.1.1 */

/* RFC 6376 §3.5: t= and x= have at most 12 digits. */
static const int64_t TIME_MAX_S = 999999999999;

static const char *const signed_names[] = {
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "reply-to",
    "sender",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "in-reply-to",
    "references",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-id",
    NULL,
};

const char *const *wire_dkim_signed_names(void)
{
    return signed_names;
}

/* The field as it is written: text, and where its last line stands. */
struct folded {
    struct buffer text;
    size_t column;
};

static void folded_done(struct folded *f)
{
    buffer_done(&f->text);
}

static void folded_add(struct folded *f, struct slice s)
{
    buffer_add(&f->text, s);
    f->column += s.size;
}

static void folded_break(struct folded *f)
{
    buffer_add(&f->text, SLICE("\r\n "));
    f->column = 1;
}

/* Adds a name that may begin a line of its own, with room for the sign after it. */
static void folded_name(struct folded *f, struct slice name)
{
    if (f->column + name.size + 1 > COLUMNS_MAX)
        folded_break(f);
    folded_add(f, name);
}

/* Adds a word after a space or a fold. */
static void folded_word(struct folded *f, struct slice word)
{
    if (f->column + 1 + word.size > COLUMNS_MAX)
        folded_break(f);
    else
        folded_add(f, SLICE(" "));
    folded_add(f, word);
}

/* Adds "name=value;" as one word. */
static void folded_tag(struct folded *f, struct slice name, struct slice value)
{
    size_t size = name.size + 1 + value.size + 1;

    if (f->column + 1 + size > COLUMNS_MAX)
        folded_break(f);
    else
        folded_add(f, SLICE(" "));
    folded_add(f, name);
    folded_add(f, SLICE("="));
    folded_add(f, value);
    folded_add(f, SLICE(";"));
}

static void folded_time(struct folded *f, struct slice name, int64_t time_s)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    buffer_add_decimal(&text, (uint64_t)time_s); /* judged before: not negative */
    folded_tag(f, name, buffer_slice(&text));
}

static void write_tags(struct folded *f, const struct wire_dkim_signing *signing)
{
    folded_add(f, SLICE("DKIM-Signature: v=1;"));
    if (signing->algorithm == WIRE_DKIM_ED25519_SHA256)
        folded_tag(f, SLICE("a"), SLICE("ed25519-sha256"));
    else
        folded_tag(f, SLICE("a"), SLICE("rsa-sha256"));
    folded_tag(f, SLICE("c"), SLICE("relaxed/relaxed"));
    folded_tag(f, SLICE("d"), signing->domain);
    folded_tag(f, SLICE("s"), signing->selector);
    folded_time(f, SLICE("t"), signing->time_s);
    folded_time(f, SLICE("x"), signing->expire_s);
}

/* Names in h= stand between colons; the first follows the "=". */
static void write_signed_name(struct folded *f, struct slice name)
{
    if (f->text.data[f->text.size - 1] != '=')
        folded_add(f, SLICE(":"));
    folded_name(f, name);
}

/* Signs all instances of one name from the last up (RFC 6376 §5.4.2): each is named in h= and goes
 * into the hash. Yields how many there were. */
static size_t sign_instances(const struct wire_dkim_field *fields, size_t count, struct slice name,
                             struct folded *f, struct buffer *hashed)
{
    size_t found = 0;

    for (size_t i = count; i-- > 0;) {
        if (!slice_equal_nocase(fields[i].name, name))
            continue;
        write_signed_name(f, name);
        wire_canon_header(WIRE_CANON_RELAXED, fields[i].raw, hashed);
        found++;
    }
    return found;
}

/* Writes h=. Each name stands once more than the message has it: that one is hashed as nothing, and
 * a field added later would take its place (RFC 6376 §5.4.2, §8.15). */
static int sign_fields(const struct wire_dkim_field *fields, size_t count, struct folded *f,
                       struct buffer *hashed)
{
    folded_word(f, SLICE("h="));
    for (size_t i = 0; signed_names[i]; i++) {
        struct slice name = slice_text(signed_names[i]);
        size_t found = sign_instances(fields, count, name, f, hashed);

        if (i == 0 && found == 0) /* RFC 6376 §5.4: From must be signed */
            return -EINVAL;
        write_signed_name(f, name);
    }
    folded_add(f, SLICE(";"));
    return 0;
}

static void write_body_hash(struct folded *f, const uint8_t hash[WIRE_DKIM_HASH_BYTES])
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    wire_base64_encode(&text, slice_of(hash, WIRE_DKIM_HASH_BYTES));
    folded_tag(f, SLICE("bh"), buffer_slice(&text));
    folded_word(f, SLICE("b="));
}

static int signing_judge(const struct wire_dkim_signing *signing)
{
    if (!wire_dns_name_valid(signing->domain) || !wire_dns_name_valid(signing->selector))
        return -EINVAL;
    if (signing->time_s < 0 || signing->expire_s <= signing->time_s ||
        signing->expire_s > TIME_MAX_S)
        return -EINVAL;
    return 0;
}

static size_t raw_size(const struct wire_dkim_field *fields, size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += fields[i].raw.size;
    return size;
}

int wire_dkim_sign_prepare(struct arena *a, const struct wire_dkim_field *fields, size_t count,
                           const struct wire_dkim_signing *signing, struct slice *ret_field,
                           uint8_t ret_digest[WIRE_DKIM_HASH_BYTES])
{
    enum { FIELD_BYTES_USUAL = 1024 };
    CLEANUP(folded_done) struct folded f = {BUFFER_NONE, 0};
    CLEANUP(buffer_done) struct buffer hashed = BUFFER_NONE;
    int r = signing_judge(signing);

    if (r < 0)
        return r;
    buffer_reserve(&f.text, FIELD_BYTES_USUAL);
    buffer_reserve(&hashed, raw_size(fields, count) + FIELD_BYTES_USUAL);
    write_tags(&f, signing);
    r = sign_fields(fields, count, &f, &hashed);
    if (r < 0)
        return r;
    write_body_hash(&f, signing->body_hash);

    /* The field itself comes last, without its line end (RFC 6376 §3.7). */
    wire_canon_header(WIRE_CANON_RELAXED, buffer_slice(&f.text), &hashed);
    wire_dkim_hash(slice_of(hashed.data, hashed.size - 2), ret_digest);
    *ret_field = arena_copy(a, buffer_slice(&f.text));
    return 0;
}

void wire_dkim_sign_finish(struct buffer *out, struct slice field, struct slice signature)
{
    size_t column = field.size - (size_t)(slice_find_last(field, '\n') + 1);

    buffer_add(out, field);
    wire_base64_encode_lines(out, signature, COLUMNS_MAX - column, COLUMNS_MAX - 1, SLICE("\r\n "));
    buffer_add(out, SLICE("\r\n"));
}
