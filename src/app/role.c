#include "app/role.h"

#include "app/privileges.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const names[ROLE_COUNT] = {
    [ROLE_VAULT] = "vault",
    [ROLE_STEWARD] = "steward",
    [ROLE_GATEWAY] = "gateway",
};

const char *role_name(enum role role)
{
    return names[role];
}

const char *role_spool_name(unsigned gateway, char out[static ROLE_SPOOL_NAME_BYTES])
{
    if (gateway == 1)
        snprintf(out, ROLE_SPOOL_NAME_BYTES, "spool");
    else
        snprintf(out, ROLE_SPOOL_NAME_BYTES, "spool-%u", gateway);
    return out;
}

static int find_role(const char *name, enum role *ret)
{
    for (enum role role = 0; role < ROLE_COUNT; role++)
        if (strcmp(name, names[role]) == 0) {
            *ret = role;
            return 0;
        }
    return -EINVAL;
}

static int read_number(const char *text, uint64_t max, unsigned *ret)
{
    uint64_t number;
    int r = slice_to_u64(slice_text(text), max, &number);

    if (r == 0)
        *ret = (unsigned)number;
    return r;
}

static int take_gateway(struct role_start *start, bool draining, const char *value)
{
    unsigned number = 0;
    int r = read_number(value, ROLE_GATEWAYS_MAX, &number);

    if (r != 0 || number == 0 || start->gateway_count == ROLE_GATEWAYS_MAX)
        return -EINVAL;
    start->gateways[start->gateway_count++] = (struct role_gateway){number, draining};
    return 0;
}

/* "1/4": the second of four. */
static int take_share(struct role_start *start, const char *value)
{
    struct slice rest = slice_text(value), index;
    uint64_t numbers[2];

    if (!slice_cut(&rest, '/', &index) || slice_to_u64(index, ROLE_GATEWAYS_MAX, &numbers[0]) < 0 ||
        slice_to_u64(rest, ROLE_GATEWAYS_MAX, &numbers[1]) < 0 || numbers[0] >= numbers[1])
        return -EINVAL;
    start->share = (struct share){(unsigned)numbers[0], (unsigned)numbers[1]};
    return 0;
}

static int take_option(struct role_start *start, int option, const char *value)
{
    unsigned level;
    int r = 0;

    switch (option) {
    case 'c':
        start->config_path = value;
        return 0;
    case 'l':
        if (start->listener_count == ROLE_LISTENERS_MAX)
            return -EINVAL;
        start->listeners[start->listener_count++] = value;
        return 0;
    case 'g':
    case 'd':
        return take_gateway(start, option == 'd', value);
    case 'p':
        return take_share(start, value);
    case 'r':
        start->region = value;
        return 0;
    case 's':
        return read_number(value, INT32_MAX, &start->signers);
    case 'v':
        r = read_number(value, LOG_DEBUG, &level);
        if (r == 0)
            start->log_level = (enum log_level)level;
        return r;
    }
    return -EINVAL;
}

static int read_arguments(int argc, char **argv, struct role_start *ret)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"listener", required_argument, NULL, 'l'},
                                            {"region", required_argument, NULL, 'r'},
                                            {"signers", required_argument, NULL, 's'},
                                            {"gateway", required_argument, NULL, 'g'},
                                            {"draining", required_argument, NULL, 'd'},
                                            {"share", required_argument, NULL, 'p'},
                                            {"log-level", required_argument, NULL, 'v'},
                                            {NULL, 0, NULL, 0}};
    struct role_start start = {.config_path = "", .region = "", .log_level = LOG_INFO};
    int option, r = find_role(argv[0], &start.role);

    opterr = 0;
    optind = 1;
    while (r == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1)
        r = take_option(&start, option, optarg);
    if (r == 0 && optind != argc)
        r = -EINVAL;
    if (start.gateway_count == 0)
        start.gateways[start.gateway_count++] = (struct role_gateway){.number = 1};
    if (r == 0)
        *ret = start;
    return r;
}

/* The supervisor gives every role its sockets; a person at a terminal does not. */
static bool is_started_by_supervisor(void)
{
    int type = 0;
    socklen_t size = sizeof type;

    return getsockopt(ROLE_FD_FIRST, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
           type == SOCK_SEQPACKET;
}

/* In the log each of several gateways has its number. The log keeps the name. */
static void start_log(const struct role_start *start)
{
    static char name[24];

    snprintf(name, sizeof name, "%s", role_name(start->role));
    if (start->role == ROLE_GATEWAY && (start->share.count > 1 || start->gateways[0].number > 1))
        snprintf(name, sizeof name, "gateway %u", start->gateways[0].number);
    log_init(name, start->log_level);
}

int role_begin(int argc, char **argv, struct role_start *ret)
{
    char title[16];
    int r = read_arguments(argc, argv, ret);

    if (r < 0 || !is_started_by_supervisor()) {
        fputs("letterhead role: is only for the supervisor; use `letterhead serve`\n", stderr);
        return -EINVAL;
    }
    start_log(ret);
    snprintf(title, sizeof title, "lh-%s", role_name(ret->role));
    prctl(PR_SET_NAME, title, 0, 0, 0);
    privileges_harden();
    return 0;
}

int role_read_handed(int descriptor, struct secret *ret)
{
    CLEANUP(secret_done) struct secret room = SECRET_NONE;
    CLEANUP(base_close_descriptor) int closing = descriptor;
    size_t size = 0;

    secret_init(&room, ROLE_HANDED_BYTES_MAX + 1);
    for (;;) {
        ssize_t n = read(closing, room.data + size, room.size - size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        size += (size_t)n;
        if (size > ROLE_HANDED_BYTES_MAX)
            return -EFBIG;
    }
    secret_copy(ret, slice_of(room.data, size));
    return 0;
}
