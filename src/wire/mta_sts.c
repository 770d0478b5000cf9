#include "wire/mta_sts.h"

#include "wire/dns_text.h"

enum { FIELD_NAME_BYTES = 32, MAX_AGE_DIGITS = 10 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct slice skip_blanks(struct slice s)
{
    while (s.size && is_blank(s.data[0]))
        s = slice_part(s, 1, s.size);
    return s;
}

static struct slice drop_blanks(struct slice s)
{
    while (s.size && is_blank(s.data[s.size - 1]))
        s.size--;
    return s;
}

/* sts-ext-name and sts-policy-ext-name; the names that we know are of this kind, too. */
static bool name_valid(struct slice name)
{
    if (name.size == 0 || name.size > FIELD_NAME_BYTES || !is_alphanumeric(name.data[0]))
        return false;
    for (size_t i = 1; i < name.size; i++)
        if (!is_alphanumeric(name.data[i]) && !strchr("_-.", name.data[i]))
            return false;
    return true;
}

/* --- The TXT record --- */

static bool id_valid(struct slice id)
{
    if (id.size == 0 || id.size > WIRE_MTA_STS_ID_BYTES)
        return false;
    for (size_t i = 0; i < id.size; i++)
        if (!is_alphanumeric(id.data[i]))
            return false;
    return true;
}

/* sts-ext-value: what prints, but no "=" and no ";". */
static bool record_value_valid(struct slice value)
{
    for (size_t i = 0; i < value.size; i++)
        if (value.data[i] <= ' ' || value.data[i] >= 127 || value.data[i] == '=')
            return false;
    return value.size > 0;
}

/* Takes the version and the delimiter after it off the front. */
static bool take_version(struct slice *record)
{
    struct slice rest;

    if (!slice_starts(*record, SLICE("v=STSv1")))
        return false;
    rest = skip_blanks(slice_part(*record, 7, record->size));
    if (!slice_starts(rest, SLICE(";")))
        return false;
    *record = slice_part(rest, 1, rest.size);
    return true;
}

/* One field of the record; the first id counts. */
static bool take_field(struct slice field, struct slice *id)
{
    struct slice name, value = field;

    if (!slice_cut(&value, '=', &name) || !name_valid(name) || !record_value_valid(value))
        return false;
    if (!slice_equal(name, SLICE("id")) || id->size)
        return true;
    *id = value;
    return id_valid(value);
}

int wire_mta_sts_record_parse(struct slice record, struct slice *ret_id)
{
    struct slice id = SLICE_NONE, field;
    bool more = true;

    if (!take_version(&record))
        return -ENOENT;
    while (more) {
        more = slice_cut(&record, ';', &field);
        if (!more && skip_blanks(field).size == 0)
            break; /* a delimiter at the end */
        field = skip_blanks(field);
        if (!take_field(more ? drop_blanks(field) : field, &id))
            return -EBADMSG;
    }
    if (!id.size)
        return -EBADMSG;
    *ret_id = id;
    return 0;
}

void wire_mta_sts_records_add(struct wire_mta_sts_records *records, struct slice record)
{
    int r = wire_mta_sts_record_parse(record, &records->id);

    if (r == -ENOENT)
        return;
    records->count++;
    if (r < 0)
        records->unreadable = true;
}

int wire_mta_sts_records_id(const struct wire_mta_sts_records *records, struct slice *ret_id)
{
    if (records->count != 1 || records->unreadable)
        return -ENOENT;
    *ret_id = records->id;
    return 0;
}

/* --- Patterns --- */

bool wire_mta_sts_pattern_valid(struct slice pattern)
{
    if (slice_starts(pattern, SLICE("*.")))
        pattern = slice_part(pattern, 2, pattern.size);
    return wire_dns_host_valid(pattern);
}

bool wire_mta_sts_pattern_matches(struct slice pattern, struct slice host)
{
    ssize_t dot;

    if (slice_ends_nocase(host, SLICE(".")))
        host.size--;
    if (!slice_starts(pattern, SLICE("*.")))
        return slice_equal_nocase(pattern, host);
    dot = slice_find(host, '.');
    return dot > 0 && slice_equal_nocase(slice_part(pattern, 1, pattern.size),
                                         slice_part(host, (size_t)dot, host.size));
}

bool wire_mta_sts_policy_allows(const struct wire_mta_sts_policy *policy, struct slice host)
{
    for (size_t i = 0; i < policy->pattern_count; i++)
        if (wire_mta_sts_pattern_matches(policy->patterns[i], host))
            return true;
    return false;
}

/* --- The policy file --- */

static const char *const mode_names[] = {
    [WIRE_MTA_STS_NONE] = "none",
    [WIRE_MTA_STS_TESTING] = "testing",
    [WIRE_MTA_STS_ENFORCE] = "enforce",
};

const char *wire_mta_sts_mode_name(enum wire_mta_sts_mode mode)
{
    assert(mode >= WIRE_MTA_STS_NONE && (size_t)mode < ARRAY_LEN(mode_names));
    return mode_names[mode];
}

/* What was read so far, and which fields there were. */
struct reading {
    struct wire_mta_sts_policy *policy;
    bool version, mode, max_age;
    const char *wrong;
};

static void read_version(struct reading *reading, struct slice value)
{
    if (!reading->version && !slice_equal(value, SLICE("STSv1")))
        reading->wrong = "the version is not STSv1";
    reading->version = true;
}

static void read_mode(struct reading *reading, struct slice value)
{
    if (reading->mode)
        return;
    reading->mode = true;
    for (size_t i = WIRE_MTA_STS_NONE; i < ARRAY_LEN(mode_names); i++)
        if (slice_equal(value, slice_text(mode_names[i]))) {
            reading->policy->mode = (enum wire_mta_sts_mode)i;
            return;
        }
    reading->wrong = "the mode is none of enforce, testing, none";
}

static void read_max_age(struct reading *reading, struct slice value)
{
    uint64_t seconds;

    if (reading->max_age)
        return;
    reading->max_age = true;
    if (value.size > MAX_AGE_DIGITS || slice_to_u64(value, UINT64_MAX, &seconds) < 0) {
        reading->wrong = "max_age is not a number of seconds";
        return;
    }
    reading->policy->max_age_s =
        seconds < WIRE_MTA_STS_MAX_AGE_S ? (uint32_t)seconds : WIRE_MTA_STS_MAX_AGE_S;
}

static void read_mx(struct reading *reading, struct slice value)
{
    struct wire_mta_sts_policy *policy = reading->policy;

    if (!wire_mta_sts_pattern_valid(value))
        reading->wrong = "an mx is neither a host name nor \"*.\" before one";
    else if (policy->pattern_count == LIMIT_STS_PATTERNS)
        reading->wrong = "it has more mx lines than are taken";
    else
        policy->patterns[policy->pattern_count++] = value;
}

/* sts-policy-ext-value: UTF-8 that prints, with spaces inside. */
static void judge_unknown(struct reading *reading, struct slice value)
{
    bool good = value.size && value.data[0] != ' ' && slice_is_utf8(value);

    for (size_t i = 0; i < value.size; i++)
        if ((unsigned char)value.data[i] < ' ' || value.data[i] == 127)
            good = false;
    if (!good)
        reading->wrong = "a value is empty or has control characters";
}

static void read_line(struct reading *reading, struct slice line)
{
    static const struct {
        struct slice name;
        void (*read)(struct reading *reading, struct slice value);
    } fields[] = {{{"version", 7}, read_version},
                  {{"mode", 4}, read_mode},
                  {{"max_age", 7}, read_max_age},
                  {{"mx", 2}, read_mx}};
    struct slice name, value = line;

    if (!slice_cut(&value, ':', &name) || !name_valid(name)) {
        reading->wrong = "a line is not \"name: value\"";
        return;
    }
    value = drop_blanks(skip_blanks(value));
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (slice_equal(name, fields[i].name)) {
            fields[i].read(reading, value);
            return;
        }
    judge_unknown(reading, value);
}

static const char *what_lacks(const struct reading *reading)
{
    if (!reading->version)
        return "it has no version";
    if (!reading->mode)
        return "it has no mode";
    if (!reading->max_age)
        return "it has no max_age";
    if (reading->policy->mode != WIRE_MTA_STS_NONE && !reading->policy->pattern_count)
        return "it has no mx";
    return NULL;
}

static int refuse(const char *what, size_t offset, struct wire_error *ret_error)
{
    *ret_error = (struct wire_error){what, offset};
    return -EBADMSG;
}

/* Lines end in LF or CR LF. Empty ones, which the grammar does not have, are let be: a policy that
 * says what it wants should not fail because its editor added one. */
int wire_mta_sts_policy_parse(struct slice text, struct wire_mta_sts_policy *ret,
                              struct wire_error *ret_error)
{
    struct wire_mta_sts_policy policy = {.pattern_count = 0};
    struct reading reading = {.policy = &policy};
    struct slice rest = text, line;
    bool more = true;

    if (text.size > LIMIT_STS_POLICY_BYTES)
        return refuse("it is longer than is taken", LIMIT_STS_POLICY_BYTES, ret_error);
    while (more) {
        size_t offset = text.size - rest.size;

        more = slice_cut(&rest, '\n', &line);
        if (line.size && line.data[line.size - 1] == '\r')
            line.size--;
        if (drop_blanks(line).size)
            read_line(&reading, line);
        if (reading.wrong)
            return refuse(reading.wrong, offset, ret_error);
    }
    reading.wrong = what_lacks(&reading);
    if (reading.wrong)
        return refuse(reading.wrong, text.size, ret_error);
    *ret = policy;
    return 0;
}

void wire_mta_sts_policy_format(struct buffer *out, const struct wire_mta_sts_policy *policy)
{
    buffer_printf(out, "version: STSv1\nmode: %s\n", wire_mta_sts_mode_name(policy->mode));
    for (size_t i = 0; i < policy->pattern_count; i++)
        buffer_printf(out, "mx: %.*s\n", SLICE_ARG(policy->patterns[i]));
    buffer_printf(out, "max_age: %u\n", policy->max_age_s);
}
