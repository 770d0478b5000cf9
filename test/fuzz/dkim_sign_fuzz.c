/* Signing any header: the field is well formed, its lines are bounded, and a verifier that knows
 * nothing but the field and the message (RFC 6376 §5.4.2, §3.7) arrives at the same digest. */
#include "fuzz.h"

#include "wire/dkim_sign.h"
#include "wire/dkim_signature.h"

enum { FIELDS_MAX = 64 };

struct fields {
    struct wire_dkim_field all[FIELDS_MAX];
    bool used[FIELDS_MAX];
    size_t count;
};

/* Each line of the input is a field; its first byte picks a name, so that most are signed ones. */
static void read_fields(struct slice input, struct arena *a, struct fields *f)
{
    static const char *const names[] = {"From",       "to",         "SUBJECT",          "Date",
                                        "References", "Message-ID", "List-Unsubscribe", "X-Other"};
    bool more = true;

    while (more && f->count < FIELDS_MAX) {
        struct slice line, name;

        more = slice_cut(&input, '\n', &line);
        name = slice_text(names[fuzz_byte(&line) % ARRAY_LEN(names)]);
        f->all[f->count].name = name;
        f->all[f->count++].raw = arena_printf(a, "%.*s:%.*s\r\n", SLICE_ARG(name), SLICE_ARG(line));
    }
}

/* The lowest instance of the name that was not taken yet; nothing when there is none. */
static void take_instance(struct fields *f, struct slice name, struct buffer *hashed)
{
    for (size_t i = f->count; i-- > 0;) {
        if (f->used[i] || !slice_equal_nocase(f->all[i].name, name))
            continue;
        f->used[i] = true;
        wire_canon_header(WIRE_CANON_RELAXED, f->all[i].raw, hashed);
        return;
    }
}

static void verify(struct fields *f, struct slice field, struct slice whole,
                   const uint8_t digest[WIRE_DKIM_HASH_BYTES])
{
    CLEANUP(buffer_done) struct buffer hashed = BUFFER_NONE;
    uint8_t found[WIRE_DKIM_HASH_BYTES];
    struct wire_dkim_signature s;
    struct slice name;

    whole = slice_part(whole, sizeof "DKIM-Signature:" - 1, whole.size);
    fuzz_check(wire_dkim_signature_parse(whole, &s) == 0);
    while (wire_dkim_signature_next_field(&s.signed_fields, &name))
        take_instance(f, name, &hashed);
    wire_canon_header(WIRE_CANON_RELAXED, field, &hashed);
    wire_dkim_hash(slice_of(hashed.data, hashed.size - 2), found);
    fuzz_check(memcmp(found, digest, sizeof found) == 0);
}

static void check_lines(struct slice whole)
{
    struct slice line;

    fuzz_check(slice_ends_nocase(whole, SLICE("\r\n")));
    while (slice_cut(&whole, '\n', &line))
        fuzz_check(line.size > 2 && line.size <= 78 + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer whole = BUFFER_NONE;
    struct wire_dkim_signing signing = {
        .domain = SLICE("example.org"), .selector = SLICE("s1"), .time_s = 1, .expire_s = 2};
    struct slice input = slice_of(data, size), field;
    uint8_t digest[WIRE_DKIM_HASH_BYTES];
    struct fields f = {.count = 0};

    read_fields(input, &arena, &f);
    if (wire_dkim_sign_prepare(&arena, f.all, f.count, &signing, &field, digest) < 0)
        return 0;
    wire_dkim_sign_finish(&whole, field, slice_of(digest, sizeof digest));
    check_lines(buffer_slice(&whole));
    verify(&f, field, buffer_slice(&whole), digest);
    return 0;
}
