#include "submit/trace.h"

#include "wire/date.h"

/* RFC 5321 §4.4: TCP-info is an address literal. */
static void write_from(const struct submit_trace *trace, struct buffer *out)
{
    char address[ENDPOINT_TEXT_BYTES];

    buffer_printf(out, "from %.*s ([%s%s])\r\n\t", SLICE_ARG(trace->hello),
                  trace->address.family == 6 ? "IPv6:" : "",
                  endpoint_format_address(&trace->address, address));
}

void submit_trace_write(const struct submit_trace *trace, struct buffer *out)
{
    char id[MESSAGE_ID_LENGTH + 1];
    char date[WIRE_DATE_MAIL_BYTES];
    struct slice time = wire_date_mail(trace->time_s, date);

    message_id_format(&trace->id, id);
    buffer_add(out, SLICE("Received: "));
    if (trace->hello.size)
        write_from(trace, out);
    buffer_printf(out, "by %.*s", SLICE_ARG(trace->host_name));
    if (trace->protocol)
        buffer_printf(out, " with %s", trace->protocol);
    buffer_printf(out, "\r\n\tid %s;\r\n\t%.*s\r\n", id, SLICE_ARG(time));
}
