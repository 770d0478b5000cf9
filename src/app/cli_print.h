/* Showing an operation's output to people. */
#ifndef LETTERHEAD_APP_CLI_PRINT_H
#define LETTERHEAD_APP_CLI_PRINT_H

#include "app/cli.h"
#include "app/cli_table.h"

/* By the command's own view, or plainly: a line a field, a table for each list. */
void cli_print(const struct cli_command *command, const json_t *output);

/* A member as text, empty when it is not there. Times lose their T and Z, and say "never" when
 * there is none; numbers and truth become words. The text is good for some calls more. */
struct slice cli_member(const json_t *object, const char *name);
struct slice cli_time(const json_t *object, const char *name);

/* The members of `object` as cells: a name each, ended by NULL; one that begins with '@' is a
 * time, with '~' a time that may be missing. */
void cli_table_add_object(struct cli_table *table, const json_t *object,
                          const char *const *members);
/* The same for each object of a list, as a whole table. */
void cli_print_list(const json_t *list, const char *const *headings, const char *const *members,
                    const char *empty);

/* Parts of how an identity is shown (cli_print_identity.c). */
void cli_identity_state(const json_t *identity);
void cli_identity_values(const json_t *identity);
void cli_identity_records(const json_t *identity);
void cli_identity_dmarc(const json_t *identity);

/* A site's relay and how it stands (site/relay_json.h), a line for each. */
void cli_print_account(const json_t *relay);

/* A note that the gateway has not confirmed a change yet, if so. */
void cli_print_gateway(const json_t *output);

/* The site's MAIL FROM domain, if it has one. */
void cli_print_mail_from(const json_t *output);

/* The views (cli_print_site.c, cli_print_message.c, cli_print_queue.c and the like). */
void cli_print_site_added(const json_t *output);
void cli_print_sites(const json_t *output);
void cli_print_site(const json_t *output);
void cli_print_site_set(const json_t *output);
void cli_print_site_state(const json_t *output);
void cli_print_records(const json_t *output);
void cli_print_identities(const json_t *output);
void cli_print_identity_list(const json_t *output);
void cli_print_zone(const json_t *output);
void cli_print_check(const json_t *output);
int cli_status_check(const json_t *output);
void cli_print_keys(const json_t *output);
void cli_print_rotated(const json_t *output);
void cli_print_second_key(const json_t *output);
void cli_print_publications(const json_t *output);
int cli_status_publications(const json_t *output);
void cli_print_retried(const json_t *output);
void cli_print_credential(const json_t *output);
void cli_print_credentials(const json_t *output);
void cli_print_revoked(const json_t *output);
void cli_print_digest(const json_t *output);
void cli_print_reputation(const json_t *output);
void cli_print_reputations(const json_t *output);
void cli_print_notices(const json_t *output);
void cli_print_notice(const json_t *output);
void cli_print_relay_set(const json_t *output);
void cli_print_relays(const json_t *output);
void cli_print_relay(const json_t *output);
int cli_status_relay(const json_t *output);
void cli_print_relay_removed(const json_t *output);
void cli_print_messages(const json_t *output);
void cli_print_message(const json_t *output);
void cli_print_sent(const json_t *output);
void cli_print_queue(const json_t *output);
void cli_print_acted(const json_t *output);
void cli_print_shaping(const json_t *output);
void cli_print_sources(const json_t *output);
void cli_print_providers(const json_t *output);
void cli_print_reloaded(const json_t *output);
void cli_print_suspension(const json_t *output);
void cli_progress_probe(const json_t *finding);
void cli_print_probe(const json_t *output);
int cli_status_probe(const json_t *output);
void cli_print_policies(const json_t *output);
void cli_print_policy(const json_t *output);
void cli_print_tls_reports(const json_t *output);
void cli_print_tls_report(const json_t *output);
void cli_print_tls_places(const json_t *output);
void cli_print_suppressions(const json_t *output);
void cli_print_feedback(const json_t *output);
void cli_print_csv(const json_t *output);
void cli_print_platform(const json_t *output);
void cli_print_platform_zone(const json_t *output);
int cli_status_platform(const json_t *output);
void cli_print_status(const json_t *output);
int cli_status_service(const json_t *output);

#endif
