#include "deliver/address_policy.h"

/* RFC 6890 and the IANA special-purpose registries. */
static const char *const refused[] = {
    "0.0.0.0/8",      "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12",  "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15",  "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4",
    "::/96",          "100::/64",        "2001::/23",      "2001:db8::/32",  "3fff::/20",
    "5f00::/16",      "fc00::/7",        "fe80::/10",      "fec0::/10",      "ff00::/8",
    "64:ff9b:1::/48",
};

static bool in_refused(const struct endpoint *address)
{
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct endpoint_network network;
        int r = endpoint_network_parse(slice_text(refused[i]), &network);

        assert(r == 0);
        if (endpoint_in_network(address, &network))
            return true;
    }
    return false;
}

/* The IPv4 address inside an IPv6 one, for the forms that routers or kernels unpack. */
static bool inner_address(const struct endpoint *address, struct endpoint *ret)
{
    static const struct {
        unsigned char prefix[12];
        size_t prefix_size, at;
    } forms[] = {
        {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 12, 12}, /* mapped, RFC 4291 §2.5.5.2 */
        {{0x00, 0x64, 0xff, 0x9b}, 12, 12},                   /* NAT64, RFC 6052 §2.1 */
        {{0x20, 0x02}, 2, 2},                                 /* 6to4, RFC 3056 §2 */
    };

    if (address->family != 6)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (memcmp(address->address, forms[i].prefix, forms[i].prefix_size) != 0)
            continue;
        *ret = (struct endpoint){.family = 4, .port = address->port};
        memcpy(ret->address, address->address + forms[i].at, 4);
        return true;
    }
    return false;
}

static bool is_allowed_by_name(const struct address_policy *policy, const struct endpoint *address)
{
    for (size_t i = 0; i < policy->allowed_count; i++)
        if (endpoint_in_network(address, &policy->allowed[i]))
            return true;
    return false;
}

bool address_policy_allows(const struct address_policy *policy, const struct endpoint *address)
{
    struct endpoint inner;

    if (address->family != 4 && address->family != 6)
        return false;
    if (is_allowed_by_name(policy, address))
        return true;
    if (inner_address(address, &inner))
        return is_allowed_by_name(policy, &inner) || !in_refused(&inner);
    return !in_refused(address);
}
