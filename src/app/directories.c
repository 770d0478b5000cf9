#include "app/directories.h"

#include "app/privileges.h"
#include "base/log.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIRECTORY_PATH_BYTES = 1024 };

static int fail(const char *path, const char *what)
{
    int error = errno;

    log_error("%s: %s: %s; make it by hand, or name another place in the configuration", path, what,
              strerror(error));
    return -error;
}

/* Only what this very call made changes hands: an operator's own choice of owner stays. */
static int make(const char *path, mode_t mode, const char *user)
{
    struct privileges_user owner;
    int r;

    if (mkdir(path, mode) < 0)
        return errno == EEXIST ? 0 : fail(path, "cannot make the directory");
    if (geteuid() != 0)
        return 0;
    r = privileges_find_user(user, &owner);
    if (r < 0) {
        log_error("user \"%s\" of the configuration: %s", user, strerror(-r));
        return r;
    }
    return chown(path, owner.uid, owner.gid) < 0 ? fail(path, "cannot give the directory away") : 0;
}

static int make_parent(struct slice path, mode_t mode, const char *user)
{
    char parent[DIRECTORY_PATH_BYTES];
    ssize_t slash = slice_find_last(path, '/');

    if (slash <= 0 || (size_t)slash >= sizeof parent)
        return 0;
    snprintf(parent, sizeof parent, "%.*s", (int)slash, path.data);
    return make(parent, mode, user);
}

static void spool_path(struct slice data_directory, unsigned gateway,
                       char ret[static DIRECTORY_PATH_BYTES])
{
    char name[ROLE_SPOOL_NAME_BYTES];

    snprintf(ret, DIRECTORY_PATH_BYTES, "%.*s/%s", SLICE_ARG(data_directory),
             role_spool_name(gateway, name));
}

int directories_make(struct slice data_directory, struct slice control_socket, unsigned gateways,
                     const char *user)
{
    char path[DIRECTORY_PATH_BYTES];
    int r;

    snprintf(path, sizeof path, "%.*s", SLICE_ARG(data_directory));
    r = make(path, 0750, user);
    for (unsigned i = 1; i <= gateways && r == 0; i++) {
        spool_path(data_directory, i, path);
        r = make(path, 0700, user);
    }
    return r < 0 ? r : make_parent(control_socket, 0755, user);
}

static bool is_there(struct slice data_directory, unsigned gateway)
{
    char path[DIRECTORY_PATH_BYTES];
    struct stat status;

    spool_path(data_directory, gateway, path);
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

size_t directories_gateways(struct slice data_directory, unsigned gateways,
                            struct role_gateway ret[static ROLE_GATEWAYS_MAX])
{
    size_t count = 0;

    assert(gateways <= ROLE_GATEWAYS_MAX);
    for (unsigned i = 1; i <= ROLE_GATEWAYS_MAX; i++)
        if (i <= gateways || is_there(data_directory, i))
            ret[count++] = (struct role_gateway){.number = i, .draining = i > gateways};
    return count;
}
