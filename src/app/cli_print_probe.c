/* How the test of an account is shown: each stage as it ends, and at last what it all comes to. */
#include "app/cli_print.h"

#include <stdio.h>

enum { TITLE_COLUMNS = 31 };

static void print_line(const char *indent, const char *label, struct slice text)
{
    if (text.size == 0)
        return;
    printf("%s%s", indent, label);
    cli_text_print(text);
    putchar('\n');
}

static const char *mark_of(struct slice result)
{
    return slice_equal(result, SLICE("passed"))    ? "ok      "
           : slice_equal(result, SLICE("warning")) ? "WARNING "
           : slice_equal(result, SLICE("failed"))  ? "FAILED  "
                                                   : "-       ";
}

void cli_progress_probe(const json_t *finding)
{
    struct slice result = cli_member(finding, "result");
    bool good = slice_equal(result, SLICE("passed"));

    printf("%s%-*s", mark_of(result), TITLE_COLUMNS,
           json_string_value(json_object_get(finding, "title")));
    cli_text_print(
        cli_member(finding, good && cli_member(finding, "evidence").size ? "evidence" : "what"));
    putchar('\n');
    if (good)
        return;
    print_line("          ", "What to do: ", cli_member(finding, "cure"));
    print_line("          ", "Seen: ", cli_member(finding, "evidence"));
}

static const char *verdict_words(struct slice verdict)
{
    return slice_equal(verdict, SLICE("good"))      ? "The account will do."
           : slice_equal(verdict, SLICE("warning")) ? "The account works, but not for long."
           : slice_equal(verdict, SLICE("trouble")) ? "The account will not do as it is."
           : slice_equal(verdict, SLICE("open"))    ? "The account is refused."
                                                    : "It could not be found out; try again later.";
}

static void print_transcript(const json_t *lines)
{
    const json_t *line;
    size_t i;

    if (json_array_size(lines))
        puts("\nWhat both sides said:");
    json_array_foreach(lines, i, line)
    {
        fputs("  ", stdout);
        cli_text_print(slice_text(json_string_value(line)));
        putchar('\n');
    }
}

void cli_print_probe(const json_t *output)
{
    struct slice verdict = cli_member(output, "verdict");

    printf("\n%s (%.1f s)\n", verdict_words(verdict),
           json_real_value(json_object_get(output, "seconds")));
    if (!slice_equal(verdict, SLICE("good"))) {
        print_line("", "", cli_member(output, "why"));
        print_line("What to do: ", "", cli_member(output, "next_step"));
    }
    if (cli_member(output, "provider").size) {
        putchar('\n');
        cli_field_print("provider", cli_member(output, "provider"));
        cli_field_print("expect", cli_member(output, "expect"));
    }
    print_transcript(json_object_get(output, "transcript"));
}

/* An account that works, if not for long, is good for scripts. */
int cli_status_probe(const json_t *output)
{
    struct slice verdict = cli_member(output, "verdict");

    return slice_equal(verdict, SLICE("good")) || slice_equal(verdict, SLICE("warning"))
               ? CLI_DONE
               : CLI_REFUSED;
}
