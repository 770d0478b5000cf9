/* What an identity's state means, in words for those who must act. */
#ifndef LETTERHEAD_ONBOARD_ADVICE_H
#define LETTERHEAD_ONBOARD_ADVICE_H

#include "onboard/identity_state.h"
#include "site/identity.h"

/* Sets identity->why and identity->next_step from the verdict and the states of the records. */
void onboard_advise(struct arena *arena, const struct identity_verdict *verdict,
                    struct identity *identity);

#endif
