#include "app/config_values.h"
#include "base/buffer.h"
#include "runtime/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    int (*read)(struct slice text, void *target);
    const char *text;
    bool good;
} values[] = {
    {config_read_host_name, "mail.example.org", true},
    {config_read_host_name, "MAIL-1.example.org", true},
    {config_read_host_name, "localhost", false},
    {config_read_host_name, "mail..example.org", false},
    {config_read_host_name, "mail.example.org.", false},
    {config_read_host_name, "ma_il.example.org", false},
    {config_read_absolute_path, "/etc/letterhead", true},
    {config_read_absolute_path, "etc/letterhead", false},
    {config_read_absolute_path, "", false},
    {config_read_mail_address, "post@example.org", true},
    {config_read_mail_address, "post", false},
    {config_read_mail_address, "Post <post@example.org>", false},
};

static void texts_are_kept_as_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct slice text = slice_text(values[i].text), value = SLICE_NONE;
        int r = values[i].read(text, &value);

        if ((r == 0) != values[i].good)
            fail_msg("%s: %d", values[i].text, r);
        assert_true(r == 0 ? slice_equal(value, text) : r == -EINVAL && !value.data);
    }
}

static void a_dns_server_may_leave_out_its_port(void **state)
{
    struct endpoint server;

    (void)state;
    assert_int_equal(config_read_dns_server(SLICE("192.0.2.53"), &server), 0);
    assert_int_equal(server.port, 53);
    assert_int_equal(config_read_dns_server(SLICE("[2001:db8::53]:5353"), &server), 0);
    assert_int_equal(server.port, 5353);
    assert_int_equal(config_read_dns_server(SLICE("ns.example.org"), &server), -EINVAL);
    assert_int_equal(config_read_endpoint(SLICE("192.0.2.53"), &server), -EINVAL);
}

static void a_network_has_a_length(void **state)
{
    struct endpoint_network network;

    (void)state;
    assert_int_equal(config_read_network(SLICE("10.1.2.0/24"), &network), 0);
    assert_int_equal(config_read_network(SLICE("10.1.2.0/33"), &network), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_kept_as_they_are),
        cmocka_unit_test(a_dns_server_may_leave_out_its_port),
        cmocka_unit_test(a_network_has_a_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
