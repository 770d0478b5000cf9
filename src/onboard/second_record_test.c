/* What checks make of the record of a second key. */
#include "onboard/check_world_test.h"
#include "onboard/second_key.h"

static const int64_t minute_us = 60 * (int64_t)SECOND_US;

struct second {
    struct arena arena;
    struct identity identity;
    char name[200], text[200];
};

static void second_done(struct second *s)
{
    arena_done(&s->arena);
}

static void read_identity(struct fixture *f, struct second *s)
{
    struct identity *all;
    size_t count;

    assert_int_equal(identity_list(f->world.service.store, &s->arena, 1, &all, &count), 0);
    assert_int_equal(count, 1);
    s->identity = all[0];
}

static void add_key(struct task *t, struct fixture *f, struct second *ret)
{
    struct slice text;

    *ret = (struct second){.arena = ARENA_NONE};
    read_identity(f, ret);
    assert_int_equal(second_key_add(t, &f->world.service, ret->identity.id), 0);
    read_identity(f, ret);
    assert_int_equal(identity_record_text(&ret->arena, &ret->identity.second, &text), 0);
    snprintf(ret->text, sizeof ret->text, "%.*s", SLICE_ARG(text));
    snprintf(ret->name, sizeof ret->name, "%.*s",
             SLICE_ARG(identity_record_name(&ret->arena, &ret->identity, &ret->identity.second)));
}

/* A check finds the identity verified, and has the gateway sign with so many keys. */
static void assert_signs(struct task *t, struct fixture *f, size_t keys)
{
    const struct directory_identity *pushed;

    assert_state(t, f, "one", "SUCCESS");
    pushed = &directory_site_by_id(f->world.directory, 1)->identities[0];
    assert_int_equal(pushed->key_count, keys);
    assert_true(pushed->sending && pushed->keys[0].algorithm == KEY_RSA_SHA256);
    if (keys == 2)
        assert_int_equal(pushed->keys[1].algorithm, KEY_ED25519_SHA256);
}

/* The next look comes in so many minutes at least, and in less than one more and the jitter. */
static void assert_next_look(struct fixture *f, struct second *s, int64_t minutes)
{
    int64_t wait_us;

    read_identity(f, s);
    wait_us = s->identity.next_check_us - s->identity.checked_us;
    assert_in_range(wait_us, minutes * minute_us, (minutes * 5 / 4 + 1) * minute_us);
}

static int it_signs_while_its_record_is_right(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    CLEANUP(second_done) struct second second;
    json_t *added;

    (void)argument;
    add_verified(t, &f, &added);
    add_key(t, &f, &second);
    assert_signs(t, &f, 1);
    assert_next_look(&f, &second, 1);
    publish(second.name, second.text);
    assert_signs(t, &f, 2);
    assert_next_look(&f, &second, 240);
    zone.silent = true; /* which proves nothing */
    assert_signs(t, &f, 2);
    zone.silent = false;
    publish(second.name, "");
    assert_signs(t, &f, 1);
    assert_next_look(&f, &second, 1);
    publish(second.name, second.text);
    assert_signs(t, &f, 2);
    publish(second.name, "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    assert_signs(t, &f, 1);
    json_decref(added);
    return 0;
}

/* The client has taken the domain back: a second record that is left does not hold that up. */
static int it_does_not_speak_for_the_domain(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    CLEANUP(second_done) struct second second;
    json_t *added;

    (void)argument;
    add_verified(t, &f, &added);
    f.service.times.revoke_s = 0;
    add_key(t, &f, &second);
    publish(second.name, second.text);
    assert_signs(t, &f, 2);
    for (int i = 0; i < IDENTITY_KEYS; i++)
        withdraw_record(added, i);
    assert_state(t, &f, "one", "TEMPORARY_FAILURE");
    assert_state(t, &f, "one", "FAILED");
    assert_false(is_sending(&f, 1));
    json_decref(added);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DNS_TEST(it_signs_while_its_record_is_right),
        DNS_TEST(it_does_not_speak_for_the_domain),
    };

    log_init("test", LOG_WARNING);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
