#include "app/sandbox.h"

#include "base/log.h"

#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What each version of Landlock can forbid, as kernel headers that are older than the kernel do not
 * know. */
enum {
    FILES_V1 = (1 << 13) - 1,
    FILES_V2 = (1 << 14) - 1,
    FILES_V3 = (1 << 15) - 1,
    FILES_V5 = (1 << 16) - 1,
    NETWORK_V4 = (1 << 2) - 1,
    SCOPE_V6 = (1 << 2) - 1,
};

struct ruleset {
    uint64_t files;
    uint64_t network;
    uint64_t scope;
};

static struct ruleset everything(long version)
{
    return (struct ruleset){
        .files = version >= 5   ? FILES_V5
                 : version >= 3 ? FILES_V3
                 : version >= 2 ? FILES_V2
                                : FILES_V1,
        .network = version >= 4 ? NETWORK_V4 : 0,
        .scope = version >= 6 ? SCOPE_V6 : 0,
    };
}

static size_t ruleset_size(long version)
{
    return version >= 6   ? sizeof(struct ruleset)
           : version >= 4 ? offsetof(struct ruleset, scope)
                          : offsetof(struct ruleset, network);
}

/* A ruleset that handles all and allows nothing. */
static int restrict_self(long version)
{
    struct ruleset nothing_allowed = everything(version);
    CLEANUP(base_close_descriptor) int rules = -1;

    rules = (int)syscall(SYS_landlock_create_ruleset, &nothing_allowed, ruleset_size(version), 0);
    if (rules < 0 || syscall(SYS_landlock_restrict_self, rules, 0) < 0)
        return -errno;
    return 0;
}

int sandbox_prepare(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    if (version < 1) {
        log_info("this kernel has no Landlock: files are forbidden by seccomp alone");
        return 0;
    }
    return restrict_self(version);
}

static const int allowed[] = {
    /* sockets and the log */
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(close),
    /* memory; mmap and mprotect are below */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(mlock),
    SCMP_SYS(munlock),
    /* threads, clock, chance */
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    /* ending, also by assert */
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(tgkill),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
};

#ifdef SANDBOX_INSTRUMENTED
static const int sanitizer_allowed[] = {SCMP_SYS(sigaltstack), SCMP_SYS(prctl)};
static const int sanitizer_fails[] = {SCMP_SYS(open),       SCMP_SYS(openat), SCMP_SYS(readlink),
                                      SCMP_SYS(readlinkat), SCMP_SYS(stat),   SCMP_SYS(newfstatat),
                                      SCMP_SYS(pipe2),      SCMP_SYS(clone),  SCMP_SYS(ioctl)};
#endif

static int add_rules(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < count; i++)
        r = seccomp_rule_add(filter, action, calls[i], 0);
    return r;
}

/* Memory may be had, but none that can be executed. */
static int add_memory_rules(scmp_filter_ctx filter)
{
    int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

    return r < 0 ? r
                 : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                                    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

static int fill(scmp_filter_ctx filter)
{
    int r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

    if (r == 0)
        r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (r == 0)
        r = add_rules(filter, SCMP_ACT_ALLOW, allowed, ARRAY_LEN(allowed));
    if (r == 0)
        r = add_memory_rules(filter);
#ifdef SANDBOX_INSTRUMENTED
    if (r == 0)
        r = add_rules(filter, SCMP_ACT_ALLOW, sanitizer_allowed, ARRAY_LEN(sanitizer_allowed));
    if (r == 0)
        r = add_rules(filter, SCMP_ACT_ERRNO(EPERM), sanitizer_fails, ARRAY_LEN(sanitizer_fails));
#endif
    return r;
}

static void release(scmp_filter_ctx *filter)
{
    seccomp_release(*filter);
}

int sandbox_close(void)
{
    CLEANUP(release) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int r;

    if (!filter)
        return -ENOMEM;
    r = fill(filter);
    return r < 0 ? r : seccomp_load(filter);
}
