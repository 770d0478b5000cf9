#include "deliver/kept_signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define FIELD(selector, time)                                                                      \
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=library.example;\r\n"                 \
    "\ts=" selector "; t=" time "; x=1797000000; h=From;\r\n"                                      \
    "\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n"

static const struct {
    const char *what, *kept;
    const char *keys[2]; /* that sign now */
    int64_t since_s;
    bool is_used;
} cases[] = {
    {"by the key that signs", FIELD("one", "1796000000"), {"one"}, 1795000000, true},
    {"in the second of its turn", FIELD("one", "1796000000"), {"one"}, 1796000000, true},
    {"none was kept", "", {"one"}, 1795000000, false},
    {"by a key that has retired", FIELD("one", "1796000000"), {"two"}, 1795000000, false},
    {"by what was behind the name before", FIELD("one", "1796000000"), {"one"}, 1796000001, false},
    {"by both", FIELD("one", "1796000000") FIELD("two", "1796000000"), {"one", "two"}, 1, true},
    {"the second is missing", FIELD("one", "1796000000"), {"one", "two"}, 1, false},
    {"there is one too many",
     FIELD("one", "1796000000") FIELD("two", "1796000000"),
     {"one"},
     1,
     false},
    {"the second has retired",
     FIELD("one", "1796000000") FIELD("two", "1796000000"),
     {"one", "three"},
     1,
     false},
    {"it is none", "Subject: x\r\n", {"one"}, 1, false},
    {"it is damaged", "DKIM-Signature: v=1; s=one\r\n", {"one"}, 1, false},
};

static void only_the_present_keys_count(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct directory_key keys[2];
        size_t count = 0;

        while (count < 2 && cases[i].keys[count]) {
            keys[count] = (struct directory_key){.selector = slice_text(cases[i].keys[count]),
                                                 .since_us = cases[i].since_s * 1000000};
            count++;
        }
        if (kept_signature_is_by(&arena, slice_text(cases[i].kept), SLICE("library.example"), keys,
                                 count) != cases[i].is_used)
            fail_msg("%s", cases[i].what);
        assert_false(kept_signature_is_by(&arena, slice_text(cases[i].kept),
                                          SLICE("museum.example"), keys, count));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_the_present_keys_count)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
