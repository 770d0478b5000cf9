#include "domain/publication_plan.h"

#include "wire/dns_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { NOTHING, OURS = 1 }; /* what an update finds there */

static const struct {
    const char *what, *wanted, *offered, *published;
    enum wire_dns_presence presence;
    const char *text;
    enum publication_step step;
    int present;
} cases[] = {
    {"the first time", "A", "", "", WIRE_DNS_NOTHING, NULL, PUBLICATION_UPDATE, NOTHING},
    {"it is so", "A", "", "A", WIRE_DNS_ONE_TXT, "A", PUBLICATION_IS_SO, 0},
    {"it is so, though we never heard of it", "A", "A", "", WIRE_DNS_ONE_TXT, "A",
     PUBLICATION_IS_SO, 0},
    {"a new one", "B", "", "A", WIRE_DNS_ONE_TXT, "A", PUBLICATION_UPDATE, OURS},
    {"another one after a crash", "C", "B", "A", WIRE_DNS_ONE_TXT, "B", PUBLICATION_UPDATE, OURS},
    {"the crash was before", "C", "B", "A", WIRE_DNS_ONE_TXT, "A", PUBLICATION_UPDATE, OURS},
    {"somebody took it away", "A", "", "A", WIRE_DNS_NOTHING, NULL, PUBLICATION_UPDATE, NOTHING},
    {"somebody was first", "A", "", "", WIRE_DNS_ONE_TXT, "X", PUBLICATION_CLASH, 0},
    {"somebody changed it", "A", "", "A", WIRE_DNS_ONE_TXT, "X", PUBLICATION_CLASH, 0},
    {"somebody added one", "A", "", "A", WIRE_DNS_MANY_TXT, "A", PUBLICATION_CLASH, 0},
    {"an alias", "A", "", "", WIRE_DNS_ALIAS, NULL, PUBLICATION_CLASH, 0},
    {"an address", "A", "", "", WIRE_DNS_OTHER, NULL, PUBLICATION_CLASH, 0},
    {"away with it", "", "", "A", WIRE_DNS_ONE_TXT, "A", PUBLICATION_UPDATE, OURS},
    {"it is gone", "", "", "A", WIRE_DNS_NOTHING, NULL, PUBLICATION_IS_SO, 0},
    {"it has become somebody's", "", "", "A", WIRE_DNS_ONE_TXT, "X", PUBLICATION_IS_SO, 0},
};

static void what_is_not_ours_stays(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        CLEANUP(buffer_done) struct buffer rdata = BUFFER_NONE;
        const struct publication row = {.name = SLICE("token.dkim.example"),
                                        .wanted = slice_text(cases[i].wanted),
                                        .offered = slice_text(cases[i].offered),
                                        .published = slice_text(cases[i].published)};
        struct wire_dns_txt_answer there = {.presence = cases[i].presence};
        struct publication_plan plan;

        if (cases[i].text)
            wire_dns_text_encode(&rdata, slice_text(cases[i].text));
        there.rdata = buffer_slice(&rdata);
        assert_int_equal(wire_packet_name_of(SLICE("alias.example"), &there.target), 0);
        publication_plan(&arena, &row, &there, &plan);
        if (plan.step != cases[i].step)
            fail_msg("%s: step %d", cases[i].what, (int)plan.step);
        if (plan.step == PUBLICATION_UPDATE)
            assert_true(
                slice_equal(plan.present, cases[i].present == OURS ? there.rdata : SLICE_NONE));
        if (plan.step == PUBLICATION_CLASH)
            assert_true(slice_find_slice(plan.clash, SLICE("letterhead publication retry")) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_not_ours_stays)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
