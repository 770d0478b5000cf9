#include "submit/class.h"

#define FIELD "X-Letterhead-Priority"
#define TAG "letterhead-priority"

enum word { ABSENT, BULK, TRANSACTIONAL, WRONG };

static enum word read_word(struct slice text)
{
    struct slice word = slice_trim(text);

    if (slice_equal_nocase(word, SLICE("bulk")))
        return BULK;
    return slice_equal_nocase(word, SLICE("transactional")) ? TRANSACTIONAL : WRONG;
}

/* Two words are none, even if they agree. */
static enum word add_word(enum word before, enum word word)
{
    return before == ABSENT ? word : WRONG;
}

static enum word word_of_field(const struct wire_header *header)
{
    const struct wire_field *field = NULL;
    enum word word = ABSENT;

    while ((field = wire_header_find(header, SLICE(FIELD), field)))
        word = add_word(word, read_word(field->value));
    return word;
}

/* "name=value, name=value", as Amazon SES has it; tags of other names are not ours. */
static enum word word_of_tags(const struct wire_header *header)
{
    const struct wire_field *field = wire_header_find(header, SLICE("X-SES-MESSAGE-TAGS"), NULL);
    struct slice rest = field ? field->value : SLICE_NONE;
    enum word word = ABSENT;

    while (rest.size) {
        ptrdiff_t comma = slice_find(rest, ',');
        struct slice tag = slice_part(rest, 0, comma < 0 ? rest.size : (size_t)comma);
        ptrdiff_t sign = slice_find(tag, '=');

        if (sign >= 0 &&
            slice_equal_nocase(slice_trim(slice_part(tag, 0, (size_t)sign)), SLICE(TAG)))
            word = add_word(word, read_word(slice_part(tag, (size_t)sign + 1, tag.size)));
        rest = comma < 0 ? SLICE_NONE : slice_part(rest, (size_t)comma + 1, rest.size);
    }
    return word;
}

static bool has_list_signs(const struct wire_header *header)
{
    static const struct slice names[] = {
        {"List-Id", 7}, {"List-Unsubscribe", 16}, {"List-Unsubscribe-Post", 21}};
    static const struct slice precedences[] = {{"bulk", 4}, {"list", 4}, {"junk", 4}};
    const struct wire_field *precedence = wire_header_find(header, SLICE("Precedence"), NULL);

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (wire_header_find(header, names[i], NULL))
            return true;
    for (size_t i = 0; precedence && i < ARRAY_LEN(precedences); i++)
        if (slice_equal_nocase(slice_trim(precedence->value), precedences[i]))
            return true;
    return false;
}

bool submit_class_judge(const struct wire_header *header, size_t recipient_count, bool *ret_bulk,
                        const char **ret_problem)
{
    enum word field = word_of_field(header), tags = word_of_tags(header);
    enum word word = field == ABSENT ? tags : field;

    if (field == WRONG || tags == WRONG) {
        *ret_problem = field == WRONG ? FIELD " must be there once, and be bulk or transactional"
                                      : "The tag " TAG
                                        " must be there once, and be bulk or transactional";
        return false;
    }
    *ret_bulk = word == BULK ||
                (word == ABSENT &&
                 (has_list_signs(header) || recipient_count > SUBMIT_TRANSACTIONAL_RECIPIENTS_MAX));
    return true;
}
