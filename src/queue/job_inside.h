/* A job while deliver has it, for job.c (going out) and settle.c (coming back). */
#ifndef LETTERHEAD_QUEUE_JOB_INSIDE_H
#define LETTERHEAD_QUEUE_JOB_INSIDE_H

#include "queue/inside.h"

/* What the queue knows of a job that deliver does not see. */
struct job {
    struct queue_job job;
    struct queue_message *message;
    struct queue_group *group;
    uint64_t ticket; /* of the note that it begins */
};

/* Notes in the log that the job begins (ATTEMPT), so that a crash leaves a trace, or was given
 * back (RETURN). Returns the spool's ticket of that. */
uint64_t queue_job_note(struct queue *q, const struct job *j, enum queue_record_type type);
/* Gives the recipients and the group back to the schedule. */
void queue_job_give_back(struct queue *q, struct job *j);
/* The job is over. */
void queue_job_free(struct queue *q, struct job *j);

#endif
