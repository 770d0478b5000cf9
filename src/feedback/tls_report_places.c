/* Where reports go: the record at _smtp._tls.<domain> (RFC 8460 §3). */
#include "feedback/tls_reporter.h"
#include "runtime/resolver.h"
#include "wire/https_url.h"

/* Exactly one record must be left when those about something else are put aside. */
static void read_records(const struct dns_answer *answer, struct tls_report_places *ret)
{
    size_t about = 0;
    int result = -ENOENT;

    for (size_t i = 0; i < answer->count; i++) {
        int r = wire_tlsrpt_record_parse(answer->records[i].text, &ret->record);

        if (r == -ENOENT)
            continue;
        about++;
        result = r;
    }
    if (about == 1 && result == 0) {
        ret->answer = TLS_REPORT_PLACES;
        return;
    }
    ret->why = about > 1    ? SLICE("it has several records for TLS reports, so none counts")
               : about == 1 ? SLICE("its record for TLS reports cannot be read")
                            : SLICE("it asks for no TLS reports");
}

static int ask(struct task *t, struct arena *arena, struct slice domain,
               struct tls_report_places *ret)
{
    struct slice name = arena_printf(arena, "_smtp._tls.%.*s", SLICE_ARG(domain));
    struct dns_answer answer;
    int r = resolver_query(t, arena, name, DNS_TXT, &answer);

    if (r < 0)
        return r;
    ret->why = SLICE("it asks for no TLS reports");
    if (answer.status == DNS_FOUND)
        read_records(&answer, ret);
    if (answer.status == DNS_TEMPORARY || answer.status == DNS_BOGUS) {
        ret->answer = TLS_REPORT_DNS_SILENT;
        ret->why = arena_printf(arena, "its record could not be looked up: %.*s",
                                SLICE_ARG(slice_part(answer.why, 0, 200)));
    }
    return 0;
}

/* What is no name of the public DNS, an address literal say, has no record. */
int tls_report_places_find(struct task *t, struct arena *arena, struct slice domain,
                           struct tls_report_places *ret)
{
    int r;

    *ret = (struct tls_report_places){.answer = TLS_REPORT_NO_PLACE};
    if (!wire_https_host_valid(domain)) {
        ret->why = SLICE("it is no domain of the public DNS");
        return 0;
    }
    r = ask(t, arena, domain, ret);
    if (r == -EINVAL)
        ret->why = SLICE("its name is too long for a record");
    return r == -EINVAL ? 0 : r;
}

size_t tls_report_rows_for(const struct tls_report_places *places, struct slice day,
                           struct slice domain, int64_t due_us,
                           struct tls_report_row rows[static LIMIT_TLSRPT_DESTINATIONS])
{
    size_t count = places->answer == TLS_REPORT_PLACES       ? places->record.destination_count
                   : places->answer == TLS_REPORT_DNS_SILENT ? 1
                                                             : 0;

    for (size_t i = 0; i < count; i++) {
        rows[i] = (struct tls_report_row){
            .day = day,
            .domain = domain,
            .place = (int64_t)i,
            .state = SLICE(TLS_REPORT_WAITING),
            .next_us = due_us,
            .since_us = due_us,
        };
        if (places->answer == TLS_REPORT_PLACES)
            rows[i].uri = places->record.destinations[i].uri;
        else
            rows[i].why = places->why;
    }
    return count;
}
