#include "wire/message_id.h"

#include <stdio.h>

enum { MS_BITS = 48 };

/* Where the fields of "0f00TTTTTTTTTTTT-uuuuuuuu-uuuu-4uuu-uuuu-uuuuuuuuuuuu-000000" start. */
enum { TIME_AT = 4, TIME_DIGITS = 12, UUID_AT = 17, UUID_LENGTH = 36 };

static bool uuid_dash_before(size_t byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

struct message_id message_id_make(uint64_t ms, const uint8_t random[16])
{
    struct message_id id = {.ms = ms};

    assert(ms >> MS_BITS == 0);
    memcpy(id.uuid, random, sizeof id.uuid);
    id.uuid[6] = (uint8_t)((id.uuid[6] & 0x0f) | 0x40); /* version 4 */
    id.uuid[8] = (uint8_t)((id.uuid[8] & 0x3f) | 0x80); /* variant of RFC 9562 §4.1 */
    return id;
}

static char *put_hex(char *at, uint64_t value, int digits)
{
    static const char alphabet[] = "0123456789abcdef";

    for (int i = digits - 1; i >= 0; i--, value >>= 4)
        at[i] = alphabet[value & 15];
    return at + digits;
}

void message_id_format(const struct message_id *id, char out[MESSAGE_ID_LENGTH + 1])
{
    char *at = out;

    memcpy(at, "0f00", 4);
    at = put_hex(at + 4, id->ms, TIME_DIGITS);
    *at++ = '-';
    for (size_t i = 0; i < sizeof id->uuid; i++) {
        if (uuid_dash_before(i))
            *at++ = '-';
        at = put_hex(at, id->uuid[i], 2);
    }
    memcpy(at, "-000000", 8);
}

/* -1 for anything that message_id_format does not write. */
static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool get_hex(const char *at, int digits, uint64_t *ret)
{
    uint64_t value = 0;

    for (int i = 0; i < digits; i++) {
        int digit = hex_digit(at[i]);

        if (digit < 0)
            return false;
        value = value << 4 | (uint64_t)digit;
    }
    *ret = value;
    return true;
}

static bool get_uuid(const char *at, uint8_t ret[16])
{
    for (size_t i = 0; i < 16; i++) {
        uint64_t byte;

        if (uuid_dash_before(i) && *at++ != '-')
            return false;
        if (!get_hex(at, 2, &byte))
            return false;
        ret[i] = (uint8_t)byte;
        at += 2;
    }
    return ret[6] >> 4 == 4 && ret[8] >> 6 == 2;
}

int message_id_parse(struct slice text, struct message_id *ret)
{
    struct message_id id;

    if (text.size != MESSAGE_ID_LENGTH || memcmp(text.data, "0f00", TIME_AT) != 0)
        return -EINVAL;
    if (!get_hex(text.data + TIME_AT, TIME_DIGITS, &id.ms) || text.data[UUID_AT - 1] != '-')
        return -EINVAL;
    if (!get_uuid(text.data + UUID_AT, id.uuid))
        return -EINVAL;
    if (memcmp(text.data + UUID_AT + UUID_LENGTH, "-000000", 7) != 0)
        return -EINVAL;
    *ret = id;
    return 0;
}

int message_id_compare(const struct message_id *a, const struct message_id *b)
{
    if (a->ms != b->ms)
        return a->ms < b->ms ? -1 : 1;
    return memcmp(a->uuid, b->uuid, sizeof a->uuid);
}
