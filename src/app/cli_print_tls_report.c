/* How TLS reports are shown. */
#include "app/cli_print.h"

#include <stdio.h>

void cli_print_tls_reports(const json_t *output)
{
    static const char *const headings[] = {"DOMAIN", "GOOD", "FAILED", "REPORT",
                                           "TO",     "NEXT", "WHY",    NULL};
    static const char *const members[] = {"domain", "successful", "failed", "state",
                                          "to",     "~next",      "why",    NULL};

    cli_field_print("day", cli_member(output, "day"));
    cli_field_print("reports", cli_member(output, "state"));
    cli_print_list(json_object_get(output, "reports"), headings, members,
                   "No connection to a mail host is known on that day.");
}

void cli_print_tls_places(const json_t *output)
{
    static const char *const headings[] = {"TO",   "STATE", "SINCE",      "ATTEMPTS",
                                           "NEXT", "WHY",   "MESSAGE ID", NULL};
    static const char *const members[] = {"to",    "state", "~since",     "attempts",
                                          "~next", "why",   "message_id", NULL};

    cli_print_list(json_object_get(output, "places"), headings, members,
                   "It is sent nowhere so far.");
}

static void print_failures(const json_t *failures)
{
    static const char *const headings[] = {"RESULT", "SESSIONS", "MX HOST", "ITS ADDRESS",
                                           "OURS",   "REASON",   NULL};
    static const char *const members[] = {"result-type",
                                          "failed-session-count",
                                          "receiving-mx-hostname",
                                          "receiving-ip",
                                          "sending-mta-ip",
                                          "failure-reason-code",
                                          NULL};

    if (json_array_size(failures))
        cli_print_list(failures, headings, members, "");
}

static void print_policy(const json_t *part)
{
    const json_t *policy = json_object_get(part, "policy");
    const json_t *summary = json_object_get(part, "summary"), *line;
    size_t i;

    cli_field_print("policy", cli_member(policy, "policy-type"));
    json_array_foreach(json_object_get(policy, "policy-string"), i, line)
    {
        cli_field_print("", slice_text(json_string_value(line)));
    }
    cli_field_print("  successful", cli_member(summary, "total-successful-session-count"));
    cli_field_print("  failed", cli_member(summary, "total-failure-session-count"));
    print_failures(json_object_get(part, "failure-details"));
}

void cli_print_tls_report(const json_t *output)
{
    const json_t *report = json_object_get(output, "report"), *part;
    const json_t *range = json_object_get(report, "date-range");
    size_t i;

    cli_field_print("report", cli_member(report, "report-id"));
    cli_field_print("by", cli_member(report, "organization-name"));
    cli_field_print("contact", cli_member(report, "contact-info"));
    cli_field_print("from", cli_time(range, "start-datetime"));
    cli_field_print("to", cli_time(range, "end-datetime"));
    json_array_foreach(json_object_get(report, "policies"), i, part)
    {
        print_policy(part);
    }
    cli_print_tls_places(output);
}
