#include "app/config_rules.h"

enum { CONFIG_DKIM_ZONE_BYTES_MAX = 200 };

static const char *listener_mistake(const struct config *config, const struct config_listener *l)
{
    if (l->tls != CONFIG_TLS_NONE && config->tls_certificate.size == 0)
        return "needs tls.certificate and tls.key; give both";
    if (l->tls != CONFIG_TLS_NONE && l->credential.size)
        return "a credential goes only with \"tls: none\"; take it out";
    if (l->tls == CONFIG_TLS_NONE &&
        (!endpoint_is_loopback(&l->address) || l->credential.size == 0))
        return "\"tls: none\" is for an application on this very machine; give it a loopback address and "
               "the credential (access key id) that it acts as";
    return NULL;
}

/* NULL when they are off, or whole. */
static const char *tls_reports_mistake(const struct config *config)
{
    if (config->tls_reports_site.size + config->tls_reports_from.size == 0)
        return NULL;
    if (config->tls_reports_site.size == 0 || config->tls_reports_from.size == 0 ||
        config->tls_reports_organization.size == 0)
        return "site, from and organization go together; give all three, or none for no reports";
    return NULL;
}

static void check_publishing(const struct config *config, struct buffer *problems)
{
    const bool zone = config->publishing_zone.size > 0, key = config->tsig_key_file.size > 0,
               server = config->publishing_server.family != 0;

    if (zone != server || zone != key)
        buffer_printf(problems,
                      "%s:%zu: publishing: zone, server and tsig_key_file go together; give all "
                      "three\n",
                      config->path, config->publishing_line);
    if (config->publishing_zone.size > CONFIG_DKIM_ZONE_BYTES_MAX)
        buffer_printf(problems,
                      "%s:%zu: publishing.zone: too long, there must be room for names below it; "
                      "use at most %d characters\n",
                      config->path, config->publishing_line, CONFIG_DKIM_ZONE_BYTES_MAX);
    if (config->dkim_records == CONFIG_RECORDS_CNAME && !zone)
        buffer_printf(problems,
                      "%s: dkim.records: cname needs a zone to lead into; set publishing.zone, "
                      ".server and .tsig_key_file, or use txt\n",
                      config->path);
}

void config_check_rules(const struct config *config, struct buffer *problems)
{
    const struct config_listener *listeners = config->listeners.items;

    if ((config->tls_certificate.size == 0) != (config->tls_key.size == 0))
        buffer_printf(problems, "%s:%zu: tls: certificate and key go together; give both\n",
                      config->path, config->tls_line);
    if ((config->notices_site.size == 0) != (config->notices_from.size == 0))
        buffer_printf(problems, "%s:%zu: notices: site and from go together; give both\n",
                      config->path, config->notices_line);
    if (tls_reports_mistake(config))
        buffer_printf(problems, "%s:%zu: tls_reports: %s\n", config->path, config->tls_reports_line,
                      tls_reports_mistake(config));
    check_publishing(config, problems);
    for (size_t i = 0; i < config->listeners.count; i++) {
        const char *mistake = listener_mistake(config, &listeners[i]);

        if (mistake)
            buffer_printf(problems, "%s:%zu: submission.listeners[%zu]: %s\n", config->path,
                          listeners[i].line, i, mistake);
    }
}

static void default_retry_delays(struct config *config)
{
    static uint64_t delays[] = {300, 900, 1800, 3600, 7200, 14400};

    if (config->retry_delays.count == 0)
        config->retry_delays = (struct schema_list){delays, ARRAY_LEN(delays)};
}

void config_fill_in(struct config *config)
{
    default_retry_delays(config);
    config->publishing_zone = arena_copy_lower(&config->arena, config->publishing_zone);
}
