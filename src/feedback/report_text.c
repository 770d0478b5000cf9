#include "feedback/report_text.h"

#include <ctype.h>

static struct slice line_at(struct slice *rest)
{
    struct slice line;

    slice_cut(rest, '\n', &line);
    return slice_trim(line);
}

static bool contains_nocase(struct slice s, struct slice words)
{
    for (size_t i = 0; i + words.size <= s.size; i++)
        if (slice_starts_nocase(slice_part(s, i, words.size), words))
            return true;
    return false;
}

/* --- where the returned message starts --- */

static bool contains_any(struct slice line, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (contains_nocase(line, slice_text(words[i])))
            return true;
    return false;
}

static bool starts_returned(struct slice line)
{
    static const char *const heads[] = {
        "return-path:", "received:", "x-original-to:", "delivered-to:"};
    static const char *const words[] = {
        "message headers follow", "original message follows", "copy of the message",
        "copy of the original",   "header of the original",   "headers of the original",
        "below this line is",     "original message headers", "included is a copy",
        "unsent message follows", "text of message follows",  "body of the message follows",
    };
    /* said of the returned message in sentences, too */
    static const char *const titles[] = {"original mail", "returned message", "original message"};

    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        if (slice_starts_nocase(line, slice_text(heads[i])))
            return true;
    if (line.size > 120)
        return false;
    if (line.data && line.data[0] == '-' && contains_any(line, titles, ARRAY_LEN(titles)))
        return true;
    return contains_any(line, words, ARRAY_LEN(words));
}

struct slice feedback_text_report(struct slice text, struct slice *ret_returned)
{
    struct slice rest = text;

    while (rest.size > 0) {
        size_t start = text.size - rest.size;
        struct slice line = line_at(&rest);

        if (start > 0 && starts_returned(line)) {
            *ret_returned = slice_part(text, start, text.size);
            return slice_part(text, 0, start);
        }
    }
    *ret_returned = SLICE_NONE;
    return text;
}

/* --- recipients --- */

static bool is_address_byte(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 ||
           (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

/* The address at the front of a line, quotes and brackets left out; its end in *ret_end. */
static struct slice leading_address(struct slice line, size_t *ret_end)
{
    size_t start = 0, i, at;

    while (start < line.size && strchr("<\"'([>", line.data[start]) && line.data[start])
        start++;
    for (i = start; i < line.size && is_address_byte(line.data[i]);)
        i++;
    at = i;
    if (at == start || at >= line.size || line.data[at] != '@')
        return SLICE_NONE;
    for (i++; i < line.size && (isalnum((unsigned char)line.data[i]) ||
                                (line.data[i] != '\0' && strchr(".-_", line.data[i])));)
        i++;
    if (i == at + 1)
        return SLICE_NONE;
    *ret_end = i;
    while (i > at && line.data[i - 1] == '.')
        i--;
    return slice_part(line, start, i - start);
}

/* After an address that opens a block comes nothing, or a sign that it is one. */
static bool opens_block(struct slice after)
{
    after = slice_trim(after);
    while (after.size > 0 && strchr(">\"')]", after.data[0]) && after.data[0])
        after = slice_trim(slice_part(after, 1, after.size));
    return after.size == 0 || strchr(":,;(<.[", after.data[0]) != NULL ||
           slice_starts_nocase(after, SLICE("on ")) || slice_starts_nocase(after, SLICE("..."));
}

static struct slice introduced_address(struct slice line)
{
    static const char *const introductions[] = {
        "delivered to:",    "deliver message to:",      "recipient:", "delivery userid:",
        "attempts:",        "delivering your mail to ", "rcpt to:",   "unable to send to:",
        "deliver mail to ", "final-recipient: rfc822;",
    };

    for (size_t i = 0; i < ARRAY_LEN(introductions); i++) {
        struct slice words = slice_text(introductions[i]), found;
        size_t end;

        for (size_t at = 0; at + words.size <= line.size; at++) {
            if (!slice_starts_nocase(slice_part(line, at, words.size), words))
                continue;
            found = leading_address(slice_trim(slice_part(line, at + words.size, line.size)), &end);
            if (found.size > 0)
                return found;
        }
    }
    return SLICE_NONE;
}

/* "554 <a@b>... Host unknown": a line of a transcript. */
static struct slice without_code(struct slice line)
{
    if (line.size > 5 && (line.data[0] == '5' || line.data[0] == '4') &&
        isdigit((unsigned char)line.data[1]) && isdigit((unsigned char)line.data[2]) &&
        line.data[3] == ' ' && line.data[4] == '<')
        return slice_part(line, 4, line.size);
    return line;
}

static struct slice block_address(struct slice line)
{
    size_t end;
    struct slice address;

    line = without_code(line);
    while (line.size > 0 && line.data[0] == '>') /* quoted, or a sign of a list */
        line = slice_trim(slice_part(line, 1, line.size));
    address = leading_address(line, &end);
    if (address.size > 0 && opens_block(slice_part(line, end, line.size)))
        return address;
    return introduced_address(line);
}

size_t feedback_text_blocks(struct slice text, struct slice sender, struct feedback_block *ret)
{
    struct slice rest = text;
    size_t count = 0, i;
    bool open = false;

    while (rest.size > 0) {
        size_t start = text.size - rest.size;
        struct slice address = block_address(line_at(&rest));

        if (address.size == 0 || slice_equal_nocase(address, sender))
            continue;
        for (i = 0; i < count && !slice_equal_nocase(ret[i].address, address);)
            i++;
        if (i == count - 1)
            continue; /* said again in its own block */
        if (open)
            ret[count - 1].words.size = (size_t)(text.data + start - ret[count - 1].words.data);
        open = i == count && count < LIMIT_REPORT_RECIPIENTS;
        if (!open)
            continue; /* of a list that comes again */
        ret[count++] = (struct feedback_block){address, slice_part(text, start, text.size)};
    }
    return count;
}
