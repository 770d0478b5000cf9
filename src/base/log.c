#include "base/log.h"

#include "base/limits.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const char *log_role = "letterhead";
static enum log_level log_most = LOG_INFO;

void log_init(const char *role, enum log_level level)
{
    log_role = role;
    log_most = level;
}

/* Bytes of the well-formed, printable character at the front of s; 0 if it must be escaped. */
static size_t printable(struct slice s)
{
    unsigned char c = (unsigned char)s.data[0];

    if (c < 0x80)
        return c >= 0x20 && c != 0x7f && c != '\\' ? 1 : 0;
    for (size_t n = 2; n <= 4; n++) {
        struct slice candidate = slice_part(s, 0, n);

        if (candidate.size == n && slice_is_utf8(candidate)) {
            unsigned char second = (unsigned char)s.data[1];
            bool c1_control = c == 0xc2 && second < 0xa0;
            /* U+200B..U+200F, U+2028..U+202E, U+2066..U+2069: invisible, or turning the text round
             */
            bool hidden = c == 0xe2 && (second == 0x80 || second == 0x81) && n == 3;

            return c1_control || hidden ? 0 : n;
        }
    }
    return 0;
}

void log_escape(struct slice s, char *out, size_t out_size)
{
    size_t used = 0;

    assert(out_size > 0);
    while (s.size) {
        size_t plain = printable(s);

        if (used + (plain ? plain : 4) >= out_size)
            break;
        if (plain) {
            memcpy(out + used, s.data, plain);
            used += plain;
        } else {
            snprintf(out + used, out_size - used, "\\x%02x", (unsigned char)s.data[0]);
            used += 4;
        }
        s = slice_part(s, plain ? plain : 1, s.size);
    }
    out[used] = 0;
}

void log_line(enum log_level level, const char *format, ...)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    char text[LOG_LINE_BYTES_MAX / 2], line[LOG_LINE_BYTES_MAX];
    struct timespec now;
    struct tm utc;
    va_list arguments;
    int length;
    size_t used;

    if (level > log_most)
        return;
    va_start(arguments, format);
    length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    used = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &utc);
    used += (size_t)snprintf(line + used, sizeof line - used,
                             ".%03ldZ %s %s: ", now.tv_nsec / 1000000, log_role, names[level]);
    log_escape(slice_text(text), line + used, sizeof line - used - 1);
    used = strlen(line);
    line[used++] = '\n';
    (void)!write(STDERR_FILENO, line, used);
}
