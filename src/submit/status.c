#include "submit/status.h"

/* The numbers in the order in which they are sent. */
static const size_t numbers[] = {
    offsetof(struct submit_status, connections_now),
    offsetof(struct submit_status, logged_in_now),
    offsetof(struct submit_status, since_start.connections),
    offsetof(struct submit_status, since_start.connections_refused),
    offsetof(struct submit_status, since_start.logins),
    offsetof(struct submit_status, since_start.logins_failed),
    offsetof(struct submit_status, since_start.messages_accepted),
    offsetof(struct submit_status, since_start.messages_refused),
    offsetof(struct submit_status, since_start.messages_deferred),
    offsetof(struct submit_status, since_start.sessions_cut),
    offsetof(struct submit_status, inbound.connections),
    offsetof(struct submit_status, inbound.connections_refused),
    offsetof(struct submit_status, inbound.recipients_refused),
    offsetof(struct submit_status, inbound.reports_taken),
    offsetof(struct submit_status, inbound.reports_deferred),
};

void submit_status_of(const struct submit_service *service, const struct inbound_service *inbound,
                      struct submit_status *ret)
{
    size_t all, logged_in;

    submit_service_connections(service, &all, &logged_in);
    *ret = (struct submit_status){all, logged_in, *submit_service_counters(service),
                                  inbound->counters};
}

void submit_status_write(struct buffer *body, const struct submit_status *status)
{
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        uint64_t number;

        memcpy(&number, (const char *)status + numbers[i], sizeof(number));
        buffer_add_u64(body, number);
    }
}

int submit_status_read(struct cursor *c, struct submit_status *ret)
{
    struct submit_status status = {0};

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        uint64_t number = cursor_u64(c);

        memcpy((char *)&status + numbers[i], &number, sizeof(number));
    }
    if (c->failed)
        return -EBADMSG;
    *ret = status;
    return 0;
}
