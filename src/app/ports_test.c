#include "app/ports.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static const struct endpoint loopback = {.family = 4, .address = {127, 0, 0, 1}};
static const struct endpoint loopback_v6 = {.family = 6, .address = {[15] = 1}};

static uint16_t port_of(int socket)
{
    struct sockaddr_in6 address; /* the port lies at the same place for both families */
    socklen_t size = sizeof address;

    assert_int_equal(getsockname(socket, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin6_port);
}

static void a_port_is_listened_on(void **state)
{
    struct endpoint same = loopback;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener, second, client = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(ports_listen("submission", &loopback, &listener), 0);
    assert_true(fcntl(listener, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(listener, F_GETFD) & FD_CLOEXEC);
    same.port = port_of(listener);
    address.sin_port = htons(same.port);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(ports_listen("again", &same, &second), -EADDRINUSE);
    close(client);
    close(listener);
}

static void both_families_share_a_port(void **state)
{
    struct endpoint v6 = loopback_v6;
    int listener, second, r;

    (void)state;
    assert_int_equal(ports_listen("submission", &loopback, &listener), 0);
    v6.port = port_of(listener);
    r = ports_listen("submission", &v6, &second);
    if (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL) {
        print_message("skipped: no IPv6 here\n");
        close(listener);
        skip();
    }
    assert_int_equal(r, 0);
    assert_int_equal(port_of(second), v6.port);
    close(second);
    close(listener);
}

struct place {
    char directory[32];
    char path[64];
};

static int set_up(void **state)
{
    struct place *place = base_allocate(sizeof *place);

    snprintf(place->directory, sizeof place->directory, "/tmp/ports_test_XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    snprintf(place->path, sizeof place->path, "%s/control.sock", place->directory);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;

    (void)unlink(place->path);
    assert_int_equal(rmdir(place->directory), 0);
    free(place);
    return 0;
}

static void the_control_socket_has_its_mode(void **state)
{
    struct place *place = *state;
    struct privileges_user group = {64901, getegid() == 0 ? 64902 : getegid()};
    struct stat status;
    int listener;

    assert_int_equal(ports_listen_control(place->path, 0660, &group, &listener), 0);
    assert_int_equal(lstat(place->path, &status), 0);
    assert_int_equal(status.st_mode, S_IFSOCK | 0660);
    assert_int_equal(status.st_uid, geteuid());
    assert_int_equal(status.st_gid, group.gid);
    close(listener);
}

static void a_socket_left_behind_is_replaced_and_a_living_one_is_not(void **state)
{
    struct place *place = *state;
    int first, second;

    assert_int_equal(ports_listen_control(place->path, 0600, NULL, &first), 0);
    assert_int_equal(ports_listen_control(place->path, 0600, NULL, &second), -EADDRINUSE);
    close(first);
    assert_int_equal(ports_listen_control(place->path, 0600, NULL, &second), 0);
    close(second);
}

static void another_file_is_left_alone(void **state)
{
    struct place *place = *state;
    int listener, file = open(place->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    assert_true(file >= 0);
    close(file);
    assert_int_equal(ports_listen_control(place->path, 0600, NULL, &listener), -EEXIST);
    assert_int_equal(access(place->path, F_OK), 0);
}

static void a_path_too_long_is_refused(void **state)
{
    char path[200];
    int listener;

    (void)state;
    memset(path, 'x', sizeof path);
    path[0] = '/';
    path[sizeof path - 1] = 0;
    assert_int_equal(ports_listen_control(path, 0600, NULL, &listener), -ENAMETOOLONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_is_listened_on),
        cmocka_unit_test(both_families_share_a_port),
        cmocka_unit_test_setup_teardown(the_control_socket_has_its_mode, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_socket_left_behind_is_replaced_and_a_living_one_is_not,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_file_is_left_alone, set_up, tear_down),
        cmocka_unit_test(a_path_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
