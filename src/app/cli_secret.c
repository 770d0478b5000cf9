#include "app/cli_secret.h"

#include "wire/base64.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static int fail(char **ret_problem, const char *format, ...) PRINTF_LIKE(2, 3);

static int fail(char **ret_problem, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(ret_problem, format, arguments) < 0)
        abort();
    va_end(arguments);
    return -EINVAL;
}

/* Up to the end, or to that of a line where somebody types. */
static ssize_t read_into(int file, bool line, struct secret *room)
{
    size_t size = 0;
    ssize_t got = 0;

    while (size < room->size) {
        got = read(file, room->data + size, line ? 1 : room->size - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        size += (size_t)got;
        if (line && room->data[size - 1] == '\n')
            break;
    }
    return got < 0 ? -errno : (ssize_t)size;
}

static int read_line(int file, bool line, struct secret *ret, char **ret_problem)
{
    CLEANUP(secret_done) struct secret room = SECRET_NONE;
    struct slice text;
    ssize_t size;

    secret_init(&room, CLI_SECRET_BYTES_MAX);
    size = read_into(file, line, &room);
    if (size < 0)
        return fail(ret_problem, "the password cannot be read: %s", strerror((int)-size));
    text = slice_of(room.data, (size_t)size);
    if (text.size && text.data[text.size - 1] == '\n')
        text.size--;
    if (text.size && text.data[text.size - 1] == '\r')
        text.size--;
    if (text.size == 0)
        return fail(ret_problem, "the password is empty");
    if (slice_find(text, '\n') >= 0 || (size_t)size == room.size)
        return fail(ret_problem, "the password is not one line of at most %d bytes",
                    CLI_SECRET_BYTES_MAX - 1);
    secret_copy(ret, text);
    return 0;
}

static bool is_text(struct slice bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        char c = bytes.data[i];

        if ((c < ' ' && c != '\n' && c != '\r' && c != '\t') || c == 0x7f)
            return false;
    }
    return slice_is_ascii(bytes);
}

static void copy_as_text(struct secret *ret, struct slice bytes)
{
    struct buffer text = BUFFER_NONE;

    if (is_text(bytes)) {
        secret_copy(ret, bytes);
        return;
    }
    buffer_reserve(&text, wire_base64_encoded_size(bytes.size)); /* it must not move */
    wire_base64_encode(&text, bytes);
    secret_copy(ret, buffer_slice(&text));
    secret_wipe(text.data, text.size);
    buffer_done(&text);
}

static int read_whole(int file, struct secret *ret, char **ret_problem)
{
    CLEANUP(secret_done) struct secret room = SECRET_NONE;
    ssize_t size;

    secret_init(&room, CLI_SECRET_BYTES_MAX);
    size = read_into(file, false, &room);
    if (size < 0)
        return fail(ret_problem, "it cannot be read: %s", strerror((int)-size));
    if (size == 0 || (size_t)size == room.size)
        return fail(ret_problem, "it is empty, or has more than %d bytes",
                    CLI_SECRET_BYTES_MAX - 1);
    copy_as_text(ret, slice_of(room.data, (size_t)size));
    return 0;
}

int cli_secret_from_file(const char *path, bool whole, struct secret *ret, char **ret_problem)
{
    int file = open(path, O_RDONLY | O_CLOEXEC), r;

    if (file < 0)
        return fail(ret_problem, "%s cannot be read: %s", path, strerror(errno));
    r = whole ? read_whole(file, ret, ret_problem) : read_line(file, false, ret, ret_problem);
    close(file);
    return r;
}

int cli_secret_from_descriptor(const char *number, bool whole, struct secret *ret,
                               char **ret_problem)
{
    uint64_t file;

    if (slice_to_u64(slice_text(number), 1 << 20, &file) < 0)
        return fail(ret_problem, "\"%s\" is not the number of a descriptor", number);
    return whole ? read_whole((int)file, ret, ret_problem)
                 : read_line((int)file, false, ret, ret_problem);
}

bool cli_secret_can_ask(void)
{
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);

    if (terminal < 0)
        return false;
    close(terminal);
    return true;
}

int cli_secret_ask(const char *what, struct secret *ret, char **ret_problem)
{
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC), r;
    struct termios before, silent;

    if (terminal < 0 || tcgetattr(terminal, &before) < 0) {
        if (terminal >= 0)
            close(terminal);
        return fail(ret_problem,
                    "there is no terminal to ask for the %s on: use --%s-file or --%s-fd", what,
                    what, what);
    }
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(terminal, TCSAFLUSH, &silent);
    dprintf(terminal, "The %s (it is not shown): ", what);
    r = read_line(terminal, true, ret, ret_problem);
    dprintf(terminal, "\n");
    (void)tcsetattr(terminal, TCSAFLUSH, &before);
    close(terminal);
    return r;
}
