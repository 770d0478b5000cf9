/* The rules by which a reply or a report's words are given a reason and a class: a data file
 * (dist/bounce-rules), so that it can be mended without building anew.
 *
 * A file is a row of sections, judged from the first to the last:
 *
 *     # comment
 *     = REASON CLASS [when CONDITION …]
 *     words to be found
 *     words * with a gap
 *
 * Words are compared without case, with any white space as one space and addresses as "@". "*"
 * stands for up to 120 bytes. A section without words applies where its conditions hold, after all
 * sections with words have been asked.
 *
 *     CONDITION   status=5.7.1,5.7.*,none | reply=550,552 | command=data,unknown | in=reply
 */
#ifndef LETTERHEAD_FEEDBACK_REPORT_RULES_H
#define LETTERHEAD_FEEDBACK_REPORT_RULES_H

#include "base/buffer.h"
#include "wire/smtp_reply.h"

/* Whose fault it is, at the least precision that something is decided by. */
enum feedback_class {
    FEEDBACK_UNKNOWN,
    FEEDBACK_HARD_RECIPIENT, /* the address does not exist */
    FEEDBACK_HARD_DOMAIN,    /* the domain does not exist or takes no mail */
    FEEDBACK_AMBIGUOUS_RECIPIENT,
    FEEDBACK_SOFT_MAILBOX,
    FEEDBACK_BLOCK_AUTH,
    FEEDBACK_BLOCK_CONTENT,
    FEEDBACK_BLOCK_POLICY,
    FEEDBACK_BLOCK_REPUTATION,
    FEEDBACK_BLOCK_SENDER,
    FEEDBACK_CONFIG,
    FEEDBACK_CONTENT_FORM,
    FEEDBACK_CONTENT_SIZE,
    FEEDBACK_PROTOCOL,
    FEEDBACK_RATE,
    FEEDBACK_TLS,
    FEEDBACK_TRANSIENT,
    FEEDBACK_CLASS_COMPLAINT,
    FEEDBACK_CLASS_AUTO_REPLY,
    FEEDBACK_CLASS_DELIVERED,
    FEEDBACK_CLASSES,
};

/* Who can do something about it. */
enum feedback_fault {
    FEEDBACK_FAULT_NOBODY, /* it passes by itself, or it is not a bounce */
    FEEDBACK_FAULT_RECIPIENT,
    FEEDBACK_FAULT_RECEIVING_DOMAIN,
    FEEDBACK_FAULT_INFRASTRUCTURE, /* ours */
    FEEDBACK_FAULT_SITE_SETUP,
    FEEDBACK_FAULT_CONTENT,
};

struct feedback_verdict {
    enum feedback_class class;
    bool hard;           /* trying again is of no use, and the address may be suppressed */
    struct slice reason; /* as the rule names it; lives as long as the rules */
    uint32_t line;       /* of the rules file, that decided; 0: none did */
};

enum feedback_command {
    FEEDBACK_COMMAND_UNKNOWN,
    FEEDBACK_COMMAND_CONNECT,
    FEEDBACK_COMMAND_EHLO,
    FEEDBACK_COMMAND_MAIL,
    FEEDBACK_COMMAND_RCPT,
    FEEDBACK_COMMAND_DATA,
};

/* What is known of one failure. */
struct feedback_evidence {
    struct slice reply; /* what the refusing server said, as it came; may be empty */
    struct slice words; /* what else the report says of this recipient; may be empty */
    struct smtp_status status;
    uint16_t reply_code;
    enum feedback_command command; /* that was refused */
};

struct feedback_rules;

/* Reads a rules file. -EINVAL: not taken; *ret_problem says in which line what is wrong, and the
 * cure (to be freed). */
MUST_CHECK int feedback_rules_new(struct slice text, struct feedback_rules **ret,
                                  char **ret_problem);
/* Accepts NULL. */
void feedback_rules_free(struct feedback_rules *rules);

struct feedback_verdict feedback_rules_judge(const struct feedback_rules *rules,
                                             const struct feedback_evidence *evidence);

const char *feedback_class_name(enum feedback_class class);
enum feedback_fault feedback_class_fault(enum feedback_class class);
/* The status that goes with a verdict, for a report that has none; class 0: none does. */
struct smtp_status feedback_class_status(const struct feedback_verdict *verdict);
/* "recipient", "receiving domain", "our infrastructure", "site's set-up", "content", "nobody". */
const char *feedback_fault_name(enum feedback_fault fault);

#endif
