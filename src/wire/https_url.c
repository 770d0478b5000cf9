#include "wire/https_url.h"

#include "wire/dns_text.h"

static const char *const special_names[] = {
    "localhost", "local", "internal", "intranet", "lan", "onion", "invalid", "home.arpa",
};

static bool is_at_or_below(struct slice host, struct slice name)
{
    return slice_ends_nocase(host, name) &&
           (host.size == name.size || host.data[host.size - name.size - 1] == '.');
}

bool wire_https_host_valid(struct slice host)
{
    if (!wire_dns_host_valid(host) || slice_find(host, '.') < 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(special_names); i++)
        if (is_at_or_below(host, slice_text(special_names[i])))
            return false;
    return true;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* What may stand in a path or a query (RFC 3986 §3.3, §3.4); a percent sign needs its two digits.
 */
static bool is_target(struct slice s)
{
    static const char allowed[] = "-._~!$&'()*+,;=:@/?";

    for (size_t i = 0; i < s.size; i++) {
        char c = s.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (c == '%' && i + 2 < s.size && is_hex(s.data[i + 1]) && is_hex(s.data[i + 2]))
            continue;
        if (!letter && (c == '\0' || !strchr(allowed, c)))
            return false;
    }
    return true;
}

static int refuse(struct slice text, struct slice part, const char *what,
                  struct wire_error *ret_error)
{
    *ret_error = (struct wire_error){what, (size_t)(part.data - text.data)};
    return -EINVAL;
}

/* Up to the path or the query, whichever comes first. */
static size_t authority_size(struct slice rest)
{
    size_t i = 0;

    while (i < rest.size && rest.data[i] != '/' && rest.data[i] != '?' && rest.data[i] != '#')
        i++;
    return i;
}

int wire_https_url_parse(struct slice text, struct wire_https_url *ret,
                         struct wire_error *ret_error)
{
    const struct slice scheme = SLICE("https://");
    struct slice rest = slice_part(text, scheme.size, text.size), authority, host, target;

    if (text.size > WIRE_HTTPS_URL_BYTES)
        return refuse(text, text, "it is too long", ret_error);
    if (!slice_starts_nocase(text, scheme))
        return refuse(text, text, "it does not begin with https://", ret_error);
    authority = slice_part(rest, 0, authority_size(rest));
    target = slice_part(rest, authority.size, rest.size);
    host = authority;
    if (slice_ends_nocase(host, SLICE(":443")))
        host.size -= 4;
    if (slice_find(host, '@') >= 0)
        return refuse(text, host, "a user name may not stand in it", ret_error);
    if (slice_find(host, ':') >= 0)
        return refuse(text, host, "only port 443 is allowed", ret_error);
    if (!wire_https_host_valid(host))
        return refuse(text, host, "its host is no name of the public DNS", ret_error);
    if (!is_target(target))
        return refuse(text, target, "its path has characters that must be encoded", ret_error);
    *ret = (struct wire_https_url){host, target};
    return 0;
}
