#include "app/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define HEAD "hostname: mail.example.net\ndelivery: {bounce_domain: bounce.example.net}\n"
#define LISTENER                                                                                   \
    "submission: {listeners: [{address: \"127.0.0.1:25\", tls: none, credential: X}]}\n"
#define TLS "tls: {certificate: /c, key: /k}\n"

static int load_text(const char *text, struct config **ret, struct buffer *problems)
{
    char path[] = "/tmp/letterhead-config-XXXXXX";
    int file = mkstemp(path), r;

    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
    r = config_load(path, ret, problems);
    unlink(path);
    return r;
}

static void the_example_is_valid(void **state)
{
    CLEANUP(buffer_done) struct buffer problems = BUFFER_NONE;
    struct config *config;
    const struct config_listener *listeners;

    (void)state;
    if (config_load(LETTERHEAD_EXAMPLE_CONFIG, &config, &problems) < 0)
        fail_msg("%.*s", SLICE_ARG(buffer_slice(&problems)));
    listeners = config->listeners.items;
    assert_int_equal(config->listeners.count, 2);
    assert_int_equal(listeners[0].address.port, 587);
    assert_int_equal(listeners[1].tls, CONFIG_TLS_IMPLICIT);
    assert_true(slice_equal(config->hostname, SLICE("mail.example.net")));
    assert_int_equal(config->lifetime_s, 4 * 86400);
    assert_int_equal(config->retry_delays.count, 6);
    assert_int_equal(config->message_size_max_bytes, 40 << 20);
    config_free(config);
}

/* What is commented out in the example must be the default, word for word: with all `#key` lines
 * made live the file still loads, and means the same. */
static void the_example_shows_the_defaults(void **state)
{
    CLEANUP(buffer_done) struct buffer problems = BUFFER_NONE, live = BUFFER_NONE;
    struct config *as_is, *all_live;
    FILE *file = fopen(LETTERHEAD_EXAMPLE_CONFIG, "r");
    char line[1000];

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        char *mark = strchr(line, '#');

        if (mark && mark[1] >= 'a' && mark[1] <= 'z' && !strstr(line, "allow_networks"))
            memmove(mark, mark + 1, strlen(mark));
        buffer_add(&live, slice_text(line));
    }
    fclose(file);
    buffer_add_byte(&live, 0);
    assert_int_equal(config_load(LETTERHEAD_EXAMPLE_CONFIG, &as_is, &problems), 0);
    if (load_text(live.data, &all_live, &problems) < 0)
        fail_msg("%.*s", SLICE_ARG(buffer_slice(&problems)));
    assert_int_equal(as_is->connections_per_provider_max, all_live->connections_per_provider_max);
    assert_int_equal(as_is->messages_per_connection_max, all_live->messages_per_connection_max);
    assert_int_equal(as_is->spool_max_bytes, all_live->spool_max_bytes);
    assert_int_equal(as_is->spool_reserve_bytes, all_live->spool_reserve_bytes);
    assert_int_equal(as_is->submission_memory_max_bytes, all_live->submission_memory_max_bytes);
    assert_int_equal(as_is->lifetime_s, all_live->lifetime_s);
    assert_int_equal(as_is->key_bits, all_live->key_bits);
    assert_int_equal(as_is->dkim_records, all_live->dkim_records);
    assert_int_equal(as_is->dkim_rotate_every_s, all_live->dkim_rotate_every_s);
    assert_int_equal(as_is->publishing_ttl_s, all_live->publishing_ttl_s);
    assert_int_equal(as_is->identity_patience_s, all_live->identity_patience_s);
    assert_int_equal(as_is->identity_grace_s, all_live->identity_grace_s);
    assert_int_equal(as_is->history_keep_s, all_live->history_keep_s);
    assert_int_equal(as_is->signers, all_live->signers);
    assert_int_equal(as_is->retry_delays.count, all_live->retry_delays.count);
    assert_memory_equal(as_is->retry_delays.items, all_live->retry_delays.items,
                        sizeof(uint64_t) * as_is->retry_delays.count);
    assert_true(slice_equal(as_is->user, all_live->user));
    assert_true(slice_equal(as_is->vault_user, all_live->vault_user));
    assert_true(slice_equal(as_is->control_socket, all_live->control_socket));
    assert_true(slice_equal(as_is->master_key_file, all_live->master_key_file));
    assert_true(slice_equal(as_is->authorities_file, all_live->authorities_file));
    assert_true(slice_equal(as_is->relay_authorities, all_live->relay_authorities));
    assert_int_equal(as_is->dane, all_live->dane);
    assert_true(slice_equal(as_is->tls_reports_site, all_live->tls_reports_site));
    assert_true(slice_equal(as_is->tls_reports_from, all_live->tls_reports_from));
    assert_true(slice_equal(as_is->dane_signed_name, all_live->dane_signed_name));
    assert_true(slice_equal(as_is->dane_bogus_name, all_live->dane_bogus_name));
    config_free(as_is);
    config_free(all_live);
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {HEAD "submission: {listeners: [{address: \"0.0.0.0:587\"}]}\n",
         ":3: submission.listeners[0]: needs tls"},
        {HEAD TLS
         "submission:\n  listeners:\n    - {address: 0.0.0.0:25, tls: none, credential: X}\n",
         ":6: submission.listeners[0]: \"tls: none\" is for an application on this very machine"},
        {HEAD TLS "submission:\n  listeners:\n    - {address: 127.0.0.1:25, tls: none}\n",
         ":6: submission.listeners[0]: \"tls: none\""},
        {HEAD TLS "submission:\n  listeners:\n    - {address: 127.0.0.1:25, credential: X}\n",
         ":6: submission.listeners[0]: a credential goes only with"},
        {HEAD "tls: {certificate: /c}\nsubmission: {listeners: [{address: \"0.0.0.0:587\"}]}\n",
         ":3: tls: certificate and key go together"},
        {HEAD TLS "submission: {listeners: []}\n",
         ":4: submission.listeners: has 0 items; use 1 to 16"},
        {HEAD TLS "submission: {listeners: [{address: \"mail:587\"}]}\n",
         ":4: submission.listeners[0].address: \"mail:587\" is not an address with a port"},
        {HEAD LISTENER "publishing: {zone: dkim.example.net, server: 127.0.0.1}\n",
         ":4: publishing: zone, server and tsig_key_file go together"},
        {HEAD LISTENER "dkim: {records: cname}\n",
         ": dkim.records: cname needs a zone to lead into"},
        {"hostname: localhost\n", ":1: hostname: \"localhost\" is not a host name such as"},
        {HEAD "resolver: {forward: [nonsense]}\n",
         ":3: resolver.forward[0]: \"nonsense\" is not an address"},
        {HEAD TLS "submission: {listeners: [{address: \"0.0.0.0:587\"}]}\n"
                  "tls_reports: {site: platform, from: tls@example.net}\n",
         ":5: tls_reports: site, from and organization go together"},
        {HEAD "tls_reports: {site: platform, from: tls, organization: Us}\n",
         ":3: tls_reports.from: \"tls\" is not a mail address"},
        {HEAD "data_directory: var\n",
         ":3: data_directory: \"var\" is not a path that begins with /"},
        {"delivery: {bounce_domain: b.example, allow_networks: [10.0.0.0/33]}\n",
         ":1: delivery.allow_networks[0]: \"10.0.0.0/33\" is not a network"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buffer_done) struct buffer problems = BUFFER_NONE;
        struct config *config;

        assert_int_equal(load_text(cases[i].text, &config, &problems), -EINVAL);
        if (slice_find_slice(buffer_slice(&problems), slice_text(cases[i].words)) < 0)
            fail_msg("\"%s\" is not in: %.*s", cases[i].words, SLICE_ARG(buffer_slice(&problems)));
    }
}

static void a_missing_file_is_told(void **state)
{
    CLEANUP(buffer_done) struct buffer problems = BUFFER_NONE;
    struct config *config;

    (void)state;
    assert_int_equal(config_load("/nonexistent/letterhead.yaml", &config, &problems), -ENOENT);
    assert_true(
        slice_find_slice(buffer_slice(&problems), SLICE("name another file with --config")) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_is_valid),
        cmocka_unit_test(the_example_shows_the_defaults),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(a_missing_file_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
