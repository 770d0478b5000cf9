/* Nanoseconds per operation of the codecs on a message's way: the body's hash, beside SHA-256 alone
 * over the same bytes, and making a DKIM-Signature without the key's own work. Takes a few
 * seconds. Each figure is the best of several rounds, since other work only adds. */
#include "wire/base64.h"
#include "wire/date.h"
#include "wire/dkim_sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 12, ROUND_NS = 15000000 };

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

typedef void operation(const void *input);

/* The mean of one round, which repeats the operation until ROUND_NS have gone by. */
static double round_ns(operation *operate, const void *input)
{
    int64_t start = now_ns(), end;
    size_t count = 0;

    do {
        for (int i = 0; i < 16; i++)
            operate(input);
        count += 16;
        end = now_ns();
    } while (end - start < ROUND_NS);
    return (double)(end - start) / (double)count;
}

/* `size_bytes` may be 0 where a rate means nothing. */
static void measure(const char *name, operation *operate, const void *input, size_t size_bytes)
{
    double best = round_ns(operate, input);

    for (int i = 1; i < ROUNDS; i++) {
        double this_round = round_ns(operate, input);

        if (this_round < best)
            best = this_round;
    }
    printf("%-40s %10.0f ns", name, best);
    if (size_bytes)
        printf(" %8.2f GB/s", (double)size_bytes / best);
    printf("\n");
}

static void hash_body(const void *input)
{
    uint8_t hash[WIRE_DKIM_HASH_BYTES];

    wire_dkim_body_hash(buffer_slice(input), hash);
}

static void hash_plainly(const void *input)
{
    uint8_t hash[WIRE_DKIM_HASH_BYTES];

    wire_dkim_hash(buffer_slice(input), hash);
}

/* Repeats a line until there is `size_bytes` of it. */
static void fill(struct buffer *body, const char *line, size_t size_bytes)
{
    while (body->size < size_bytes)
        buffer_add(body, slice_text(line));
}

static void measure_bodies(void)
{
    static const struct {
        const char *name, *line;
    } kinds[] = {
        {"text",
         "The book that you asked for, \"A Room of One's Own\", is ready at the desk.\r\n\r\n"},
        {"HTML, indented", "          <td style=\"padding: 4px\">  A Room of One's Own</td>\r\n"},
        {"base64",
         "VGhlIGJvb2sgdGhhdCB5b3UgYXNrZWQgZm9yLCAiQSBSb29tIG9mIE9uZSdzIE93biIsIGlzIHI=\r\n"},
    };
    static const size_t sizes[] = {4096, 51200};

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        for (size_t j = 0; j < ARRAY_LEN(kinds); j++) {
            CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
            char name[64];

            fill(&body, kinds[j].line, sizes[i]);
            snprintf(name, sizeof name, "body hash, %zu KB of %s", sizes[i] / 1024, kinds[j].name);
            measure(name, hash_body, &body, body.size);
            if (j == 0)
                measure("  SHA-256 alone", hash_plainly, &body, body.size);
        }
    }
}

#define FIELD(name, value)                                                                         \
    {                                                                                              \
        {name, sizeof(name) - 1},                                                                  \
        {                                                                                          \
            name ": " value "\r\n", sizeof(name ": " value "\r\n") - 1                             \
        }                                                                                          \
    }

static const struct wire_dkim_field header[] = {
    FIELD("Received", "from app.example.net (app.example.net [192.0.2.10])\r\n\tby mail.example.com"
                      " with ESMTPSA id k3j2h1g0\r\n\tfor <reader@example.org>;"
                      "\r\n\tMon, 23 Nov 2026 21:00:06 +0000"),
    FIELD("From", "\"Library of Example\" <noreply@library.example>"),
    FIELD("To", "A Reader <reader@example.org>"),
    FIELD("Subject", "=?UTF-8?Q?Your_hold_is_ready_to_be_picked_up_at_the_desk?="),
    FIELD("Date", "Mon, 23 Nov 2026 21:00:06 +0000"),
    FIELD("Message-ID", "<20261123210006.4f1c2a7b9d@library.example>"),
    FIELD("Reply-To", "desk@library.example"),
    FIELD("MIME-Version", "1.0"),
    FIELD("Content-Type", "multipart/alternative;\r\n\tboundary=\"=_f3c1d9a0b7e24f6c8a1d\""),
    FIELD("List-Unsubscribe", "<https://library.example/u/4f1c2a7b9d0e4f6c8a1df3c1d9a0b7e2>,"
                              "\r\n\t<mailto:unsubscribe@library.example>"),
    FIELD("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    FIELD("List-Id", "Holds <holds.library.example>"),
    FIELD("X-Mailer", "Catalogue 7.2"),
    FIELD("Auto-Submitted", "auto-generated"),
};

static void canonicalize_header(const void *input)
{
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;

    (void)input;
    for (size_t i = 0; i < ARRAY_LEN(header); i++)
        wire_canon_header(WIRE_CANON_RELAXED, header[i].raw, &out);
}

/* All of a message's signing but the body and the key. */
static void sign_header(const void *input)
{
    static const char signature[256];
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer whole = BUFFER_NONE;
    struct slice field;
    uint8_t digest[WIRE_DKIM_HASH_BYTES];

    if (wire_dkim_sign_prepare(&arena, header, ARRAY_LEN(header), input, &field, digest) < 0)
        abort();
    wire_dkim_sign_finish(&whole, field, slice_of(signature, sizeof signature));
}

static void encode_base64(const void *input)
{
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;

    wire_base64_encode(&out, buffer_slice(input));
}

static void format_date(const void *input)
{
    char out[WIRE_DATE_MAIL_BYTES];

    wire_date_mail(*(const int64_t *)input, out);
}

int main(void)
{
    static const int64_t time_s = 1795467606;
    CLEANUP(buffer_done) struct buffer bytes = BUFFER_NONE;
    struct wire_dkim_signing signing = {.domain = SLICE("library.example"),
                                        .selector = SLICE("k7f3qz2mxa"),
                                        .time_s = time_s,
                                        .expire_s = time_s + 604800};

    measure_bodies();
    measure("header canonicalised, 14 fields", canonicalize_header, NULL, 0);
    measure("signature prepared and finished", sign_header, &signing, 0);
    fill(&bytes, "\xff\x7f", 51200);
    measure("base64 of 50 KB", encode_base64, &bytes, bytes.size);
    measure("date of a Date field", format_date, &time_s, 0);
    return 0;
}
