/* Macros in the names of an SPF record (RFC 7208 §7): checked and expanded. Pure; for
 * onboard/spf.c, which asks the DNS for %{p} before. Those of explanations (%{c}, %{r}, %{t}) are
 * not for names. */
#ifndef LETTERHEAD_ONBOARD_SPF_MACRO_H
#define LETTERHEAD_ONBOARD_SPF_MACRO_H

#include "base/arena.h"
#include "runtime/endpoint.h"

struct spf_macro_values {
    struct slice local, sender_domain; /* of the envelope's sender */
    struct slice domain;               /* whose record it is */
    struct slice helo;
    struct slice validated; /* the address's name (§5.5), or "unknown" */
    const struct endpoint *address;
};

/* §7.1: printing ASCII without blanks, and every "%" begins a macro; *ret_last: one ends it. */
bool spf_macro_valid(struct slice text, bool *ret_last);
/* Whether `validated` counts. */
bool spf_macro_wants_validated(struct slice text);
/* Of a valid text. What is too long for a name loses labels from the left (§7.3). */
struct slice spf_macro_expand(struct arena *arena, struct slice text,
                              const struct spf_macro_values *values);

#endif
