/* The table of operations: everything that can be asked of the platform (DESIGN §3).
 *
 * An operation is one entry: its name, who may ask, what goes in, what comes out, and the
 * function that does it. The folders that own the matter have arrays of them (site/operations.h
 * …), app joins these, and the steward runs them (control/perform.h). The command line and
 * whatever else shows the platform are views of this table: a new operation is one new entry.
 * Nothing else reaches into the database.
 *
 * Input and output are JSON objects. The input is checked against the fields before the handler
 * runs, so a handler sees nothing unknown, missing, of the wrong type or out of bounds. */
#ifndef LETTERHEAD_CONTROL_OPERATION_H
#define LETTERHEAD_CONTROL_OPERATION_H

#include "base/buffer.h"

#include <jansson.h>

struct task;

/* Who may ask; each may what those before may. */
enum control_role { CONTROL_VIEWER = 1, CONTROL_OPERATOR };

enum control_type {
    CONTROL_TEXT,   /* a string */
    CONTROL_NUMBER, /* an integer */
    CONTROL_FLAG,   /* true or false */
    CONTROL_TEXTS,  /* an array of strings */
};

/* One field of an input. In a command line it is --name with hyphens for underscores, or, if
 * `positional`, the next word. */
struct control_field {
    const char *name; /* NULL ends the array */
    enum control_type type;
    bool required;
    bool positional;
    bool secret; /* never part of a command line: asked for, or read from a file */
    bool
        whole_file; /* of a secret: all of the file, many lines; what is not text comes as base64 */
    int64_t min, max;           /* a number's value; the bytes of a text, and of each of texts */
    size_t count_max;           /* of texts */
    const char *const *choices; /* the only texts allowed, ended by NULL; or NULL */
    const char *help;           /* a sentence without a full stop */
};

struct control_caller {
    enum control_role role;
    char name[64]; /* for the audit log: "uid 0" */
};

/* Why an operation was not done: an outcome that the caller is told, not an error of ours. */
struct control_problem {
    const char *code; /* one of CONTROL_*; NULL: no problem */
    char *field;      /* the input's field it is about, "from[1]"; or NULL */
    char *message;    /* what happened and what it means */
    char *cure;       /* what to do next */
};
#define CONTROL_PROBLEM_NONE ((struct control_problem){NULL, NULL, NULL, NULL})
#define CONTROL_INVALID "invalid_input"
#define CONTROL_NOT_FOUND "not_found"
#define CONTROL_EXISTS "already_exists"
#define CONTROL_REFUSED "refused" /* by a rule of the platform */
#define CONTROL_FORBIDDEN "forbidden"
#define CONTROL_UNAVAILABLE "unavailable" /* try again later */
#define CONTROL_INTERNAL "internal"

/* For CLEANUP. */
void control_problem_done(struct control_problem *problem);
/* Replaces what was there. `field` may be NULL. */
void control_problem_set(struct control_problem *problem, const char *code, const char *field,
                         const char *cure, const char *message, ...) PRINTF_LIKE(5, 6);

/* Who hears how far an operation that takes its time has come. */
struct control_watch {
    void (*tell)(struct task *t, void *context, const json_t *progress);
    void *context;
};

struct control_call {
    const struct control_watch *watch; /* NULL: nobody */
    void *context;                     /* of the operation's set */
    const struct control_caller *caller;
    const json_t *input;
    json_t *output; /* the handler fills it */
    struct control_problem problem;
};

/* 0, or a negative errno. With one, either call->problem says what the caller is told (use
 * control_refuse), or it is a failure of ours: logged, and the caller is told just that. */
typedef int control_handler(struct task *t, struct control_call *call);

struct control_operation {
    const char *name;    /* "credential.add": noun and verb */
    const char *summary; /* a sentence without a full stop, in the imperative */
    enum control_role who;
    bool changes; /* it leaves a line in the audit log */
    const struct control_field *input;
    const char *output; /* the fields of the answer, in words */
    control_handler *handler;
};

/* A folder's operations with what their handlers work on. */
struct control_set {
    const struct control_operation *operations;
    size_t count;
    void *context;
};

/* Sets the call's problem; returns -ENOMSG, for the handler to return: the caller is told all
 * there is. */
MUST_CHECK int control_refuse(struct control_call *call, const char *code, const char *field,
                              const char *cure, const char *message, ...) PRINTF_LIKE(5, 6);

/* Tells whoever watches; `progress` is an object as the operation documents it, and is taken over.
 */
void control_progress(struct task *t, const struct control_call *call, json_t *progress);

/* NULL when there is no such operation; otherwise its set's context is in *ret_context. */
const struct control_operation *control_find(const struct control_set *sets, size_t set_count,
                                             struct slice name, void **ret_context);

/* The input's fields, as checked. A text that was not given is empty; a number then is
 * `otherwise`. */
struct slice control_text(const struct control_call *call, const char *field);
int64_t control_number(const struct control_call *call, const char *field, int64_t otherwise);
bool control_flag(const struct control_call *call, const char *field);
size_t control_texts_count(const struct control_call *call, const char *field);
struct slice control_texts_at(const struct control_call *call, const char *field, size_t i);

#endif
