#include "wire/redact.h"

#include "base/buffer.h"
#include "wire/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct slice password = {"p4ss w\xc3\xb6rd>?~", 13};

static bool is_hidden(const struct redactor *r, struct slice text)
{
    char copy[512];

    assert_true(text.size < sizeof copy);
    memcpy(copy, text.data, text.size);
    return redactor_hide(r, copy, text.size) > 0;
}

/* Around it stands what a server may put there. */
static void finds_each_form(void **state)
{
    static const char *const forms[] = {
        "535 p4ss w\xc3\xb6rd>?~ is wrong",
        "535 p4ss%20w%c3%B6rd%3E%3f%7e",
        "535 p4ss+w\xc3\xb6rd>?~",
        "535 %70%34%73%73%20%77%c3%b6%72%64%3e%3f%7e",
        "535 70347373207 no, 7034737320 77c3B672643e3f7E 703473732077c3B672643e3f7E",
    };
    CLEANUP(redactor_free_pointer) struct redactor *r = redactor_new();

    (void)state;
    redactor_add(r, password);
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (!is_hidden(r, slice_text(forms[i])))
            fail_msg("not found: %s", forms[i]);
}

/* A secret that looks encoded itself stands there as it is, or encoded once more. */
static void finds_a_secret_with_percent_signs(void **state)
{
    CLEANUP(redactor_free_pointer) struct redactor *r = redactor_new();

    (void)state;
    redactor_add(r, SLICE("$b%25a b"));
    assert_true(is_hidden(r, SLICE("535 $b%25a b?")));
    assert_true(is_hidden(r, SLICE("535 $b%2525a+b?")));
    assert_false(is_hidden(r, SLICE("535 $b%a b?")));
}

/* In whatever was encoded together with it, and whatever follows. */
static void finds_base64_in_every_alignment(void **state)
{
    CLEANUP(redactor_free_pointer) struct redactor *r = redactor_new();

    (void)state;
    redactor_add(r, password);
    for (size_t before = 0; before < 7; before++)
        for (size_t after = 0; after < 4; after++)
            for (int url = 0; url < 2; url++) {
                CLEANUP(buffer_done) struct buffer raw = BUFFER_NONE, text = BUFFER_NONE;

                buffer_add(&raw, slice_part(SLICE("\0user\xff\0"), 0, before));
                buffer_add(&raw, password);
                buffer_add(&raw, slice_part(SLICE("\xff\0x"), 0, after));
                wire_base64_encode(&text, buffer_slice(&raw));
                for (size_t i = 0; url && i < text.size; i++)
                    text.data[i] = text.data[i] == '+'   ? '-'
                                   : text.data[i] == '/' ? '_'
                                                         : text.data[i];
                if (!is_hidden(r, buffer_slice(&text)))
                    fail_msg("not found with %zu before, %zu after: %.*s", before, after,
                             SLICE_ARG(buffer_slice(&text)));
            }
}

static void hides_all_of_it_and_nothing_else(void **state)
{
    char text[] = "535 tanstaaf, tanstaa and tanstaaftanstaaf; dGFuc3RhYWY=";
    CLEANUP(redactor_free_pointer) struct redactor *r = redactor_new();

    (void)state;
    redactor_add(r, SLICE("tanstaaf"));
    assert_int_equal(redactor_hide(r, text, strlen(text)), 4);
    assert_string_equal(text, "535 ********, tanstaa and ****************; **********Y=");
}

static void short_ones_are_not_looked_for(void **state)
{
    CLEANUP(redactor_free_pointer) struct redactor *r = redactor_new();

    (void)state;
    redactor_add(r, SLICE("535"));
    redactor_add(r, SLICE_NONE);
    assert_false(is_hidden(r, SLICE("535 no")));
}

static void one_takes_over_what_another_knows(void **state)
{
    CLEANUP(redactor_free_pointer) struct redactor *one = redactor_new(), *two = redactor_new();
    char secret[32];

    (void)state;
    redactor_add(one, SLICE("tanstaaf"));
    redactor_add_all(two, one);
    redactor_add_all(two, NULL);
    assert_true(is_hidden(two, SLICE("tanstaaf")));
    for (int i = 0; i < REDACT_SECRETS_MAX; i++) {
        snprintf(secret, sizeof secret, "secret number %d", i);
        redactor_add(two, slice_text(secret));
    }
    assert_true(is_hidden(two, slice_text(secret)));
    assert_false(is_hidden(two, SLICE("tanstaaf"))); /* the oldest has gone */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_each_form),
        cmocka_unit_test(finds_a_secret_with_percent_signs),
        cmocka_unit_test(finds_base64_in_every_alignment),
        cmocka_unit_test(hides_all_of_it_and_nothing_else),
        cmocka_unit_test(short_ones_are_not_looked_for),
        cmocka_unit_test(one_takes_over_what_another_knows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
