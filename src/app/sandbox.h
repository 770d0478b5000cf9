/* The vault's sandbox: what is left to it is memory, its sockets, its log, the clock and random
 * numbers. It can open no file, make no socket, start no process and map no new code; trying ends
 * the process.
 *
 * Two steps, because one is per thread and the other for all of them: sandbox_prepare before the
 * first thread is started, sandbox_close when all threads have done what they do once. */
#ifndef LETTERHEAD_APP_SANDBOX_H
#define LETTERHEAD_APP_SANDBOX_H

#include "base/base.h"

/* Builds with a sanitizer may make the few calls more that it needs to watch; and what it only
 * tries when it reports fails there instead of killing, so that the report comes out. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_INSTRUMENTED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANDBOX_INSTRUMENTED 1
#endif
#endif

/* Landlock: no file, no port, no signal to others. Where the kernel has none this says so in the
 * log and goes on, since sandbox_close covers all of it. */
MUST_CHECK int sandbox_prepare(void);

/* seccomp: only the system calls in sandbox.c, for all threads. Where the kernel has none the vault
 * must not run. */
MUST_CHECK int sandbox_close(void);

#endif
