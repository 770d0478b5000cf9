/* What a signature costs through the vault's socket, next to one in the same process.
 *
 *     vault_bench [SECONDS]
 *
 * A child process is the vault, with two signers; this process asks for RSA-2048 signatures with 1
 * to 64 requests in flight. CPU is that of both processes together. Ends with the same by two
 * threads that call OpenSSL themselves: the difference is what the split of processes costs. */
#include "base/limits.h"
#include "vault/key.h"
#include "vault/protocol.h"
#include "vault/seal.h"
#include "vault/server.h"
#include "wire/ipc.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SIGNERS = 2, IN_FLIGHT_MAX = 64, BITS = 2048 };

static const struct slice master_key = {"0123456789abcdefghijklmnopqrstuv", 32};
static const struct vault_key_binding binding = {
    1, {"example.org", 11}, {"bench", 5}, VAULT_RSA_SHA256};
static const uint8_t digest[VAULT_DIGEST_BYTES];

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    perror(what);
    exit(EXIT_FAILURE);
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double seconds_of(const struct timeval *t)
{
    return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static double cpu_s(int who)
{
    struct rusage usage;

    getrusage(who, &usage);
    return seconds_of(&usage.ru_utime) + seconds_of(&usage.ru_stime);
}

/* A sealed key, and the same key in clear for the comparison. */
static void make_key(struct secret *ret_private, struct buffer *ret_sealed)
{
    CLEANUP(vault_seal_free_pointer) struct vault_seal *seal = NULL;
    CLEANUP(buffer_done) struct buffer public_key = BUFFER_NONE, bound = BUFFER_NONE;

    must(vault_seal_new(master_key, &seal) == 0, "seal");
    must(vault_key_create(VAULT_RSA_SHA256, BITS, ret_private, &public_key) == 0, "key");
    vault_key_binding_write(&bound, &binding);
    vault_seal_close(seal, VAULT_USE_KEY, buffer_slice(&bound), secret_slice(ret_private),
                     ret_sealed);
}

static NORETURN void be_vault(int gateway, int steward)
{
    struct vault_options options = {master_key, SLICE("eu-west-1"), UINT32_MAX};
    struct vault_server_options server_options = {NULL, steward, &gateway, 1, SIGNERS};
    struct vault_server *server;

    must(vault_new(&options, &server_options.vault) == 0, "vault");
    must(vault_server_new(&server_options, &server) == 0, "server");
    _exit(vault_server_run(server) < 0);
}

struct bench {
    int vault;
    struct buffer request; /* one frame; all requests are alike */
    double seconds;
};

static void ask(const struct bench *b)
{
    must(send(b->vault, b->request.data, b->request.size, 0) > 0, "send");
}

static void hear(const struct bench *b, enum ipc_kind kind)
{
    static char datagram[LIMIT_FRAME_BYTES];
    ssize_t size = recv(b->vault, datagram, sizeof datagram, 0);
    struct ipc_frame frame;

    must(size > 0 && ipc_frame_read(slice_of(datagram, (size_t)size), &frame) == 0, "recv");
    must(frame.kind == kind && frame.status == 0, "reply");
}

/* Keeps so many requests in flight; yields the number of signatures. */
static unsigned run(const struct bench *b, int in_flight, double *ret_elapsed)
{
    double start = now_s();
    unsigned count = 0;

    for (int i = 0; i < in_flight; i++)
        ask(b);
    while (now_s() - start < b->seconds) {
        hear(b, IPC_REPLY);
        count++;
        ask(b);
    }
    for (int i = 0; i < in_flight; i++)
        hear(b, IPC_REPLY);
    *ret_elapsed = now_s() - start;
    return count + (unsigned)in_flight;
}

/* The child's CPU time is only known when it has ended, so each measurement has a vault of its own.
 */
static void measure(struct bench *b, int in_flight)
{
    double client = cpu_s(RUSAGE_SELF), vault = cpu_s(RUSAGE_CHILDREN), elapsed;
    int gateway[2], steward[2];
    unsigned count;
    pid_t pid;

    must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, gateway) == 0, "socketpair");
    must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, steward) == 0, "socketpair");
    pid = fork();
    if (pid == 0) {
        close(gateway[1]);
        close(steward[1]);
        be_vault(gateway[0], steward[0]);
    }
    close(gateway[0]);
    close(steward[0]);
    b->vault = gateway[1];
    hear(b, IPC_HELLO);
    count = run(b, in_flight, &elapsed);
    close(gateway[1]);
    close(steward[1]);
    must(waitpid(pid, NULL, 0) == pid, "waitpid");
    client = cpu_s(RUSAGE_SELF) - client;
    vault = cpu_s(RUSAGE_CHILDREN) - vault;
    printf(
        "socket, %2d in flight  %7.0f signatures/s  %6.1f us CPU each (client %.1f, vault %.1f)  "
        "%7.0f us latency\n",
        in_flight, count / elapsed, (client + vault) * 1e6 / count, client * 1e6 / count,
        vault * 1e6 / count, elapsed * 1e6 * in_flight / count);
}

struct direct {
    struct slice private_key;
    double seconds;
    unsigned count;
};

static void *sign_directly(void *argument)
{
    struct direct *d = argument;
    unsigned char signature[VAULT_SIGNATURE_BYTES_MAX];
    struct vault_key *key;
    double start = now_s();
    size_t size;

    must(vault_key_open(VAULT_RSA_SHA256, d->private_key, &key) == 0, "open");
    while (now_s() - start < d->seconds) {
        must(vault_key_sign(key, digest, signature, &size) == 0, "sign");
        d->count++;
    }
    vault_key_free(key);
    return NULL;
}

static void measure_directly(struct slice private_key, double seconds)
{
    double start = now_s(), cpu = cpu_s(RUSAGE_SELF), elapsed;
    struct direct directs[SIGNERS];
    pthread_t threads[SIGNERS];
    unsigned count = 0;

    for (int i = 0; i < SIGNERS; i++) {
        directs[i] = (struct direct){private_key, seconds, 0};
        must(pthread_create(&threads[i], NULL, sign_directly, &directs[i]) == 0, "thread");
    }
    for (int i = 0; i < SIGNERS; i++) {
        pthread_join(threads[i], NULL);
        count += directs[i].count;
    }
    elapsed = now_s() - start;
    printf("in process            %7.0f signatures/s  %6.1f us CPU each\n", count / elapsed,
           (cpu_s(RUSAGE_SELF) - cpu) * 1e6 / count);
}

int main(int argc, char **argv)
{
    static const int in_flight[] = {1, 2, 4, 16, IN_FLIGHT_MAX};
    CLEANUP(secret_done) struct secret private_key = SECRET_NONE;
    CLEANUP(buffer_done) struct buffer sealed = BUFFER_NONE, body = BUFFER_NONE;
    struct bench b = {.seconds = argc > 1 ? strtod(argv[1], NULL) : 3};

    setvbuf(stdout, NULL, _IOLBF, 0);
    make_key(&private_key, &sealed);
    vault_sign_request_write(&body, &(struct vault_sign_request){1, binding,
                                                                 slice_of(digest, sizeof digest),
                                                                 buffer_slice(&sealed)});
    ipc_frame_write(&b.request,
                    &(struct ipc_frame){IPC_REQUEST, IPC_VAULT_SIGN, 1, 0, buffer_slice(&body)});
    for (size_t i = 0; i < ARRAY_LEN(in_flight); i++)
        measure(&b, in_flight[i]);
    measure_directly(secret_slice(&private_key), b.seconds);
    buffer_done(&b.request);
    return 0;
}
