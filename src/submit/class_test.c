#include "submit/class.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum verdict { T, B, REFUSED };

static const struct {
    const char *header;
    size_t recipients;
    enum verdict verdict;
} cases[] = {
    {"Subject: Your hold is ready\r\n", 1, T},
    {"Subject: x\r\n", SUBMIT_TRANSACTIONAL_RECIPIENTS_MAX, T},
    {"Subject: x\r\n", SUBMIT_TRANSACTIONAL_RECIPIENTS_MAX + 1, B},
    /* signs */
    {"List-Id: News <news.example.org>\r\n", 1, B},
    {"LIST-UNSUBSCRIBE: <mailto:u@example.org>\r\n", 1, B},
    {"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", 1, B},
    {"List-Help: <mailto:h@example.org>\r\n", 1, T},
    {"Precedence: bulk\r\n", 1, B},
    {"precedence:\r\n List \r\n", 1, B},
    {"Precedence: junk\r\n", 1, B},
    {"Precedence: first-class\r\n", 1, T},
    {"Auto-Submitted: auto-generated\r\n", 1, T},
    /* the explicit word wins, over signs and numbers */
    {"X-Letterhead-Priority: bulk\r\n", 1, B},
    {"x-letterhead-priority: BULK\r\n", 1, B},
    {"List-Id: <a>\r\nX-Letterhead-Priority: transactional\r\n", 1000, T},
    {"X-SES-MESSAGE-TAGS: letterhead-priority=bulk\r\n", 1, B},
    {"X-SES-MESSAGE-TAGS: campaign=a, Letterhead-Priority = Transactional ,b=c\r\n"
     "Precedence: bulk\r\n",
     1, T},
    {"X-SES-MESSAGE-TAGS: priority=bulk, letterhead-priority-x=bulk, bulk\r\n", 1, T},
    {"X-SES-MESSAGE-TAGS: letterhead-priority=bulk\r\n"
     "X-Letterhead-Priority: transactional\r\n",
     1, T},
    /* what it is not */
    {"X-Letterhead-Priority: high\r\n", 1, REFUSED},
    {"X-Letterhead-Priority:\r\n", 1, REFUSED},
    {"X-Letterhead-Priority: bulk\r\nX-Letterhead-Priority: bulk\r\n", 1, REFUSED},
    {"X-SES-MESSAGE-TAGS: letterhead-priority=\r\n", 1, REFUSED},
    {"X-SES-MESSAGE-TAGS: letterhead-priority=bulk,letterhead-priority=bulk\r\n", 1, REFUSED},
    {"X-SES-MESSAGE-TAGS: ,,=,letterhead-priority=low,\r\n", 1, REFUSED},
};

static void tells_bulk_from_transactional(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct wire_header header;
        struct wire_error error;
        const char *problem = NULL;
        enum verdict verdict = REFUSED;
        bool bulk;

        assert_int_equal(wire_header_scan(&arena, slice_text(cases[i].header), &header, &error), 0);
        if (submit_class_judge(&header, cases[i].recipients, &bulk, &problem))
            verdict = bulk ? B : T;
        if (verdict != cases[i].verdict)
            fail_msg("%s: %d, not %d", cases[i].header, verdict, cases[i].verdict);
        assert_int_equal(problem != NULL, verdict == REFUSED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tells_bulk_from_transactional)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
