#include "wire/tsig.h"

#include <endian.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

enum {
    ADDITIONAL_COUNT_AT = 10, /* in the header */
    ERROR_BADSIG = 16,
    ERROR_BADKEY = 17,
    ERROR_BADTIME = 18,
    ERROR_BADTRUNC = 22,
    SERVER_TIME_BYTES = 6,
};

static const struct {
    const char *name;
    const EVP_MD *(*digest)(void);
} algorithms[] = {
    [WIRE_TSIG_SHA224] = {"hmac-sha224", EVP_sha224},
    [WIRE_TSIG_SHA256] = {"hmac-sha256", EVP_sha256},
    [WIRE_TSIG_SHA384] = {"hmac-sha384", EVP_sha384},
    [WIRE_TSIG_SHA512] = {"hmac-sha512", EVP_sha512},
};

int wire_tsig_algorithm_of(struct slice name, enum wire_tsig_algorithm *ret)
{
    if (name.size && name.data[name.size - 1] == '.')
        name.size--;
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
        if (slice_equal_nocase(name, slice_text(algorithms[i].name))) {
            *ret = (enum wire_tsig_algorithm)i;
            return 0;
        }
    return -EINVAL;
}

static struct wire_packet_name algorithm_name(enum wire_tsig_algorithm algorithm)
{
    struct wire_packet_name name;

    if (wire_packet_name_of(slice_text(algorithms[algorithm].name), &name) < 0)
        abort();
    return name;
}

/* What a TSIG record says besides its MAC (RFC 8945 §4.2). */
struct variables {
    uint64_t time_s;
    uint16_t fudge_s, error;
    struct slice other;
};

static void add_time(struct buffer *b, uint64_t time_s)
{
    buffer_add_u16(b, (uint16_t)(time_s >> 32));
    buffer_add_u32(b, (uint32_t)time_s);
}

static void add_variables(struct buffer *b, const struct wire_tsig_key *key,
                          const struct variables *v)
{
    struct wire_packet_name algorithm = algorithm_name(key->algorithm);

    wire_packet_name_write(b, &key->name);
    buffer_add_u16(b, WIRE_PACKET_CLASS_ANY);
    buffer_add_u32(b, 0); /* TTL */
    wire_packet_name_write(b, &algorithm);
    add_time(b, v->time_s);
    buffer_add_u16(b, v->fudge_s);
    buffer_add_u16(b, v->error);
    buffer_add_u16(b, (uint16_t)v->other.size);
    buffer_add(b, v->other);
}

/* `signed_bytes` is all that goes into the MAC (RFC 8945 §4.3). */
static void compute(const struct wire_tsig_key *key, struct slice signed_bytes,
                    struct wire_tsig_mac *ret)
{
    unsigned size = 0;

    if (!HMAC(algorithms[key->algorithm].digest(), key->secret.data, (int)key->secret.size,
              (const unsigned char *)signed_bytes.data, signed_bytes.size, ret->bytes, &size))
        abort();
    ret->size = size;
}

static void change_additional_count(struct buffer *message, int by)
{
    uint16_t count;

    memcpy(&count, message->data + ADDITIONAL_COUNT_AT, sizeof count);
    count = htobe16((uint16_t)(be16toh(count) + by));
    memcpy(message->data + ADDITIONAL_COUNT_AT, &count, sizeof count);
}

static void add_record(struct buffer *message, const struct wire_tsig_key *key,
                       const struct variables *v, const struct wire_tsig_mac *mac)
{
    struct wire_packet_record record = {
        .name = key->name, .type = WIRE_PACKET_TYPE_TSIG, .class = WIRE_PACKET_CLASS_ANY};
    struct wire_packet_name algorithm = algorithm_name(key->algorithm);
    CLEANUP(buffer_done) struct buffer rdata = BUFFER_NONE;

    wire_packet_name_write(&rdata, &algorithm);
    add_time(&rdata, v->time_s);
    buffer_add_u16(&rdata, v->fudge_s);
    buffer_add_u16(&rdata, (uint16_t)mac->size);
    buffer_add(&rdata, slice_of(mac->bytes, mac->size));
    buffer_add(&rdata, slice_part(buffer_slice(message), 0, 2)); /* the original id */
    buffer_add_u16(&rdata, v->error);
    buffer_add_u16(&rdata, 0); /* no other data */
    record.rdata = buffer_slice(&rdata);
    wire_packet_record_write(message, &record);
    change_additional_count(message, 1);
}

void wire_tsig_sign(struct buffer *message, const struct wire_tsig_key *key, int64_t time_s,
                    struct wire_tsig_mac *ret_mac)
{
    const struct variables v = {.time_s = (uint64_t)time_s, .fudge_s = WIRE_TSIG_FUDGE_S};
    CLEANUP(buffer_done) struct buffer signed_bytes = BUFFER_NONE;

    assert(message->size >= WIRE_PACKET_HEADER_BYTES);
    buffer_add(&signed_bytes, buffer_slice(message));
    add_variables(&signed_bytes, key, &v);
    compute(key, buffer_slice(&signed_bytes), ret_mac);
    add_record(message, key, &v, ret_mac);
}

/* A TSIG record that was read; slices lie in the message. */
struct found {
    struct wire_packet_record record;
    struct wire_packet_name algorithm;
    struct variables variables;
    struct slice mac, original_id;
};

static int read_rdata(struct slice message, struct found *found)
{
    struct cursor c;
    size_t size;

    if (wire_packet_rdata_name(message, &found->record, &found->algorithm, &size) < 0)
        return -EBADMSG;
    c = cursor_of(slice_part(found->record.rdata, size, found->record.rdata.size));
    found->variables.time_s = (uint64_t)cursor_u16(&c) << 32;
    found->variables.time_s |= cursor_u32(&c);
    found->variables.fudge_s = cursor_u16(&c);
    found->mac = cursor_bytes(&c, cursor_u16(&c));
    found->original_id = cursor_bytes(&c, 2);
    found->variables.error = cursor_u16(&c);
    found->variables.other = cursor_bytes(&c, cursor_u16(&c));
    return cursor_done(&c);
}

/* 1 when the last additional record is a TSIG, 0 when there is none, -EBADMSG. */
static int find(struct slice message, struct found *ret)
{
    struct wire_packet_reader reader;
    struct wire_packet_header header;
    uint16_t type, class;
    size_t records;
    int r = wire_packet_reader_init(message, &reader, &header);

    if (r < 0)
        return r;
    for (uint16_t i = 0; i < header.counts[0] && r == 0; i++)
        r = wire_packet_question_read(&reader, &ret->record.name, &type, &class);
    ret->record.type = 0;
    records = (size_t)header.counts[1] + header.counts[2] + header.counts[3];
    for (size_t i = 0; i < records && r == 0; i++)
        r = wire_packet_record_read(&reader, &ret->record);
    if (r == 0)
        r = wire_packet_reader_done(&reader);
    if (r < 0 || header.counts[3] == 0 || ret->record.type != WIRE_PACKET_TYPE_TSIG)
        return r;
    r = read_rdata(message, ret);
    return r < 0 ? r : 1;
}

/* The message as it was before it was signed, behind the MAC of the request (RFC 8945 §5.3). */
static void add_signed(struct buffer *b, struct slice message, const struct found *found,
                       const struct wire_tsig_mac *request_mac)
{
    CLEANUP(buffer_done) struct buffer plain = BUFFER_NONE;

    buffer_add(&plain, slice_part(message, 0, found->record.start));
    memcpy(plain.data, found->original_id.data, 2);
    change_additional_count(&plain, -1);
    buffer_add_u16(b, (uint16_t)request_mac->size);
    buffer_add(b, slice_of(request_mac->bytes, request_mac->size));
    buffer_add(b, buffer_slice(&plain));
}

static bool is_authentic(struct slice message, const struct wire_tsig_key *key,
                         const struct wire_tsig_mac *request_mac, const struct found *found)
{
    struct wire_packet_name algorithm = algorithm_name(key->algorithm);
    CLEANUP(buffer_done) struct buffer signed_bytes = BUFFER_NONE;
    struct wire_tsig_mac mac;

    if (!wire_packet_name_equal(&found->record.name, &key->name) ||
        !wire_packet_name_equal(&found->algorithm, &algorithm))
        return false;
    add_signed(&signed_bytes, message, found, request_mac);
    add_variables(&signed_bytes, key, &found->variables);
    compute(key, buffer_slice(&signed_bytes), &mac);
    return found->mac.size == mac.size && CRYPTO_memcmp(found->mac.data, mac.bytes, mac.size) == 0;
}

static int64_t server_time(struct slice other)
{
    struct cursor c = cursor_of(other);
    int64_t high = cursor_u16(&c), low = cursor_u32(&c);

    return other.size == SERVER_TIME_BYTES ? high << 32 | low : 0;
}

static enum wire_tsig_verdict judge_authentic(const struct variables *v, int64_t now_s)
{
    int64_t age_s = now_s - (int64_t)v->time_s;

    if (v->error == ERROR_BADTIME)
        return WIRE_TSIG_BAD_TIME;
    if (age_s > v->fudge_s || age_s < -(int64_t)v->fudge_s)
        return WIRE_TSIG_OUTSIDE_TIME;
    return v->error == 0 ? WIRE_TSIG_GOOD : WIRE_TSIG_FORGED;
}

int wire_tsig_judge(struct slice message, const struct wire_tsig_key *key,
                    const struct wire_tsig_mac *request_mac, int64_t now_s,
                    struct wire_tsig_judgement *ret)
{
    struct found found;
    int r = find(message, &found);

    if (r < 0)
        return r;
    *ret = (struct wire_tsig_judgement){.verdict = WIRE_TSIG_UNSIGNED};
    if (r == 0)
        return 0;
    if (is_authentic(message, key, request_mac, &found))
        ret->verdict = judge_authentic(&found.variables, now_s);
    else if (found.mac.size == 0 && found.variables.error == ERROR_BADKEY)
        ret->verdict = WIRE_TSIG_BAD_KEY;
    else if (found.mac.size == 0 && found.variables.error == ERROR_BADSIG)
        ret->verdict = WIRE_TSIG_BAD_MAC;
    else if (found.variables.error == ERROR_BADTRUNC)
        ret->verdict = WIRE_TSIG_BAD_TRUNC;
    else
        ret->verdict = WIRE_TSIG_FORGED;
    if (ret->verdict == WIRE_TSIG_BAD_TIME)
        ret->server_time_s = server_time(found.variables.other);
    return 0;
}
