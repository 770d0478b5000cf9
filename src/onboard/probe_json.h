/* A probe's report as JSON: what programs read, and what a relay's history keeps. */
#ifndef LETTERHEAD_ONBOARD_PROBE_JSON_H
#define LETTERHEAD_ONBOARD_PROBE_JSON_H

#include "onboard/probe.h"

#include <jansson.h>

/* {stage, title, result, code, what, cure, evidence}; what is empty is left out. */
json_t *probe_finding_to_json(const struct probe_finding *finding);

/* Added to `object`: host, port, tls, user, from, provider, expect, verdict, why, next_step,
 * seconds, mechanism, capabilities, stages[]; and, if wanted, transcript[]. */
void probe_report_to_json(const struct probe_account *account, const struct probe_report *report,
                          bool transcript, json_t *object);

#endif
