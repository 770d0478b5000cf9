/* The tag=value lists of DKIM (RFC 6376 §3.2), which DMARC records use as well (RFC 7489 §6.3):
 * names are case-sensitive, a name may stand only once, white space around names and values does
 * not count. Unknown tags are kept; whoever reads the list ignores them. */
#ifndef LETTERHEAD_WIRE_TAG_LIST_H
#define LETTERHEAD_WIRE_TAG_LIST_H

#include "base/buffer.h"

enum { WIRE_TAGS_MAX = 32 };

struct wire_tag {
    struct slice name;
    struct slice value; /* trimmed; folds inside are still there */
};

struct wire_tag_list {
    struct wire_tag tags[WIRE_TAGS_MAX];
    size_t count;
};

/* Reads a list; the slices lie in `text`. -EBADMSG if it is no tag list, -EEXIST if a name stands
 * twice, -E2BIG for more than WIRE_TAGS_MAX tags. */
MUST_CHECK int wire_tag_list_parse(struct slice text, struct wire_tag_list *ret_list);

/* The value of a tag, or NULL when it is not there; an empty value is not NULL. */
const struct slice *wire_tag_list_find(const struct wire_tag_list *list, const char *name);

/* Adds the value without any white space. */
void wire_tag_squeeze(struct slice value, struct buffer *out);

/* Decodes a base64 value, in which white space may stand anywhere (RFC 6376 §3.2), and adds it to
 * `out`. -EINVAL (out as before) if it is not base64. */
MUST_CHECK int wire_tag_base64(struct slice value, struct buffer *out);

#endif
