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
    buffer_add(out, SLICE("by "));
    buffer_add(out, trace->host_name);
    if (trace->protocol) {
        buffer_add(out, SLICE(" with "));
        buffer_add(out, slice_text(trace->protocol));
    }
    buffer_add(out, SLICE("\r\n\tid "));
    buffer_add(out, slice_text(id));
    buffer_add(out, SLICE(";\r\n\t"));
    buffer_add(out, time);
    buffer_add(out, SLICE("\r\n"));
}
