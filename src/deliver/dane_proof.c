#include "deliver/dane_proof.h"

#include "base/log.h"

#include <stdio.h>

static const uint64_t PROVED_US = 3600 * SECOND_US; /* until it is asked again */
static const uint64_t UNPROVED_US = 60 * SECOND_US;
static const uint64_t ANSWER_US = 30 * SECOND_US;

static const char *const names[] = {
    [DANE_OFF] = "off",
    [DANE_UNPROVED] = "unproved",
    [DANE_PROVED] = "proved",
    [DANE_REFUTED] = "refuted",
};

const char *dane_proof_name(enum dane_proof_state state)
{
    assert(state >= DANE_OFF && state < ARRAY_LEN(names));
    return names[state];
}

void dane_proof_init(struct dane_proof *proof, struct slice signed_name, struct slice bogus_name,
                     const char *off)
{
    *proof = (struct dane_proof){.signed_name = signed_name,
                                 .bogus_name = bogus_name,
                                 .state = off ? DANE_OFF : DANE_UNPROVED};
    snprintf(proof->words, sizeof proof->words, "%s",
             off ? off : "The resolver has not been tested yet.");
}

static bool is_silent(const struct dns_answer *answer)
{
    return answer->status == DNS_TEMPORARY;
}

enum dane_proof_state dane_proof_judge(const struct dns_answer *signed_answer,
                                       const struct dns_answer *bogus_answer)
{
    bool refused = bogus_answer->status == DNS_BOGUS;
    bool good = signed_answer->status == DNS_FOUND && signed_answer->secure;

    if (good && refused)
        return DANE_PROVED;
    if ((!good && !is_silent(signed_answer)) || (!refused && !is_silent(bogus_answer)))
        return DANE_REFUTED;
    return DANE_UNPROVED;
}

static void explain(struct dane_proof *proof, const struct dns_answer *signed_answer,
                    const struct dns_answer *bogus_answer)
{
    const struct dns_answer *silent = is_silent(signed_answer) ? signed_answer : bogus_answer;

    if (proof->state == DANE_PROVED)
        proof->words[0] = 0;
    else if (proof->state == DANE_UNPROVED)
        snprintf(proof->words, sizeof proof->words, "The resolver could not be tested: %.*s",
                 SLICE_ARG(slice_part(silent->why, 0, 200)));
    else if (bogus_answer->status != DNS_BOGUS && !is_silent(bogus_answer))
        snprintf(proof->words, sizeof proof->words,
                 "The resolver believes %.*s, whose signatures are broken.",
                 SLICE_ARG(proof->bogus_name));
    else
        snprintf(proof->words, sizeof proof->words,
                 "The resolver cannot validate %.*s, which is signed.",
                 SLICE_ARG(proof->signed_name));
}

/* What was proved stays so while there is no answer. */
static void learn(struct dane_proof *proof, const struct dns_answer *signed_answer,
                  const struct dns_answer *bogus_answer)
{
    enum dane_proof_state state = dane_proof_judge(signed_answer, bogus_answer);
    enum dane_proof_state before = proof->state;

    if (state == DANE_UNPROVED && before == DANE_PROVED)
        return;
    proof->state = state;
    proof->proved = state == DANE_PROVED;
    explain(proof, signed_answer, bogus_answer);
    if (state == before)
        return;
    if (state == DANE_PROVED)
        log_info("the resolver validates DNSSEC: DANE is in use");
    else
        log_warning("DANE is not in use: %s", proof->words);
}

static int ask(struct task *t, struct dane_proof *proof)
{
    CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, ANSWER_US);
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct dns_answer signed_answer, bogus_answer;
    int r = resolver_query(t, &arena, proof->signed_name, DNS_SOA, &signed_answer);

    if (r == 0)
        r = resolver_query(t, &arena, proof->bogus_name, DNS_A, &bogus_answer);
    if (r == 0)
        learn(proof, &signed_answer, &bogus_answer);
    return r;
}

int dane_proof_main(struct task *t, void *argument)
{
    struct dane_proof *proof = argument;
    int r = 0;

    while (r == 0 && proof->state != DANE_OFF) {
        r = ask(t, proof);
        if (r == -ETIMEDOUT) /* our own: nobody answered */
            r = task_check(t);
        if (r == 0)
            r = task_sleep(t, proof->proved ? PROVED_US : UNPROVED_US);
    }
    return r == -ECANCELED ? 0 : r;
}

void dane_proof_write(struct buffer *body, const struct dane_proof *proof)
{
    buffer_add_u8(body, (uint8_t)proof->state);
    buffer_add_sized(body, slice_text(proof->words));
}

int dane_proof_read(struct cursor *c, enum dane_proof_state *ret_state, struct slice *ret_words)
{
    unsigned state = cursor_u8(c);
    struct slice words = cursor_sized(c);

    if (c->failed || state < DANE_OFF || state >= ARRAY_LEN(names) ||
        words.size >= DANE_WORDS_BYTES)
        return -EBADMSG;
    *ret_state = (enum dane_proof_state)state;
    *ret_words = words;
    return 0;
}
