#include "runtime/tls_sessions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

/* As a ticket would make it: new, of TLS 1.3. */
static SSL_SESSION *make_session(long age_s)
{
    SSL_SESSION *session = SSL_SESSION_new();

    SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION);
    SSL_SESSION_set1_id(session, (const unsigned char *)"id", 2);
    SSL_SESSION_set_time(session, (long)time(NULL) - age_s);
    return session;
}

static void sessions_are_bounded(void **state)
{
    enum { MAX = 10 };
    struct tls_sessions *sessions = tls_sessions_new(MAX);
    struct tls_session_key key = {{1}};
    SSL_SESSION *session;

    (void)state;
    for (int i = 0; i < 2 * TLS_SESSIONS_A_KEY_MAX; i++)
        tls_sessions_put(sessions, &key, make_session(0));
    assert_int_equal(tls_sessions_count(sessions), TLS_SESSIONS_A_KEY_MAX);
    for (unsigned char i = 2; i < 50; i++) {
        key.bytes[0] = i;
        tls_sessions_put(sessions, &key, make_session(0));
    }
    assert_int_equal(tls_sessions_count(sessions), MAX);
    key.bytes[0] = 1; /* the oldest have gone */
    assert_null(tls_sessions_take(sessions, &key));
    key.bytes[0] = 49;
    session = tls_sessions_take(sessions, &key);
    assert_non_null(session);
    SSL_SESSION_free(session);
    assert_null(tls_sessions_take(sessions, &key)); /* each once */
    tls_sessions_free(sessions);
}

static void old_sessions_are_not_used(void **state)
{
    struct tls_sessions *sessions = tls_sessions_new(10);
    static const long ages_s[] = {TLS_SESSION_AGE_MAX_S + 1, -60};
    struct tls_session_key key = {{1}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ages_s); i++) {
        tls_sessions_put(sessions, &key, make_session(ages_s[i]));
        assert_null(tls_sessions_take(sessions, &key));
        assert_int_equal(tls_sessions_count(sessions), 0);
    }
    tls_sessions_free(sessions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_are_bounded),
        cmocka_unit_test(old_sessions_are_not_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
