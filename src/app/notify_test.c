#include "app/notify.h"

#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* Binds a datagram socket where systemd's would be, and names it in the environment. */
static int listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int datagrams = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    size_t length = strlen(name);

    memcpy(address.sun_path, name, length);
    if (name[0] == '@')
        address.sun_path[0] = 0;
    assert_int_equal(bind(datagrams, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
    return datagrams;
}

static void assert_told(int datagrams)
{
    char text[64] = "";

    notify_send("READY=1");
    assert_int_equal(recv(datagrams, text, sizeof text, 0), 7);
    assert_string_equal(text, "READY=1");
    close(datagrams);
}

static void systemd_is_told(void **state)
{
    char name[64];

    (void)state;
    snprintf(name, sizeof name, "@letterhead-notify-%d", (int)getpid());
    assert_told(listen_at(name));
    snprintf(name, sizeof name, "/tmp/letterhead-notify-%d", (int)getpid());
    assert_told(listen_at(name));
    unlink(name);
}

static void nobody_is_told_when_nobody_asks(void **state)
{
    static const char *const names[] = {"relative/path", "", "/no/such/socket"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        notify_send("READY=1");
    }
    unsetenv("NOTIFY_SOCKET");
    notify_send("READY=1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(systemd_is_told),
        cmocka_unit_test(nobody_is_told_when_nobody_asks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
