#include "vault/credential.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The passwords that Amazon's own derivation gives for the example secret of its documentation. */
static void passwords_are_derived_as_ses_does(void **state)
{
    static const struct {
        struct slice region, password;
    } vectors[] = {
        {{"us-east-1", 9}, {"BLBM/9hSUELfq8Gw+rU1YcBjkOxGbhT2XG763xVLGWL9", 44}},
        {{"us-west-2", 9}, {"BF2PynzbSCAjX08zhZZnP/kW+T9P5zs/1Er0pi5vTEmd", 44}},
        {{"eu-west-1", 9}, {"BMW5RDrXmmVs0lV7GpI4oLkHXpZ4stDsk6q91z1g38Pk", 44}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        CLEANUP(secret_done) struct secret password = SECRET_NONE;

        vault_credential_derive_password(SLICE("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                                         vectors[i].region, &password);
        assert_true(slice_equal(secret_slice(&password), vectors[i].password));
    }
}

static bool check(const struct vault_credential *credential, struct slice password)
{
    bool match;

    assert_int_equal(vault_credential_check(secret_slice(&credential->kept), password, &match), 0);
    return match;
}

static void only_its_own_password_matches(void **state)
{
    CLEANUP(vault_credential_done)
    struct vault_credential one = {{0}, {0}, {0}}, two = {{0}, {0}, {0}};
    char password[VAULT_SMTP_PASSWORD_CHARACTERS + 1];

    (void)state;
    vault_credential_create(SLICE("eu-west-1"), &one);
    vault_credential_create(SLICE("eu-west-1"), &two);
    assert_int_equal(one.secret_access_key.size, VAULT_SECRET_ACCESS_KEY_CHARACTERS);
    assert_int_equal(one.smtp_password.size, VAULT_SMTP_PASSWORD_CHARACTERS);
    assert_true(check(&one, secret_slice(&one.smtp_password)));
    assert_false(check(&one, secret_slice(&two.smtp_password)));
    assert_false(check(&one, SLICE_NONE));
    assert_false(check(&one, secret_slice(&one.secret_access_key)));
    assert_false(check(&one, slice_part(secret_slice(&one.smtp_password), 0, 43)));
    memcpy(password, one.smtp_password.data, VAULT_SMTP_PASSWORD_CHARACTERS);
    password[VAULT_SMTP_PASSWORD_CHARACTERS] = 0;
    assert_false(check(&one, slice_of(password, sizeof password)));
    for (size_t i = 0; i < VAULT_SMTP_PASSWORD_CHARACTERS; i++) {
        password[i] ^= 1;
        assert_false(check(&one, slice_of(password, VAULT_SMTP_PASSWORD_CHARACTERS)));
        password[i] ^= 1;
    }
}

static void the_password_is_that_of_the_secret(void **state)
{
    CLEANUP(vault_credential_done) struct vault_credential made = {{0}, {0}, {0}};
    CLEANUP(secret_done) struct secret derived = SECRET_NONE;

    (void)state;
    vault_credential_create(SLICE("eu-west-1"), &made);
    vault_credential_derive_password(secret_slice(&made.secret_access_key), SLICE("eu-west-1"),
                                     &derived);
    assert_true(slice_equal(secret_slice(&derived), secret_slice(&made.smtp_password)));
    assert_true(slice_find_slice(secret_slice(&made.kept), secret_slice(&made.smtp_password)) < 0);
}

static void what_was_not_kept_is_refused(void **state)
{
    CLEANUP(vault_credential_done) struct vault_credential made = {{0}, {0}, {0}};
    struct slice kept;
    bool match;

    (void)state;
    vault_credential_create(SLICE("eu-west-1"), &made);
    kept = secret_slice(&made.kept);
    assert_int_equal(vault_credential_check(slice_part(kept, 0, kept.size - 1), SLICE(""), &match),
                     -EBADMSG);
    made.kept.data[0] = 2;
    assert_int_equal(vault_credential_check(kept, SLICE(""), &match), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passwords_are_derived_as_ses_does),
        cmocka_unit_test(only_its_own_password_matches),
        cmocka_unit_test(the_password_is_that_of_the_secret),
        cmocka_unit_test(what_was_not_kept_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
