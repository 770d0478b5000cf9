/* How notices are shown. */
#include "app/cli_print.h"

#include <stdio.h>

void cli_print_notices(const json_t *output)
{
    static const char *const headings[] = {"NOTICE", "SITE", "STATE", "SINCE", "SUBJECT", NULL};
    static const char *const members[] = {"notice", "site", "state", "@since", "subject", NULL};

    cli_print_list(json_object_get(output, "notices"), headings, members,
                   "Nothing is known to be wrong.");
}

static void print_text(const json_t *output, const char *member)
{
    struct slice rest = cli_member(output, member), line;
    bool more = rest.size > 0;

    if (more)
        putchar('\n');
    while (more) {
        more = slice_cut(&rest, '\n', &line);
        cli_text_print(line);
        putchar('\n');
    }
}

static void print_mails(const json_t *output)
{
    static const char *const headings[] = {"MAIL OF", "STATE", "MESSAGE", "WHY", NULL};
    static const char *const members[] = {"@created", "state", "message_id", "why", NULL};

    putchar('\n');
    cli_print_list(json_object_get(output, "mails"), headings, members,
                   "No mail was sent of it: see \"notices\" in the configuration.");
}

void cli_print_notice(const json_t *output)
{
    cli_field_print("notice", cli_member(output, "notice"));
    if (cli_member(output, "site").size)
        cli_field_print("site", cli_member(output, "site"));
    cli_field_print("state", cli_member(output, "state"));
    cli_field_print("since", cli_time(output, "since"));
    cli_field_print("subject", cli_member(output, "subject"));
    print_text(output, "text");
    if (cli_member(output, "mended_subject").size) {
        putchar('\n');
        cli_field_print("mended", cli_time(output, "mended"));
        cli_field_print("subject", cli_member(output, "mended_subject"));
        print_text(output, "mended_text");
    }
    print_mails(output);
}
