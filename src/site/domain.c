#include "site/domain.h"

#include "wire/address.h"
#include "wire/dns_text.h"

#include <libpsl.h>

/* Below a public suffix each name has an owner of its own, so nobody's DKIM key at the suffix
 * may speak for it. */
static bool is_public_suffix(const char *domain)
{
    return psl_is_public_suffix(psl_builtin(), domain);
}

int site_host_normalise(struct arena *arena, struct slice text, struct slice *ret)
{
    struct wire_error error = {NULL, 0};
    struct slice host;

    if (text.size && text.data[text.size - 1] == '.')
        text.size--;
    if (wire_domain_parse(arena, text, WIRE_ADDRESS_UTF8, &host, &error) < 0 ||
        !wire_dns_host_valid(host))
        return -EINVAL;
    *ret = arena_copy(arena, host);
    return 0;
}

int site_domain_normalise(struct arena *arena, struct slice text, struct slice *ret,
                          const char **ret_why)
{
    struct slice domain; /* which ends with NUL */

    if (site_host_normalise(arena, text, &domain) < 0) {
        *ret_why = "It is not a domain name, such as example.org.";
        return -EINVAL;
    }
    if (is_public_suffix(domain.data)) {
        *ret_why = "It is a public suffix, under which many owners have their domains; name the "
                   "domain below it that belongs to the site.";
        return -EINVAL;
    }
    *ret = domain;
    return 0;
}

bool site_domain_is_public_suffix(struct arena *arena, struct slice domain)
{
    return is_public_suffix(arena_copy(arena, domain).data);
}

bool site_name_valid(struct slice name)
{
    if (name.size == 0 || name.size > SITE_NAME_BYTES_MAX)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        if (!word && (c != '-' || i == 0 || i + 1 == name.size || name.data[i - 1] == '-'))
            return false;
    }
    return true;
}
