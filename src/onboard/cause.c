#include "onboard/cause.h"

const char *record_cause_name(enum record_cause cause)
{
    static const char *const names[CAUSES] = {
        [CAUSE_NONE] = "",
        [CAUSE_ABSENT] = "absent",
        [CAUSE_WRONG_NAME] = "wrong-name",
        [CAUSE_WRONG_TYPE] = "wrong-type",
        [CAUSE_TRUNCATED] = "truncated",
        [CAUSE_SPLIT] = "split",
        [CAUSE_DAMAGED] = "damaged",
        [CAUSE_OTHER_KEY] = "other-key",
        [CAUSE_REVOKED] = "revoked",
        [CAUSE_RESTRICTED] = "restricted",
        [CAUSE_SEVERAL] = "several",
        [CAUSE_FOREIGN] = "foreign",
        [CAUSE_PROXIED] = "proxied",
        [CAUSE_FLATTENED] = "flattened",
        [CAUSE_WILDCARD] = "wildcard",
        [CAUSE_DISAGREE] = "servers-disagree",
        [CAUSE_LAME] = "lame-delegation",
        [CAUSE_BOGUS] = "bogus-dnssec",
        [CAUSE_NO_DOMAIN] = "no-such-domain",
        [CAUSE_SILENT] = "no-certain-answer",
        [CAUSE_OURS] = "platform-zone",
    };

    return names[cause];
}
