#include "onboard/spf_term.h"

#include "onboard/spf_macro.h"

enum argument { NOTHING = 0, DOMAIN = 1, DOMAIN_NEEDED = 2, PREFIX = 4, ADDRESS = 8 };

static const struct {
    const char *name;
    enum spf_mechanism mechanism;
    unsigned arguments;
} mechanisms[] = {
    {"all", SPF_ALL, NOTHING},     {"include", SPF_INCLUDE, DOMAIN | DOMAIN_NEEDED},
    {"a", SPF_A, DOMAIN | PREFIX}, {"mx", SPF_MX, DOMAIN | PREFIX},
    {"ptr", SPF_PTR, DOMAIN},      {"ip4", SPF_IP4, ADDRESS},
    {"ip6", SPF_IP6, ADDRESS},     {"exists", SPF_EXISTS, DOMAIN | DOMAIN_NEEDED},
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The end of a domain-spec that is no macro (§7.1): a dot, then a label that is no number. */
static bool is_top_label(struct slice label)
{
    bool letter = false;

    for (size_t i = 0; i < label.size; i++) {
        char c = label.data[i];

        if (!is_letter(c) && !is_digit(c) && c != '-')
            return false;
        letter |= !is_digit(c);
    }
    return letter && label.data[0] != '-' && label.data[label.size - 1] != '-';
}

static bool is_domain(struct slice text)
{
    bool macro_last;
    ssize_t dot;

    if (!spf_macro_valid(text, &macro_last))
        return false;
    if (macro_last)
        return true;
    if (text.size && text.data[text.size - 1] == '.')
        text.size--;
    dot = slice_find_last(text, '.');
    return dot >= 0 && is_top_label(slice_part(text, (size_t)dot + 1, text.size));
}

/* No leading zeros (§12). */
static int read_bits(struct slice text, uint8_t max, uint8_t *ret)
{
    uint64_t bits;

    if (slice_to_u64(text, max, &bits) < 0 || (text.size > 1 && text.data[0] == '0'))
        return -EBADMSG;
    *ret = (uint8_t)bits;
    return 0;
}

/* "/24", "//64", "/24//64", or nothing. */
static int read_prefixes(struct slice text, struct spf_term *term)
{
    ssize_t six = slice_find_slice(text, SLICE("//"));
    struct slice four = six >= 0 ? slice_part(text, 0, (size_t)six) : text;
    int r = 0;

    if (four.size)
        r = read_bits(slice_part(four, 1, four.size), 32, &term->bits4);
    if (r == 0 && six >= 0)
        r = read_bits(slice_part(text, (size_t)six + 2, text.size), 128, &term->bits6);
    return r;
}

static int read_network(struct slice text, struct spf_term *term)
{
    struct slice address;
    bool prefix = slice_cut(&text, '/', &address);
    bool six = term->mechanism == SPF_IP6;

    if (endpoint_parse_address(address, &term->network) < 0 ||
        term->network.family != (six ? 6 : 4))
        return -EBADMSG;
    if (!prefix)
        return 0;
    return six ? read_bits(text, 128, &term->bits6) : read_bits(text, 32, &term->bits4);
}

/* A slash may be a part of the name, too; what stands at its end is a prefix. */
static struct slice before_prefixes(struct slice text)
{
    static const struct slice marks[] = {{"//", 2}, {"/", 1}};

    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        struct slice rest = text;

        while (rest.size && is_digit(rest.data[rest.size - 1]))
            rest.size--;
        if (slice_ends_nocase(rest, marks[i]))
            text = slice_part(rest, 0, rest.size - marks[i].size);
    }
    return text;
}

/* What stands behind the name: ":domain" and "/bits", as far as the mechanism takes them. */
static int read_arguments(struct slice text, unsigned takes, struct spf_term *term)
{
    bool given = slice_starts(text, SLICE(":"));
    struct slice prefixes = text;

    if (takes & ADDRESS)
        return given ? read_network(slice_part(text, 1, text.size), term) : -EBADMSG;
    if (given) {
        text = slice_part(text, 1, text.size);
        term->domain = takes & PREFIX ? before_prefixes(text) : text;
        prefixes = slice_part(text, term->domain.size, text.size);
    }
    if (given ? !(takes & DOMAIN) || !is_domain(term->domain) : (takes & DOMAIN_NEEDED) != 0)
        return -EBADMSG;
    if (prefixes.size && !(takes & PREFIX))
        return -EBADMSG;
    return read_prefixes(prefixes, term);
}

static enum spf_result read_qualifier(struct slice *text)
{
    static const struct {
        char sign;
        enum spf_result result;
    } signs[] = {{'+', SPF_PASS}, {'-', SPF_FAIL}, {'~', SPF_SOFTFAIL}, {'?', SPF_NEUTRAL}};

    for (size_t i = 0; text->size && i < ARRAY_LEN(signs); i++)
        if (text->data[0] == signs[i].sign) {
            *text = slice_part(*text, 1, text->size);
            return signs[i].result;
        }
    return SPF_PASS;
}

/* name=value, the name of letters, digits, "-", "_" and ".", a letter first. */
static int read_modifier(struct slice name, struct slice value, struct spf_term *term)
{
    bool redirects = slice_equal_nocase(name, SLICE("redirect"));
    bool explains = slice_equal_nocase(name, SLICE("exp")), macro_last;

    for (size_t i = 0; i < name.size; i++)
        if (!is_letter(name.data[i]) &&
            (i == 0 || (!is_digit(name.data[i]) && !strchr("-_.", name.data[i]))))
            return -EBADMSG;
    if (redirects || explains ? !is_domain(value) : !spf_macro_valid(value, &macro_last))
        return -EBADMSG;
    term->mechanism = redirects ? SPF_REDIRECT : explains ? SPF_EXP : SPF_MODIFIER;
    term->domain = value;
    return 0;
}

static int read_mechanism(struct slice text, struct spf_term *term)
{
    size_t end = 0;

    term->result = read_qualifier(&text);
    while (end < text.size && text.data[end] != ':' && text.data[end] != '/')
        end++;
    for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++) {
        if (!slice_equal_nocase(slice_part(text, 0, end), slice_text(mechanisms[i].name)))
            continue;
        term->mechanism = mechanisms[i].mechanism;
        return read_arguments(slice_part(text, end, text.size), mechanisms[i].arguments, term);
    }
    return -EBADMSG;
}

int spf_term_parse(struct slice text, struct spf_term *ret)
{
    struct spf_term term = {.bits4 = 32, .bits6 = 128};
    struct slice value = text, name;
    size_t end = 0;
    int r;

    while (end < text.size && !strchr(":/=", text.data[end]))
        end++;
    if (end > 0 && end < text.size && text.data[end] == '=') {
        slice_cut(&value, '=', &name);
        r = read_modifier(name, value, &term);
    } else {
        r = read_mechanism(text, &term);
    }
    if (r == 0)
        *ret = term;
    return r;
}
