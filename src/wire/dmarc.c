#include "wire/dmarc.h"

enum { LABELS_AT_ONCE = 7 /* RFC 9989 §4.10, step 3 */ };

static const struct {
    const char *name;
    enum wire_dmarc_policy policy;
} policies[] = {
    {"none", WIRE_DMARC_NONE},
    {"quarantine", WIRE_DMARC_QUARANTINE},
    {"reject", WIRE_DMARC_REJECT},
};

static bool is_word(struct slice value, const char *word)
{
    return slice_equal_nocase(value, slice_text(word));
}

static enum wire_dmarc_policy read_policy(struct slice value)
{
    for (size_t i = 0; i < ARRAY_LEN(policies); i++)
        if (is_word(value, policies[i].name))
            return policies[i].policy;
    return WIRE_DMARC_NOT_GIVEN;
}

static enum wire_dmarc_psd read_psd(struct slice value)
{
    return is_word(value, "y")   ? WIRE_DMARC_PSD_YES
           : is_word(value, "n") ? WIRE_DMARC_PSD_NO
                                 : WIRE_DMARC_PSD_UNKNOWN;
}

static uint8_t read_percent(struct slice value)
{
    uint64_t percent;

    return slice_to_u64(value, 100, &percent) == 0 ? (uint8_t)percent : 100;
}

static void read_tag(struct slice name, struct slice value, struct wire_dmarc_record *record)
{
    if (is_word(name, "p"))
        record->policy = read_policy(value);
    else if (is_word(name, "sp"))
        record->below = read_policy(value);
    else if (is_word(name, "np"))
        record->below_not_there = read_policy(value);
    else if (is_word(name, "adkim"))
        record->strict_dkim = is_word(value, "s");
    else if (is_word(name, "aspf"))
        record->strict_spf = is_word(value, "s");
    else if (is_word(name, "t"))
        record->testing = is_word(value, "y");
    else if (is_word(name, "psd"))
        record->psd = read_psd(value);
    else if (is_word(name, "pct"))
        record->percent = read_percent(value);
    else if (is_word(name, "rua"))
        record->reports = value;
}

/* The next tag; false: there is none, or what stands there is none. */
static bool cut_tag(struct slice part, struct slice *ret_name, struct slice *ret_value)
{
    struct slice value = part;

    if (!slice_cut(&value, '=', ret_name))
        return false;
    *ret_name = slice_trim(*ret_name);
    *ret_value = slice_trim(value);
    return true;
}

int wire_dmarc_record_parse(struct slice text, struct wire_dmarc_record *ret)
{
    struct wire_dmarc_record record = {.percent = 100};
    struct slice rest = text, part, name, value;
    bool more = slice_cut(&rest, ';', &part);

    if (!cut_tag(part, &name, &value) || !slice_equal(name, SLICE("v")) ||
        !slice_equal(value, SLICE("DMARC1")) || !slice_starts(text, SLICE("v")))
        return -ENOENT;
    while (more) {
        more = slice_cut(&rest, ';', &part);
        if (cut_tag(part, &name, &value))
            read_tag(name, value, &record);
    }
    *ret = record;
    return 0;
}

const char *wire_dmarc_policy_name(enum wire_dmarc_policy policy)
{
    for (size_t i = 0; i < ARRAY_LEN(policies); i++)
        if (policies[i].policy == policy)
            return policies[i].name;
    return "";
}

enum wire_dmarc_policy wire_dmarc_policy_of(const struct wire_dmarc_record *record)
{
    return record->policy == WIRE_DMARC_NOT_GIVEN ? WIRE_DMARC_NONE : record->policy;
}

enum wire_dmarc_policy wire_dmarc_policy_below(const struct wire_dmarc_record *record, bool exists)
{
    if (!exists && record->below_not_there != WIRE_DMARC_NOT_GIVEN)
        return record->below_not_there;
    return record->below != WIRE_DMARC_NOT_GIVEN ? record->below : wire_dmarc_policy_of(record);
}

static size_t count_labels(struct slice domain)
{
    size_t labels = domain.size > 0;

    for (size_t i = 0; i < domain.size; i++)
        labels += domain.data[i] == '.';
    return labels;
}

struct slice wire_dmarc_walk_next(struct slice domain)
{
    size_t labels = count_labels(domain), left = labels > LABELS_AT_ONCE + 1 ? LABELS_AT_ONCE
                                                 : labels                    ? labels - 1
                                                                             : 0;
    struct slice label;

    for (; labels > left; labels--)
        slice_cut(&domain, '.', &label);
    return left ? domain : SLICE_NONE;
}
