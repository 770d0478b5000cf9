#include "submit/directory_test.h"
#include "submit/policy.h"

#include <stdio.h>

static struct directory *directory;

static int set_up(void **state)
{
    (void)state;
    directory = make_directory();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    directory_free(directory);
    return 0;
}

static struct address address_of(struct arena *arena, const char *text)
{
    struct address address = {.local = SLICE_NONE};
    struct wire_error error;

    if (*text)
        assert_int_equal(wire_address_parse(arena, slice_text(text),
                                            WIRE_ADDRESS_UTF8 | WIRE_ADDRESS_LITERAL, &address,
                                            &error),
                         0);
    return address;
}

static void by_domain_of_the_site_alone(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        bool allowed;
    } cases[] = {
        {"a@own.example", true},
        {"anyone.else@OWN.example", true},
        {"a@sub.own.example", true},
        {"a@deep.sub.own.example", true},
        {"a@exact.example", true},
        {"a@sub.exact.example", false},
        {"a@notown.example", false},
        {"a@own.example.evil.example", false},
        {"a@example", false},
        {"a@victim.example", false},
        {"a@new.example", false},
        {"\"b@victim.example\"@own.example", true},
        {"\"a@own.example\"@victim.example", false},
        {"a@\xd0\xbewn.example", false},
        {"a@[192.0.2.1]", false},
    };
    const struct directory_site *site = directory_site_by_id(directory, 1);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct address address = address_of(&arena, cases[i].address);
        struct slice why;

        if (submit_policy_allows(site, &address, true, &why) != cases[i].allowed)
            fail_msg("%s", cases[i].address);
    }
}

static void named_outgoing_addresses_bind(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct slice outgoing[] = {SLICE("info@own.example"), SLICE("news@own.example")};
    struct directory_site site = *directory_site_by_id(directory, 1);
    struct address info = address_of(&arena, "Info@own.example");
    struct address other = address_of(&arena, "other@own.example");
    struct slice why;

    site.outgoing_addresses = outgoing;
    site.outgoing_address_count = ARRAY_LEN(outgoing);
    site.any_address = false;
    assert_true(submit_policy_allows(&site, &info, true, &why));
    assert_false(submit_policy_allows(&site, &other, true, &why));
    assert_true(submit_policy_allows(&site, &other, false, &why));

    site.outgoing_address_count = 0; /* none named is none allowed */
    assert_false(submit_policy_allows(&site, &info, true, &why));
    site.any_address = true;
    assert_true(submit_policy_allows(&site, &other, true, &why));
}

struct judged {
    bool allowed;
    char text[1000];
};

static struct judged judge(uint64_t site_id, const char *from, const char *claim,
                           const char *envelope)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct wire_from message = {.verdict = WIRE_FROM_OK};
    struct address envelope_from = address_of(&arena, envelope);
    struct wire_reply refusal = {.code = 0};
    struct judged judged = {.text = ""};

    message.from.address = address_of(&arena, from);
    if (claim) {
        message.claims[0].mailbox.address = address_of(&arena, claim);
        message.claim_count = 1;
    }
    judged.allowed = submit_policy_judge(&arena, directory_site_by_id(directory, site_id), &message,
                                         &envelope_from, SLICE("eu-west-1"), &refusal);
    if (!judged.allowed) {
        assert_int_equal(refusal.code, 554);
        assert_string_equal(refusal.enhanced, "5.7.1");
        snprintf(judged.text, sizeof(judged.text), "%s", refusal.text);
    }
    return judged;
}

#define REJECTED                                                                                   \
    "Message rejected: Email address is not verified. The following identities failed the check "  \
    "in region EU-WEST-1: "
#define GENERAL "\nEach of these must be covered by a verified identity of your site"

static void all_claims_are_judged(void **state)
{
    (void)state;
    assert_true(judge(1, "a@own.example", NULL, "").allowed);
    assert_true(judge(1, "a@own.example", "b@exact.example", "bounce@sub.own.example").allowed);
    assert_string_equal(judge(1, "a@victim.example", NULL, "").text,
                        REJECTED "a@victim.example" GENERAL);
    assert_string_equal(judge(1, "a@own.example", "b@victim.example", "").text,
                        REJECTED "b@victim.example" GENERAL);
    assert_string_equal(judge(1, "a@own.example", NULL, "c@victim.example").text,
                        REJECTED "c@victim.example" GENERAL);
    assert_string_equal(judge(1, "a@x.example", "b@x.example", "a@x.example").text,
                        REJECTED "a@x.example, b@x.example" GENERAL);
}

/* A domain of another site and one that nobody has get the same words. */
static void other_sites_do_not_show(void **state)
{
    (void)state;
    struct judged theirs = judge(1, "a@victim.example", NULL, "");
    struct judged nobodys = judge(1, "a@nobody.example", NULL, "");
    char *at = strstr(theirs.text, "victim");

    assert_non_null(at);
    memcpy(at, "nobody", 6);
    assert_string_equal(theirs.text, nobodys.text);
}

static void own_identity_says_what_is_missing(void **state)
{
    (void)state;
    assert_string_equal(judge(1, "a@new.example", NULL, "").text,
                        REJECTED "a@new.example\nIts DNS records are missing");
    assert_string_equal(judge(2, "a@new.example", NULL, "").text, REJECTED "a@new.example" GENERAL);
}

/* What a stranger chose to call himself cannot break the reply's lines, nor make them too long. */
static void refusal_is_harmless(void **state)
{
    (void)state;
    char from[100];
    struct judged judged;

    judged = judge(1, "\xc3\xa9@x.example", NULL, "");
    assert_string_equal(judged.text, REJECTED "??@x.example" GENERAL);

    memset(from, 'a', 64);
    memcpy(from + 64, "@x.example", sizeof("@x.example"));
    judged = judge(1, from, NULL, "");
    assert_true(strlen(judged.text) < 512);
}

static void a_site_with_a_relay_sends_as_its_address_alone(void **state)
{
    static const struct {
        const char *address;
        bool allowed;
    } cases[] = {
        {"desk@own.example", true},     {"Desk@OWN.example", true},
        {"info@own.example", false},    {"desk@sub.own.example", false},
        {"desk@victim.example", false}, {"\"desk@own.example\"@victim.example", false},
        {"desk@[192.0.2.1]", false},
    };
    const struct directory_site *site = directory_site_by_id(directory, 4);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct address address = address_of(&arena, cases[i].address);
        struct slice why;

        assert_int_equal(submit_policy_allows(site, &address, true, &why), cases[i].allowed);
        assert_int_equal(submit_policy_allows(site, &address, false, &why), cases[i].allowed);
    }
}

static void without_a_relay_nothing_may_be_sent(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct address address = address_of(&arena, "desk@own.example");
    struct slice why;

    (void)state;
    assert_false(submit_policy_allows(directory_site_by_id(directory, 5), &address, true, &why));
    assert_true(slice_find_slice(why, SLICE("set up")) >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_domain_of_the_site_alone),
        cmocka_unit_test(named_outgoing_addresses_bind),
        cmocka_unit_test(all_claims_are_judged),
        cmocka_unit_test(other_sites_do_not_show),
        cmocka_unit_test(own_identity_says_what_is_missing),
        cmocka_unit_test(refusal_is_harmless),
        cmocka_unit_test(a_site_with_a_relay_sends_as_its_address_alone),
        cmocka_unit_test(without_a_relay_nothing_may_be_sent),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
