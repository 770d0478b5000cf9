#include "app/privileges.h"

#include "base/slice.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_number(struct slice s)
{
    uint64_t number;

    return slice_to_u64(s, INT32_MAX, &number) == 0;
}

static int parse_numbers(struct slice text, struct privileges_user *ret)
{
    struct slice uid_text, rest = text;
    bool both = slice_cut(&rest, ':', &uid_text);
    uint64_t uid, gid;

    if (slice_to_u64(uid_text, INT32_MAX, &uid) < 0 ||
        slice_to_u64(both ? rest : uid_text, INT32_MAX, &gid) < 0)
        return -EINVAL;
    *ret = (struct privileges_user){(uid_t)uid, (gid_t)gid};
    return 0;
}

static int look_up(const char *name, struct privileges_user *ret)
{
    const struct passwd *entry = getpwnam(name);

    if (!entry)
        return -ENOENT;
    *ret = (struct privileges_user){entry->pw_uid, entry->pw_gid};
    return 0;
}

int privileges_find_user(const char *text, struct privileges_user *ret)
{
    struct slice first, rest = slice_text(text);
    struct privileges_user user;
    int r;

    (void)slice_cut(&rest, ':', &first);
    r = is_number(first) ? parse_numbers(slice_text(text), &user) : look_up(text, &user);
    if (r == 0 && (user.uid == 0 || user.gid == 0))
        r = -EINVAL;
    if (r == 0)
        *ret = user;
    return r;
}

/* The bounding set can only be emptied with CAP_SETPCAP; without it nothing can be gained from it
 * either, once no_new_privs is set. */
static void forget_capabilities(void)
{
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (unsigned long capability = 0; capability <= CAP_LAST_CAP; capability++)
        prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
}

static int set_user(const struct privileges_user *user)
{
    if (setgroups(0, NULL) < 0)
        return -errno;
    if (setresgid(user->gid, user->gid, user->gid) < 0)
        return -errno;
    if (setresuid(user->uid, user->uid, user->uid) < 0)
        return -errno;
    return 0;
}

static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}};

    return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

/* Believes no return value: asks whether the way back is open. */
static int check_user(const struct privileges_user *user)
{
    uid_t real, effective, saved;

    if (getresuid(&real, &effective, &saved) < 0)
        return -errno;
    if (real != user->uid || effective != user->uid || saved != user->uid || getgid() != user->gid)
        return -EPERM;
    return setuid(0) == 0 || setgid(0) == 0 ? -EPERM : 0;
}

int privileges_drop(const struct privileges_user *user)
{
    int r;

    forget_capabilities();
    r = user ? set_user(user) : 0;
    if (r == 0)
        r = drop_capabilities();
    if (r == 0 && user)
        r = check_user(user);
    return r;
}

void privileges_harden(void)
{
    static const struct rlimit none = {0, 0};
    int dumpable = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    int no_new_privileges = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);

    assert(dumpable == 0 && no_new_privileges == 0);
    setrlimit(RLIMIT_CORE, &none);
}

void privileges_raise_limits(void)
{
    static const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    struct rlimit limit;

    (void)setrlimit(RLIMIT_MEMLOCK, &unlimited);
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* With a finite limit, memory that is locked as soon as it is asked for would be refused beyond it,
 * and that ends the process: so all or nothing. */
bool privileges_lock_memory(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_cur != RLIM_INFINITY)
        return false;
    return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}
