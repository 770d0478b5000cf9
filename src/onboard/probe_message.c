/* One real message to an address that the operator named. */
#include "onboard/probe_inside.h"

#include "wire/date.h"

static struct slice compose(struct task *t, struct probe *p)
{
    const struct probe_account *a = p->account;
    char date[WIRE_DATE_MAIL_BYTES];

    wire_date_mail(task_wall_us(t) / 1000000, date);
    return arena_printf(p->arena,
                        "Date: %s\r\nFrom: <%.*s>\r\nTo: <%.*s>\r\n"
                        "Subject: Test of the mail account at %.*s\r\n"
                        "Message-ID: <probe-%llx@%.*s>\r\n"
                        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n"
                        "Auto-Submitted: auto-generated\r\n\r\n"
                        "This message went through the account %.*s at %.*s.\r\n"
                        "That it has arrived shows that the account works.\r\n",
                        date, SLICE_ARG(a->outgoing_address), SLICE_ARG(a->send_to),
                        SLICE_ARG(a->host), (unsigned long long)task_wall_us(t),
                        SLICE_ARG(p->service->hostname), SLICE_ARG(a->user), SLICE_ARG(a->host));
}

static void judge(struct probe *p, const struct queue_outcome *outcome)
{
    struct slice seen = arena_copy(p->arena, outcome->text);

    if (outcome->result == QUEUE_DELIVERED)
        probe_pass(p, PROBE_MESSAGE,
                   arena_printf(p->arena,
                                "The server took a message to %.*s. Look whether it arrives, and "
                                "whether it is among the spam.",
                                SLICE_ARG(p->account->send_to)),
                   seen);
    else if (outcome->result == QUEUE_DEFERRED)
        probe_fail_for_now(p, PROBE_MESSAGE, "message-put-off",
                           SLICE("The server does not take the test message now."),
                           SLICE("Show the reply to whoever runs the mail server."), seen);
    else
        probe_fail(p, PROBE_MESSAGE, "message-refused",
                   SLICE("The server refuses the test message."),
                   SLICE("Show the reply to whoever runs the mail server."), seen);
}

int probe_message(struct task *t, struct probe *p)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, PROBE_SESSION_US);
    const struct queue_job_recipient recipient = {.address = p->account->send_to};
    struct client_message message = {
        .envelope_from = p->account->outgoing_address,
        .recipients = &recipient,
        .recipient_count = 1,
        .smtputf8 = !slice_is_ascii(p->account->outgoing_address),
    };
    struct queue_outcome outcome;
    bool data_sent;
    int r;

    if (p->account->send_to.size == 0) {
        probe_skip(p, PROBE_MESSAGE, SLICE("Not asked for (--send-to ADDRESS)."));
        return 0;
    }
    message.content = compose(t, p);
    r = client_send(t, &p->client, p->arena, &message, &outcome, &data_sent);
    if (r == -ECANCELED)
        return r;
    if (r == 0)
        judge(p, &outcome);
    else
        probe_fail_for_now(p, PROBE_MESSAGE, "hung-up",
                           data_sent
                               ? SLICE("The server broke off after the message was sent: it may "
                                       "or may not have taken it.")
                               : SLICE("The server broke off before it took the message."),
                           SLICE("See in the server's log why, then test again."),
                           probe_escape(p, p->client.problem));
    return 0;
}
