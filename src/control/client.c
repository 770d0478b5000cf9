#include "control/client.h"

#include "base/buffer.h"
#include "base/secret.h"
#include "control/json.h"
#include "control/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { READ_BYTES = 65536 };

static int connect_to(const char *path, int *ret_socket)
{
    CLEANUP(base_close_descriptor)
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = CONTROL_OPERATION_S + 30};
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (descriptor < 0)
        return -errno;
    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path));
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) < 0)
        return -errno;
    *ret_socket = descriptor;
    descriptor = -1;
    return 0;
}

static int send_all(int descriptor, struct slice bytes)
{
    while (bytes.size) {
        ssize_t sent = send(descriptor, bytes.data, bytes.size, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -errno;
        bytes = slice_part(bytes, (size_t)sent, bytes.size);
    }
    return 0;
}

/* Up to the end of a line; what follows it stays. -EPIPE: it was closed before. */
static int receive_line(int descriptor, struct buffer *received, struct slice *ret_line)
{
    ssize_t end;

    while ((end = slice_find(buffer_slice(received), '\n')) < 0) {
        ssize_t size;

        if (received->size > CONTROL_REPLY_BYTES_MAX)
            return -EMSGSIZE;
        size = recv(descriptor, buffer_reserve(received, READ_BYTES), READ_BYTES, 0);
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            return size == 0 ? -EPIPE : -errno;
        received->size += (size_t)size;
    }
    *ret_line = slice_part(buffer_slice(received), 0, (size_t)end + 1);
    return 0;
}

/* Progress is passed on until the reply comes. */
static int receive_reply(int descriptor, const struct control_client_watch *watch,
                         json_t **ret_reply)
{
    CLEANUP(buffer_done) struct buffer received = BUFFER_NONE;

    for (;;) {
        CLEANUP(base_free_pointer) char *why = NULL;
        const json_t *progress;
        struct slice line;
        json_t *reply;
        int r = receive_line(descriptor, &received, &line);

        if (r == 0 && control_json_read(line, &reply, &why) < 0)
            r = -EBADMSG;
        if (r < 0)
            return r;
        progress = json_object_get(reply, "progress");
        if (!progress) {
            *ret_reply = reply;
            return 0;
        }
        if (watch)
            watch->tell(watch->context, progress);
        json_decref(reply);
        buffer_consume(&received, line.size);
    }
}

/* It may hold a password. */
static int send_request(int descriptor, const char *operation, json_t *input, bool progress)
{
    json_t *request = json_pack("{s:s, s:O}", "operation", operation, "input", input);
    char *text;
    int r;

    if (progress)
        json_object_set_new(request, "progress", json_true());
    text = json_dumps(request, JSON_COMPACT);
    r = send_all(descriptor, slice_text(text));
    if (r == 0)
        r = send_all(descriptor, SLICE("\n"));
    secret_wipe(text, strlen(text));
    free(text);
    json_decref(request);
    return r;
}

static const char *cure_of(int error)
{
    switch (error) {
    case -ENOENT:
    case -ECONNREFUSED:
        return "Is the service running (systemctl status letterhead)? If it listens at another "
               "place, name it with --socket PATH or --config FILE.";
    case -EACCES:
    case -EPERM:
    case -EPIPE:
    case -ECONNRESET:
        return "Run the command as root or as a member of the service's group; if you are one, "
               "look into the service's log.";
    case -EAGAIN:
        return "It did not answer in time. Look into the service's log.";
    default:
        return "Look into the service's log.";
    }
}

static char *describe_failure(const char *path, int error)
{
    char *text;

    if (asprintf(&text, "Letterhead does not answer at %s: %s. %s", path,
                 error == -EPIPE ? "it closed the connection" : strerror(-error),
                 cure_of(error)) < 0)
        abort();
    return text;
}

int control_client_call_watched(const char *path, const char *operation, json_t *input,
                                const struct control_client_watch *watch, json_t **ret_reply,
                                char **ret_problem)
{
    CLEANUP(base_close_descriptor) int descriptor = -1;
    json_t *reply = NULL;
    int r = connect_to(path, &descriptor);

    if (r == 0)
        r = send_request(descriptor, operation, input, watch != NULL);
    if (r == 0)
        r = receive_reply(descriptor, watch, &reply);
    if (r < 0) {
        *ret_problem = describe_failure(path, r);
        return r;
    }
    *ret_reply = reply;
    return 0;
}

int control_client_call(const char *path, const char *operation, json_t *input, json_t **ret_reply,
                        char **ret_problem)
{
    return control_client_call_watched(path, operation, input, NULL, ret_reply, ret_problem);
}
