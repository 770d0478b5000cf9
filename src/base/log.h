/* One line an event on standard error: time (UTC), role, level, text. Whatever strangers put into
 * the text cannot break the line or the terminal: control characters and bytes that are not UTF-8
 * come out as \xNN, and a line is cut at LOG_LINE_BYTES_MAX. No secret and no message body is ever
 * passed in. */
#ifndef LETTERHEAD_BASE_LOG_H
#define LETTERHEAD_BASE_LOG_H

#include "base/slice.h"

enum log_level { LOG_SILENT = -1, LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* The role's name in each line; lines above `level` are dropped, with LOG_SILENT all. Called once,
 * at start-up. */
void log_init(const char *role, enum log_level level);
void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

/* Writes `s` to `out` made harmless as above, cut to out_size - 1 bytes and ended by NUL. */
void log_escape(struct slice s, char *out, size_t out_size);

#endif
