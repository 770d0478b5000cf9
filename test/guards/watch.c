/* Preloaded into the supervisor of a test: has the roles named in GUARDS_WATCH started under
 * callgrind, which writes what it counted to GUARDS_FOLDER.
 *
 * The supervisor starts roles by execveat, with the descriptors, user and arguments that they are
 * to have; valgrind in between inherits them, so what is counted is the role as it is shipped. Only
 * the vault differs: valgrind does not know seccomp, so it is told that its filter was loaded. */
#include <dlfcn.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 200, TEXT_BYTES = 4096 };

/* The role's own arguments are letterhead, role, NAME, ... */
static bool is_watched(char *const *arguments)
{
    const char *roles = getenv("GUARDS_WATCH");

    return roles && arguments[0] && arguments[1] && arguments[2] &&
           strcmp(arguments[1], "role") == 0 && strstr(roles, arguments[2]);
}

static int start_under_callgrind(int executable, char *const *arguments)
{
    static char program[TEXT_BYTES], output[TEXT_BYTES], preload[TEXT_BYTES];
    static char name[] = "valgrind", tool[] = "--tool=callgrind";
    char *command[ARGUMENTS_MAX + 4] = {name, tool, output, program};
    char *environment[] = {preload, NULL};
    char path[64];
    ssize_t length;

    snprintf(path, sizeof path, "/proc/self/fd/%d", executable);
    length = readlink(path, program, sizeof program - 1);
    if (length < 0)
        return -1;
    program[length] = '\0';
    snprintf(output, sizeof output, "--callgrind-out-file=%s/%s", getenv("GUARDS_FOLDER"),
             arguments[2]);
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", getenv("LD_PRELOAD"));
    for (int i = 1; arguments[i] && i < ARGUMENTS_MAX; i++)
        command[i + 3] = arguments[i];
    return execve("/usr/bin/valgrind", command, environment);
}

/* What libseccomp wants to hear before it believes that the kernel can do it. */
static long pretend_seccomp(long operation, const void *filter)
{
    errno = operation == SECCOMP_SET_MODE_STRICT ? EINVAL : EFAULT;
    if (operation == SECCOMP_SET_MODE_STRICT)
        return -1;
    return operation == SECCOMP_SET_MODE_FILTER && !filter ? -1 : 0;
}

/* libc's, which the supervisor calls for execveat, and libseccomp in what is watched. */
long syscall(long number, ...)
{
    static long (*next)(long, ...);
    long values[6];
    va_list list;

    va_start(list, number);
    for (int i = 0; i < 6; i++)
        values[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_execveat && is_watched((char *const *)(intptr_t)values[2]))
        return start_under_callgrind((int)values[0], (char *const *)(intptr_t)values[2]);
    if (number == SYS_seccomp)
        return pretend_seccomp(values[0], (const void *)(intptr_t)values[2]);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "syscall");
    return next(number, values[0], values[1], values[2], values[3], values[4], values[5]);
}
