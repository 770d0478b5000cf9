/* The classes: their names, whose fault each is, and the status that goes with it. */
#include "feedback/report_rules.h"

static const struct {
    const char *name;
    enum feedback_fault fault;
} classes[FEEDBACK_CLASSES] = {
    [FEEDBACK_UNKNOWN] = {"unknown", FEEDBACK_FAULT_NOBODY},
    [FEEDBACK_HARD_RECIPIENT] = {"hard-recipient", FEEDBACK_FAULT_RECIPIENT},
    [FEEDBACK_HARD_DOMAIN] = {"hard-domain", FEEDBACK_FAULT_RECIPIENT},
    [FEEDBACK_AMBIGUOUS_RECIPIENT] = {"ambiguous-recipient", FEEDBACK_FAULT_RECIPIENT},
    [FEEDBACK_SOFT_MAILBOX] = {"soft-mailbox", FEEDBACK_FAULT_RECIPIENT},
    [FEEDBACK_BLOCK_AUTH] = {"block-auth", FEEDBACK_FAULT_SITE_SETUP},
    [FEEDBACK_BLOCK_CONTENT] = {"block-content", FEEDBACK_FAULT_CONTENT},
    [FEEDBACK_BLOCK_POLICY] = {"block-policy", FEEDBACK_FAULT_RECEIVING_DOMAIN},
    [FEEDBACK_BLOCK_REPUTATION] = {"block-reputation", FEEDBACK_FAULT_INFRASTRUCTURE},
    [FEEDBACK_BLOCK_SENDER] = {"block-sender", FEEDBACK_FAULT_RECEIVING_DOMAIN},
    [FEEDBACK_CONFIG] = {"config", FEEDBACK_FAULT_SITE_SETUP},
    [FEEDBACK_CONTENT_FORM] = {"content-form", FEEDBACK_FAULT_CONTENT},
    [FEEDBACK_CONTENT_SIZE] = {"content-size", FEEDBACK_FAULT_CONTENT},
    [FEEDBACK_PROTOCOL] = {"protocol", FEEDBACK_FAULT_INFRASTRUCTURE},
    [FEEDBACK_RATE] = {"rate", FEEDBACK_FAULT_INFRASTRUCTURE},
    [FEEDBACK_TLS] = {"tls", FEEDBACK_FAULT_RECEIVING_DOMAIN},
    [FEEDBACK_TRANSIENT] = {"transient", FEEDBACK_FAULT_NOBODY},
    [FEEDBACK_CLASS_COMPLAINT] = {"complaint", FEEDBACK_FAULT_RECIPIENT},
    [FEEDBACK_CLASS_AUTO_REPLY] = {"auto-reply", FEEDBACK_FAULT_NOBODY},
    [FEEDBACK_CLASS_DELIVERED] = {"delivered", FEEDBACK_FAULT_NOBODY},
};

const char *feedback_class_name(enum feedback_class class)
{
    assert(class < FEEDBACK_CLASSES);
    return classes[class].name;
}

enum feedback_fault feedback_class_fault(enum feedback_class class)
{
    assert(class < FEEDBACK_CLASSES);
    return classes[class].fault;
}

const char *feedback_fault_name(enum feedback_fault fault)
{
    static const char *const names[] = {
        [FEEDBACK_FAULT_NOBODY] = "nobody",
        [FEEDBACK_FAULT_RECIPIENT] = "recipient",
        [FEEDBACK_FAULT_RECEIVING_DOMAIN] = "receiving domain",
        [FEEDBACK_FAULT_INFRASTRUCTURE] = "our infrastructure",
        [FEEDBACK_FAULT_SITE_SETUP] = "site's set-up",
        [FEEDBACK_FAULT_CONTENT] = "content",
    };

    return names[fault];
}

/* What a report without a status would have said. */
struct smtp_status feedback_class_status(const struct feedback_verdict *verdict)
{
    switch (verdict->class) {
    case FEEDBACK_HARD_RECIPIENT:
        return (struct smtp_status){5, 1, 1};
    case FEEDBACK_HARD_DOMAIN:
        return (struct smtp_status){5, 1, 2};
    case FEEDBACK_SOFT_MAILBOX:
        return (struct smtp_status){5, 2, 2};
    case FEEDBACK_CONTENT_SIZE:
        return (struct smtp_status){5, 3, 4};
    case FEEDBACK_TRANSIENT:
        return (struct smtp_status){4, 4, 7};
    case FEEDBACK_CLASS_COMPLAINT:
    case FEEDBACK_CLASS_AUTO_REPLY:
        return (struct smtp_status){0, 0, 0};
    case FEEDBACK_CLASS_DELIVERED:
        return (struct smtp_status){2, 0, 0};
    default:
        return (struct smtp_status){5, 0, 0};
    }
}
