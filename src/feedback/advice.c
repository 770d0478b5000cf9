#include "feedback/advice.h"

static const char *const advice[FEEDBACK_CLASSES] = {
    [FEEDBACK_UNKNOWN] = "Read what the receiver said. If it is clear, a rule for it belongs into "
                         "the rules file.",
    [FEEDBACK_HARD_RECIPIENT] = "Correct the address, or delete it: it does not exist.",
    [FEEDBACK_HARD_DOMAIN] = "Correct what stands behind the @, or delete the address: the domain "
                             "does not exist or takes no mail.",
    [FEEDBACK_AMBIGUOUS_RECIPIENT] = "Ask the person another way whether the address is right.",
    [FEEDBACK_SOFT_MAILBOX] = "Send it again in some days: the mailbox is full or closed for now.",
    [FEEDBACK_BLOCK_AUTH] = "Check the site's DNS records: letterhead identity check SITE.",
    [FEEDBACK_BLOCK_CONTENT] = "Change the text or its attachments: the receiver takes them for "
                               "spam or for dangerous.",
    [FEEDBACK_BLOCK_POLICY] = "Ask the receiver's postmaster: its rules do not let this mail in.",
    [FEEDBACK_BLOCK_REPUTATION] = "The operator looks into the sending address: the receiver, or a "
                                  "blocklist it asks, does not trust it.",
    [FEEDBACK_BLOCK_SENDER] = "Ask the receiver to let the site's address in: it refuses this "
                              "sender.",
    [FEEDBACK_CONFIG] = "Check the site's set-up: letterhead site show SITE and letterhead "
                        "identity check SITE.",
    [FEEDBACK_CONTENT_FORM] = "Have the application's programmers look at the message: its form is "
                              "wrong.",
    [FEEDBACK_CONTENT_SIZE] = "Send less: the message is larger than the receiver takes.",
    [FEEDBACK_PROTOCOL] = "The operator looks at the dialogue: letterhead message show MESSAGE.",
    [FEEDBACK_RATE] = "Nothing, if it is rare. Otherwise the operator slows down: letterhead "
                      "shaping show DOMAIN.",
    [FEEDBACK_TLS] = "Ask the receiver's postmaster to mend its TLS, or relax the site's: "
                     "docs/transport-security.md.",
    [FEEDBACK_TRANSIENT] = "Send it again if it is still wanted: the receiver could not be reached "
                           "or was out of order.",
    [FEEDBACK_CLASS_COMPLAINT] = "Write to this person no more, and look at how the address came "
                                 "onto the list.",
    [FEEDBACK_CLASS_AUTO_REPLY] = "Nothing: the message arrived.",
    [FEEDBACK_CLASS_DELIVERED] = "Nothing.",
};

const char *feedback_advice(const struct feedback_verdict *verdict)
{
    assert(verdict->class < FEEDBACK_CLASSES);
    return advice[verdict->class];
}
