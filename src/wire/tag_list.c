#include "wire/tag_list.h"

#include "wire/base64.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* tag-name = ALPHA *ALNUMPUNC */
static bool name_valid(struct slice name)
{
    if (name.size == 0 || !is_letter(name.data[0]))
        return false;
    for (size_t i = 1; i < name.size; i++) {
        char c = name.data[i];

        if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* FWS = [*WSP CRLF] 1*WSP: a line end only where a blank follows it. */
static size_t fold_size(struct slice text)
{
    if (text.size && is_space(text.data[0]))
        return 1;
    if (text.size >= 3 && text.data[0] == '\r' && text.data[1] == '\n' && is_space(text.data[2]))
        return 3;
    return 0;
}

/* Visible characters and folds; bytes of UTF-8 too, since names may be U-labels (RFC 8616 §5). */
static bool value_valid(struct slice value)
{
    while (value.size) {
        unsigned char c = (unsigned char)value.data[0];
        size_t fold = fold_size(value);

        if (fold == 0 && (c < 0x21 || c == 0x7f))
            return false;
        value = slice_part(value, fold ? fold : 1, value.size);
    }
    return true;
}

static int tag_parse(struct slice text, struct wire_tag *ret_tag)
{
    struct slice name;

    if (!slice_cut(&text, '=', &name))
        return -EBADMSG;
    ret_tag->name = slice_trim(name);
    ret_tag->value = slice_trim(text);
    if (!name_valid(ret_tag->name) || !value_valid(ret_tag->value))
        return -EBADMSG;
    return 0;
}

static const struct wire_tag *find(const struct wire_tag_list *list, struct slice name)
{
    for (size_t i = 0; i < list->count; i++)
        if (slice_equal(list->tags[i].name, name))
            return &list->tags[i];
    return NULL;
}

static int list_add(struct wire_tag_list *list, struct slice text)
{
    struct wire_tag tag;
    int r = tag_parse(text, &tag);

    if (r < 0)
        return r;
    if (find(list, tag.name))
        return -EEXIST;
    if (list->count == WIRE_TAGS_MAX)
        return -E2BIG;
    list->tags[list->count++] = tag;
    return 0;
}

int wire_tag_list_parse(struct slice text, struct wire_tag_list *ret_list)
{
    struct wire_tag_list list = {.count = 0};
    struct slice part;
    bool more = true;

    while (more) {
        int r;

        more = slice_cut(&text, ';', &part);
        if (!more && list.count && slice_trim(part).size == 0)
            break; /* the list may end with a semicolon */
        r = list_add(&list, part);
        if (r < 0)
            return r;
    }
    *ret_list = list;
    return 0;
}

const struct slice *wire_tag_list_find(const struct wire_tag_list *list, const char *name)
{
    const struct wire_tag *tag = find(list, slice_text(name));

    return tag ? &tag->value : NULL;
}

void wire_tag_squeeze(struct slice value, struct buffer *out)
{
    char *at = buffer_reserve(out, value.size);

    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];

        if (!is_space(c) && c != '\r' && c != '\n')
            *at++ = c;
    }
    out->size = (size_t)(at - out->data);
}

int wire_tag_base64(struct slice value, struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    size_t room, size;
    int r;

    wire_tag_squeeze(value, &text);
    room = wire_base64_decoded_size_max(text.size);
    r = wire_base64_decode(buffer_slice(&text), buffer_reserve(out, room), room, &size);
    if (r < 0)
        return r;
    out->size += size;
    return 0;
}
