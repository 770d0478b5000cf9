/* The messages of load: well-formed by construction, each with its own ids and recipients. */
#include "load.h"

#include <string.h>

static char *body;

/* Words in lines of 70 columns, one of them beginning with a stuffed dot, ending in CR LF. */
void message_prepare(void)
{
    static const char words[] = "invoice account order the your has been shipped please find "
                                "enclosed statement for month of thank you regards team ";
    size_t size = options.body_bytes;

    body = allocate(NULL, size);
    for (size_t at = 0; at < size; at++)
        body[at] = words[at % (sizeof(words) - 1)];
    for (size_t at = 70; at + 4 < size; at += 72)
        memcpy(body + at, "\r\n", 2);
    if (size > 600)
        memcpy(body + (size_t)7 * 72, "..dot ", 6);
    memcpy(body + size - 2, "\r\n", 2);
}

/* A % in the domain stands for the number of the domain; without one it goes in front. */
static void address_write(long id, int n, char *out, size_t size)
{
    long domain = (id * options.recipients + n) % options.domains;
    const char *mark = strchr(options.rcpt_domain, '%');

    if (mark)
        snprintf(out, size, "user%ld-%d@%.*s%ld%s", id, n, (int)(mark - options.rcpt_domain),
                 options.rcpt_domain, domain, mark + 1);
    else
        snprintf(out, size, "user%ld-%d@d%ld.%s", id, n, domain, options.rcpt_domain);
}

void message_put_rcpt(struct session *session, int n)
{
    char address[256], line[300];

    address_write(session->id, n, address, sizeof(address));
    snprintf(line, sizeof(line), "RCPT TO:<%s>\r\n", address);
    session_put(session, line, strlen(line));
}

void message_put(struct session *session)
{
    char header[1024], date[64], address[256];
    time_t wall = run.wall_start + (time_t)(now_s() - run.start_s);
    struct tm fields;
    long id = session->id;
    int length;

    gmtime_r(&wall, &fields);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &fields);
    address_write(id, 0, address, sizeof(address));
    length = snprintf(header, sizeof(header),
                      "From: Billing Team <sender%ld@%s>\r\nTo: <%s>\r\n"
                      "Subject: Your statement number %ld\r\nDate: %s\r\n"
                      "Message-ID: <%lld.%ld@%s>\r\nMIME-Version: 1.0\r\n"
                      "Content-Type: text/plain; charset=us-ascii\r\n"
                      "Content-Transfer-Encoding: 7bit\r\nX-Bench-Id: %ld\r\n\r\n",
                      id % 10, options.from_domain, address, id, date, (long long)run.wall_start,
                      id, options.from_domain, id);
    session_put(session, header, (size_t)length);
    session_put(session, body, options.body_bytes);
    session_put(session, ".\r\n", 3);
}
