/* A doubly linked ring whose links lie inside the elements. The head is a link of its own. An
 * element that is in no list has both pointers NULL (zeroed memory will do), so list_remove is safe
 * twice. */
#ifndef LETTERHEAD_BASE_LIST_H
#define LETTERHEAD_BASE_LIST_H

#include "base/base.h"

struct list {
    struct list *next;
    struct list *previous;
};

static inline void list_init(struct list *head)
{
    head->next = head->previous = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head || !head->next;
}

static inline bool list_linked(const struct list *element)
{
    return element->next != NULL;
}

static inline void list_add_between(struct list *element, struct list *before, struct list *after)
{
    element->previous = before;
    element->next = after;
    before->next = element;
    after->previous = element;
}

static inline void list_add_last(struct list *head, struct list *element)
{
    list_add_between(element, head->previous, head);
}

static inline void list_add_first(struct list *head, struct list *element)
{
    list_add_between(element, head, head->next);
}

static inline void list_remove(struct list *element)
{
    if (!element->next)
        return;
    element->previous->next = element->next;
    element->next->previous = element->previous;
    element->next = element->previous = NULL;
}

#define LIST_ENTRY(link, type, member) CONTAINER_OF(link, type, member)
#define LIST_FIRST(head, type, member) LIST_ENTRY((head)->next, type, member)
#define LIST_FOREACH(link, head)                                                                   \
    for (struct list *link = (head)->next; link && link != (head); link = link->next)
/* Allows list_remove(link) inside. */
#define LIST_FOREACH_SAFE(link, head)                                                              \
    for (struct list *link = (head)->next, *link##_next = link ? link->next : NULL;                \
         link && link != (head); link = link##_next, link##_next = link ? link->next : NULL)

#endif
