/* Reports from strangers: whatever comes, reading ends, and what is said of it keeps its bounds. */
#include "fuzz.h"

#include "feedback/report.h"
#include "feedback/report_builtin.h"

static struct feedback_rules *rules;

static void check_recipient(const struct feedback_recipient *r)
{
    fuzz_check(r->verdict.class < FEEDBACK_CLASSES && r->verdict.reason.size > 0);
    fuzz_check(!r->verdict.hard || r->verdict.class == FEEDBACK_HARD_RECIPIENT ||
               r->verdict.class == FEEDBACK_HARD_DOMAIN);
    fuzz_check(r->reply_code == 0 || (r->reply_code >= 200 && r->reply_code < 600));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    struct feedback_report *report = ARENA_NEW(&a, struct feedback_report);

    if (!rules) {
        feedback_report_init();
        rules = feedback_rules_builtin();
    }
    feedback_report_read(&a, slice_of(data, size), rules, report);
    fuzz_check(report->recipient_count <= LIMIT_REPORT_RECIPIENTS);
    fuzz_check(report->recipient_count == 0 || report->kind != FEEDBACK_NONE);
    for (size_t i = 0; i < report->recipient_count; i++)
        check_recipient(&report->recipients[i]);
    return 0;
}
