#include "runtime/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>

int endpoint_parse_address(struct slice text, struct endpoint *ret)
{
    struct endpoint e = {0};
    char copy[INET6_ADDRSTRLEN];

    if (text.size == 0 || text.size >= sizeof copy || memchr(text.data, 0, text.size))
        return -EINVAL;
    memcpy(copy, text.data, text.size);
    copy[text.size] = 0;
    if (inet_pton(AF_INET, copy, e.address) == 1)
        e.family = 4;
    else if (inet_pton(AF_INET6, copy, e.address) == 1)
        e.family = 6;
    else
        return -EINVAL;
    *ret = e;
    return 0;
}

/* Splits "address:port" or "[address]:port". */
static int split(struct slice text, struct slice *ret_address, struct slice *ret_port)
{
    ssize_t colon = slice_find_last(text, ':');

    if (colon < 0)
        return -EINVAL;
    *ret_address = slice_part(text, 0, (size_t)colon);
    *ret_port = slice_part(text, (size_t)colon + 1, text.size);
    if (!slice_starts(*ret_address, SLICE("[")))
        return slice_find(*ret_address, ':') < 0 ? 0 : -EINVAL;
    if (ret_address->data[ret_address->size - 1] != ']')
        return -EINVAL;
    *ret_address = slice_part(*ret_address, 1, ret_address->size - 2);
    return slice_find(*ret_address, ':') < 0 ? -EINVAL : 0;
}

int endpoint_parse(struct slice text, struct endpoint *ret)
{
    struct slice address, port;
    struct endpoint e;
    uint64_t number;

    if (split(text, &address, &port) < 0 || endpoint_parse_address(address, &e) < 0 ||
        slice_to_u64(port, UINT16_MAX, &number) < 0)
        return -EINVAL;
    e.port = (uint16_t)number;
    *ret = e;
    return 0;
}

const char *endpoint_format_address(const struct endpoint *e, char out[static ENDPOINT_TEXT_BYTES])
{
    out[0] = 0;
    if (e->family)
        inet_ntop(e->family == 4 ? AF_INET : AF_INET6, e->address, out, ENDPOINT_TEXT_BYTES);
    return out;
}

const char *endpoint_format(const struct endpoint *e, char out[static ENDPOINT_TEXT_BYTES])
{
    char address[ENDPOINT_TEXT_BYTES];

    endpoint_format_address(e, address);
    if (e->family == 0)
        out[0] = 0;
    else
        snprintf(out, ENDPOINT_TEXT_BYTES, e->family == 4 ? "%.45s:%u" : "[%.45s]:%u", address,
                 e->port);
    return out;
}

static size_t address_size(const struct endpoint *e)
{
    return e->family == 4 ? 4 : e->family == 6 ? 16 : 0;
}

bool endpoint_same_address(const struct endpoint *a, const struct endpoint *b)
{
    return a->family == b->family && memcmp(a->address, b->address, address_size(a)) == 0;
}

bool endpoint_is_loopback(const struct endpoint *e)
{
    static const uint8_t one[16] = {[15] = 1};
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (e->family == 4)
        return e->address[0] == 127;
    if (e->family != 6)
        return false;
    return memcmp(e->address, one, sizeof one) == 0 ||
           (memcmp(e->address, mapped, sizeof mapped) == 0 && e->address[12] == 127);
}

/* True if all bits of the address after the first `bits` are zero. */
static bool rest_is_zero(const struct endpoint *e, unsigned bits)
{
    for (unsigned bit = bits; bit < address_size(e) * 8; bit++)
        if (e->address[bit / 8] & (0x80 >> bit % 8))
            return false;
    return true;
}

int endpoint_network_parse(struct slice text, struct endpoint_network *ret)
{
    struct endpoint_network network;
    struct slice address, rest = text;
    bool has_bits = slice_cut(&rest, '/', &address);
    uint64_t bits;

    if (endpoint_parse_address(address, &network.base) < 0)
        return -EINVAL;
    bits = address_size(&network.base) * 8;
    if (has_bits && slice_to_u64(rest, bits, &bits) < 0)
        return -EINVAL;
    if (!rest_is_zero(&network.base, (unsigned)bits))
        return -EINVAL; /* "10.1.2.3/8" is a slip of the pen */
    network.bits = (uint8_t)bits;
    *ret = network;
    return 0;
}

bool endpoint_in_network(const struct endpoint *e, const struct endpoint_network *network)
{
    size_t whole = network->bits / 8;
    uint8_t mask = (uint8_t)(0xff00 >> network->bits % 8);

    if (e->family != network->base.family || memcmp(e->address, network->base.address, whole) != 0)
        return false;
    return network->bits % 8 == 0 ||
           (e->address[whole] & mask) == (network->base.address[whole] & mask);
}
