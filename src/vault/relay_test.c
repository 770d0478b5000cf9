#include "vault/relay.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *name;
    enum vault_mechanism mechanism;
    struct slice user, password, challenge;
    int r;
    struct slice response;
} cases[] = {
    {"the example of RFC 2195 §2",
     VAULT_CRAM_MD5,
     {"tim", 3},
     {"tanstaaftanstaaf", 16},
     {"<1896.697170952@postoffice.reston.mci.net>", 42},
     0,
     {"tim b913a602c7eda7a495b4e6e7334d3890", 36}},
    {"a password longer than a block of MD5",
     VAULT_CRAM_MD5,
     {"u", 1},
     {"0123456789012345678901234567890123456789012345678901234567890123456789", 70},
     {"<1@x>", 5},
     0,
     {"u c67bbd10a6439f6e97b6498a75bbe1e8", 34}},
    {"the example of RFC 4616 §4",
     VAULT_PLAIN,
     {"tim", 3},
     {"tanstaaftanstaaf", 16},
     {NULL, 0},
     0,
     {"\0tim\0tanstaaftanstaaf", 21}},
    {"LOGIN's second answer",
     VAULT_LOGIN,
     {"tim", 3},
     {"tanstaaf", 8},
     {NULL, 0},
     0,
     {"tanstaaf", 8}},
    {"a password in UTF-8",
     VAULT_PLAIN,
     {"t", 1},
     {"\xc3\xa4\xe2\x82\xac", 5},
     {NULL, 0},
     0,
     {"\0t\0\xc3\xa4\xe2\x82\xac", 8}},
    {"a NUL in the password", VAULT_PLAIN, {"tim", 3}, {"a\0b", 3}, {NULL, 0}, -EINVAL, {NULL, 0}},
    {"a NUL in the user", VAULT_PLAIN, {"t\0m", 3}, {"ab", 2}, {NULL, 0}, -EINVAL, {NULL, 0}},
    {"no password", VAULT_LOGIN, {"tim", 3}, {NULL, 0}, {NULL, 0}, -EINVAL, {NULL, 0}},
    {"no user", VAULT_CRAM_MD5, {NULL, 0}, {"ab", 2}, {"<1@x>", 5}, -EINVAL, {NULL, 0}},
};

static void responses_are_as_the_rfcs_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(secret_done) struct secret response = SECRET_NONE;
        int r = vault_relay_respond(cases[i].mechanism, cases[i].user, cases[i].password,
                                    cases[i].challenge, &response);

        if (r != cases[i].r)
            fail_msg("%s: %d", cases[i].name, r);
        if (!slice_equal(secret_slice(&response), cases[i].response))
            fail_msg("%s: %.*s", cases[i].name, SLICE_ARG(secret_slice(&response)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(responses_are_as_the_rfcs_say)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
