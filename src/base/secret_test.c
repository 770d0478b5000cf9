#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>

#include <cmocka.h>

static void wiped_memory_is_zero(void **state)
{
    char memory[] = "a password";

    (void)state;
    secret_wipe(memory, sizeof memory);
    for (size_t i = 0; i < sizeof memory; i++)
        assert_int_equal(memory[i], 0);
}

static void a_secret_begins_as_zeros_or_as_a_copy(void **state)
{
    CLEANUP(secret_done) struct secret zeros = SECRET_NONE, copy = SECRET_NONE;

    (void)state;
    secret_init(&zeros, 5000);
    for (size_t i = 0; i < zeros.size; i++)
        assert_int_equal(zeros.data[i], 0);
    secret_copy(&copy, SLICE("a password"));
    assert_true(slice_equal(secret_slice(&copy), SLICE("a password")));
}

/* The kernel's flags of the mapping at an address, from /proc/self/smaps. */
static void mapping_flags(const void *address, char *out, size_t size)
{
    FILE *file = fopen("/proc/self/smaps", "re");
    char line[512];
    bool here = false;

    *out = 0;
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        void *start, *end;

        if (sscanf(line, "%p-%p ", &start, &end) == 2)
            here = address >= start && address < end;
        if (here && strncmp(line, "VmFlags:", 8) == 0)
            snprintf(out, size, "%s", line + 8);
    }
    fclose(file);
}

/* "dd": not in a core dump. */
static void a_secret_is_in_no_core_dump(void **state)
{
    CLEANUP(secret_done) struct secret secret = SECRET_NONE;
    char flags[512];

    (void)state;
    secret_copy(&secret, SLICE("a password"));
    mapping_flags(secret.data, flags, sizeof flags);
    assert_non_null(strstr(flags, " dd"));
}

/* Pages that were given back are zeroed by the kernel before anyone gets them again. */
static void a_secret_that_is_done_is_nowhere(void **state)
{
    struct secret secret;
    unsigned char resident;
    char *data;

    (void)state;
    secret_copy(&secret, SLICE("a password"));
    data = secret.data;
    secret_done(&secret);
    assert_null(secret.data);
    assert_int_equal(secret.size, 0);
    assert_int_equal(mincore(data, 1, &resident), -1);
    assert_int_equal(errno, ENOMEM);
    secret_done(&secret); /* twice is no harm */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wiped_memory_is_zero),
        cmocka_unit_test(a_secret_begins_as_zeros_or_as_a_copy),
        cmocka_unit_test(a_secret_is_in_no_core_dump),
        cmocka_unit_test(a_secret_that_is_done_is_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
