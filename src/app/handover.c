#include "app/handover.h"

#include "app/role.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int judge_access(const char *what, const char *path, enum handover_strictness strictness,
                        const struct stat *status)
{
    mode_t forbidden = strictness == HANDOVER_OWNER_ALONE ? 077
                       : strictness == HANDOVER_NOT_WORLD ? 007
                                                          : 0;

    if (strictness != HANDOVER_PUBLIC && status->st_uid != 0 && status->st_uid != geteuid()) {
        log_error("%s: %s belongs to user %u: whoever that is could replace it. chown root it.",
                  what, path, status->st_uid);
        return -EPERM;
    }
    if (status->st_mode & forbidden) {
        log_error("%s: %s has mode %04o, so others can get at it. chmod %s it.", what, path,
                  status->st_mode & 07777, strictness == HANDOVER_OWNER_ALONE ? "0400" : "0640");
        return -EPERM;
    }
    return 0;
}

static int judge_kind(const char *what, const char *path, const struct stat *status)
{
    if (!S_ISREG(status->st_mode) || status->st_size == 0) {
        log_error("%s: %s is empty, or no file", what, path);
        return -EINVAL;
    }
    if (status->st_size > ROLE_HANDED_BYTES_MAX) {
        log_error("%s: %s is larger than %d bytes: is it the right file?", what, path,
                  ROLE_HANDED_BYTES_MAX);
        return -EFBIG;
    }
    return 0;
}

static int read_all(int file, struct secret *room)
{
    size_t size = 0;

    while (size < room->size) {
        ssize_t n = read(file, room->data + size, room->size - size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        size += (size_t)n;
    }
    return 0;
}

int handover_read(const char *what, const char *path, enum handover_strictness strictness,
                  struct secret *ret)
{
    CLEANUP(base_close_descriptor) int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    CLEANUP(secret_done) struct secret room = SECRET_NONE;
    struct stat status;
    int r;

    if (file < 0 || fstat(file, &status) < 0) {
        r = -errno;
        log_error("%s: %s cannot be read: %s", what, path, strerror(-r));
        return r;
    }
    r = judge_kind(what, path, &status);
    if (r == 0)
        r = judge_access(what, path, strictness, &status);
    if (r < 0)
        return r;
    secret_init(&room, (size_t)status.st_size);
    r = read_all(file, &room);
    if (r < 0) {
        log_error("%s: %s cannot be read: %s", what, path, strerror(-r));
        return r;
    }
    *ret = room;
    room = SECRET_NONE;
    return 0;
}

/* All of it must fit at once, since nobody reads yet. */
int handover_pipe(struct slice contents, int *ret_read_end)
{
    CLEANUP(base_close_descriptor) int write_end = -1;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    write_end = ends[1];
    (void)fcntl(write_end, F_SETPIPE_SZ, ROLE_HANDED_BYTES_MAX);
    if (contents.size && write(write_end, contents.data, contents.size) != (ssize_t)contents.size) {
        close(ends[0]);
        return -ENOBUFS;
    }
    (void)fcntl(ends[0], F_SETFL, 0);
    *ret_read_end = ends[0];
    return 0;
}
