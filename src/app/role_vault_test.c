#include "app/role.h"

#include "base/limits.h"
#include "vault/credential.h"
#include "vault/protocol.h"
#include "wire/ipc.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct vault_credential_binding login = {7, {"LHKATESTTESTTESTTEST", 20}};

/* The real role in a process of its own, with its log in a file. */
struct fixture {
    pid_t pid;
    int gateway, steward, log;
    char master_key[46]; /* a line of base64, as in its file */
    char datagram[LIMIT_FRAME_BYTES];
    struct ipc_frame reply; /* the latest; its body lies in `datagram` */
};

/* Up first, then down to the places that role.h names; only these stay open. This program executes
 * itself again, so that the new process has no memory of this one. */
static NORETURN void become_vault(int gateway, int steward, int key, int log)
{
    const int from[] = {log, gateway, steward, key};
    const int to[] = {STDERR_FILENO, ROLE_VAULT_FD_GATEWAY_FIRST, ROLE_VAULT_FD_STEWARD,
                      ROLE_VAULT_FD_GATEWAY_FIRST + 1};
    int moved[ARRAY_LEN(from)];

    for (size_t i = 0; i < ARRAY_LEN(from); i++)
        moved[i] = fcntl(from[i], F_DUPFD, 20);
    for (size_t i = 0; i < ARRAY_LEN(from); i++)
        dup2(moved[i], to[i]);
    close_range(ROLE_VAULT_FD_GATEWAY_FIRST + 2, ~0U, 0);
    execl("/proc/self/exe", "letterhead", "role", "vault", "--region", "eu-west-1", "--log-level",
          "3", NULL);
    _exit(EXIT_FAILURE);
}

static void make_pair(int *ret_theirs, int *ret_ours)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    *ret_theirs = pair[0];
    *ret_ours = pair[1];
}

static int open_log(void)
{
    char path[] = "/tmp/role_vault_test_XXXXXX";
    int log = mkstemp(path);

    assert_true(log >= 0);
    unlink(path);
    return log;
}

static void start(struct fixture *f, struct slice key_file)
{
    int gateway, steward, key[2];

    make_pair(&gateway, &f->gateway);
    make_pair(&steward, &f->steward);
    f->log = open_log();
    assert_int_equal(pipe(key), 0);
    assert_int_equal(write(key[1], key_file.data, key_file.size), key_file.size);
    close(key[1]);
    f->pid = fork();
    if (f->pid == 0)
        become_vault(gateway, steward, key[0], f->log);
    close(gateway);
    close(steward);
    close(key[0]);
}

static void hear(struct fixture *f, int socket)
{
    ssize_t size = recv(socket, f->datagram, sizeof f->datagram, 0);

    assert_true(size > 0);
    assert_int_equal(ipc_frame_read(slice_of(f->datagram, (size_t)size), &f->reply), 0);
}

static int set_up(void **state)
{
    struct fixture *f = base_allocate(sizeof *f);
    unsigned char key[32];

    assert_true(sodium_init() >= 0);
    randombytes_buf(key, sizeof key);
    sodium_bin2base64(f->master_key, sizeof f->master_key, key, sizeof key,
                      sodium_base64_VARIANT_ORIGINAL);
    start(f, slice_text(f->master_key));
    hear(f, f->gateway);
    assert_int_equal(f->reply.kind, IPC_HELLO);
    hear(f, f->steward);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    close(f->gateway);
    close(f->steward);
    close(f->log);
    waitpid(f->pid, NULL, 0);
    free(f);
    return 0;
}

static int ask(struct fixture *f, int socket, uint8_t type, const struct buffer *body)
{
    CLEANUP(buffer_done) struct buffer frame = BUFFER_NONE;

    ipc_frame_write(&frame, &(struct ipc_frame){IPC_REQUEST, type, 1, 0, buffer_slice(body)});
    assert_int_equal(send(socket, frame.data, frame.size, MSG_NOSIGNAL), frame.size);
    hear(f, socket);
    return f->reply.status;
}

/* Makes a key and signs with it. */
static void use_key(struct fixture *f, enum vault_algorithm algorithm, uint16_t bits)
{
    const struct vault_key_binding binding = {7, SLICE("example.org"), SLICE("lh1"), algorithm};
    static const char digest[VAULT_DIGEST_BYTES];
    CLEANUP(buffer_done) struct buffer create = BUFFER_NONE, sign = BUFFER_NONE;
    struct vault_sign_reply signature;
    struct vault_key_reply key;

    vault_key_request_write(&create, &(struct vault_key_request){1, binding, bits});
    assert_int_equal(ask(f, f->steward, IPC_VAULT_CREATE_KEY, &create), 0);
    assert_int_equal(vault_key_reply_read(f->reply.body, &key), 0);
    vault_sign_request_write(&sign, &(struct vault_sign_request){
                                        1, binding, slice_of(digest, sizeof digest), key.sealed});
    assert_int_equal(ask(f, f->gateway, IPC_VAULT_SIGN, &sign), 0);
    assert_int_equal(vault_sign_reply_read(f->reply.body, &signature), 0);
    assert_int_equal(signature.signature.size, bits ? bits / 8 : 64);
}

static bool check(struct fixture *f, struct slice sealed, struct slice password)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct vault_password_reply reply;

    vault_password_request_write(&body,
                                 &(struct vault_password_request){1, login, password, sealed});
    assert_int_equal(ask(f, f->gateway, IPC_VAULT_CHECK_PASSWORD, &body), 0);
    assert_int_equal(vault_password_reply_read(f->reply.body, &reply), 0);
    return reply.match;
}

/* Makes a credential and logs in with it; yields secret and password. */
static void use_credential(struct fixture *f, char *ret_secret, char *ret_password)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, sealed = BUFFER_NONE;
    struct vault_credential_reply made;

    vault_credential_request_write(&body, &(struct vault_credential_request){1, login});
    assert_int_equal(ask(f, f->steward, IPC_VAULT_CREATE_CREDENTIAL, &body), 0);
    assert_int_equal(vault_credential_reply_read(f->reply.body, &made), 0);
    memcpy(ret_secret, made.secret_access_key.data, VAULT_SECRET_ACCESS_KEY_CHARACTERS);
    memcpy(ret_password, made.smtp_password.data, VAULT_SMTP_PASSWORD_CHARACTERS);
    buffer_add(&sealed, made.sealed);
    assert_true(
        check(f, buffer_slice(&sealed), slice_of(ret_password, VAULT_SMTP_PASSWORD_CHARACTERS)));
    assert_false(check(f, buffer_slice(&sealed), slice_of(ret_secret, 40)));
    assert_false(check(f, SLICE_NONE, slice_of(ret_password, VAULT_SMTP_PASSWORD_CHARACTERS)));
}

static void every_operation_works_in_the_sandbox(void **state)
{
    char secret[VAULT_SECRET_ACCESS_KEY_CHARACTERS], password[VAULT_SMTP_PASSWORD_CHARACTERS];
    struct fixture *f = *state;

    use_key(f, VAULT_RSA_SHA256, 1024);
    use_key(f, VAULT_RSA_SHA256, 2048);
    use_key(f, VAULT_RSA_SHA256, 4096);
    use_key(f, VAULT_ED25519_SHA256, 0);
    use_credential(f, secret, password);
}

static int wait_for_exit(struct fixture *f)
{
    int status;

    assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void broken_protocol_is_an_exit_code(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(send(f->gateway, "nonsense", 8, 0), 8);
    assert_int_equal(wait_for_exit(f), ROLE_EXIT_ATTACK);
}

static void a_bad_master_key_is_an_exit_code(void **state)
{
    static struct fixture f; /* large */

    (void)state;
    start(&f, SLICE("too short"));
    assert_int_equal(wait_for_exit(&f), ROLE_EXIT_CONFIG);
    close(f.gateway);
    close(f.steward);
    close(f.log);
}

/* Something that must be nowhere, in the forms in which it could be. */
struct canary {
    const char *what;
    struct slice bytes;
};

static void read_log(struct fixture *f, struct buffer *ret)
{
    ssize_t size = pread(f->log, buffer_reserve(ret, 1 << 16), 1 << 16, 0);

    assert_true(size > 0);
    ret->size = (size_t)size;
}

/* All memory that the process can write, piece by piece, but for the vast shadow that sanitizers
 * keep. Returns false where that is forbidden. */
static bool search_memory(pid_t pid, const struct canary *canaries, size_t count)
{
    char path[64], line[512];
    CLEANUP(buffer_done) struct buffer piece = BUFFER_NONE;
    CLEANUP(base_close_descriptor) int memory = -1;
    FILE *maps;

    snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
    memory = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    maps = fopen(path, "re");
    if (memory < 0 || !maps)
        return false;
    while (fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        char access[5];

        if (sscanf(line, "%lx-%lx %4s", &start, &end, access) != 3 || access[1] != 'w' ||
            end - start > 1UL << 30)
            continue;
        for (unsigned long at = start; at < end; at += 1 << 20) {
            unsigned long size = end - at < 1 << 20 ? end - at : 1 << 20;
            ssize_t n = pread(memory, buffer_reserve(&piece, 1 << 20), size, (off_t)at);

            for (size_t i = 0; n > 0 && i < count; i++)
                if (slice_find_slice(slice_of(piece.data, (size_t)n), canaries[i].bytes) >= 0)
                    fail_msg("the %s is in memory: %s", canaries[i].what, line);
        }
    }
    fclose(maps);
    return true;
}

static void secrets_are_neither_in_the_log_nor_left_in_memory(void **state)
{
    char secret[VAULT_SECRET_ACCESS_KEY_CHARACTERS], password[VAULT_SMTP_PASSWORD_CHARACTERS];
    unsigned char key[32];
    struct fixture *f = *state;
    CLEANUP(buffer_done) struct buffer log = BUFFER_NONE;
    const struct canary canaries[] = {
        {"master key in base64", {f->master_key, 43}},
        {"master key", {(const char *)key, sizeof key}},
        {"secret access key", {secret, sizeof secret}},
        {"password", {password, sizeof password}},
    };

    sodium_base642bin(key, sizeof key, f->master_key, 44, NULL, NULL, NULL,
                      sodium_base64_VARIANT_ORIGINAL);
    use_credential(f, secret, password);
    use_key(f, VAULT_ED25519_SHA256, 0);
    read_log(f, &log);
    assert_true(slice_find_slice(buffer_slice(&log), SLICE("audit: made a credential")) >= 0);
    for (size_t i = 0; i < ARRAY_LEN(canaries); i++)
        if (slice_find_slice(buffer_slice(&log), canaries[i].bytes) >= 0)
            fail_msg("the %s is in the log", canaries[i].what);
    if (!search_memory(f->pid, canaries, ARRAY_LEN(canaries)))
        print_message("memory not searched: only root may look into the vault\n");
}

#define ROLE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ROLE_TEST(every_operation_works_in_the_sandbox),
        ROLE_TEST(broken_protocol_is_an_exit_code),
        cmocka_unit_test(a_bad_master_key_is_an_exit_code),
        ROLE_TEST(secrets_are_neither_in_the_log_nor_left_in_memory),
    };

    if (argc > 2 && strcmp(argv[1], "role") == 0)
        return role_vault_main(argc - 2, argv + 2);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
