/* The views of operations: their words, how they are shown, and examples. */
#include "app/cli_print.h"

const struct cli_command cli_commands[] = {
    {.words = "site add",
     .operation = "site.add",
     .print = cli_print_site_added,
     .example =
         "  letterhead site add town-library --domain library.example\n"
         "  letterhead site add museum --from shop@museum.example --from news@museum.example\n"},
    {.words = "site list",
     .operation = "site.list",
     .print = cli_print_sites,
     .example = "  letterhead site list\n"
                "  letterhead site list --json | jq -r '.sites[].site'\n"},
    {.words = "site show",
     .operation = "site.show",
     .print = cli_print_site,
     .example = "  letterhead site show town-library\n"},
    {.words = "site pause",
     .operation = "site.pause",
     .print = cli_print_site_state,
     .example = "  letterhead site pause town-library --why \"a form was abused\"\n"},
    {.words = "site resume",
     .operation = "site.resume",
     .print = cli_print_site_state,
     .example = "  letterhead site resume town-library\n"},
    {.words = "site remove",
     .operation = "site.remove",
     .print = cli_print_site_state,
     .example = "  letterhead site remove town-library --yes\n"},
    {.words = "identity records",
     .operation = "identity.records",
     .print = cli_print_records,
     .print_zone = cli_print_zone,
     .example =
         "  letterhead identity records town-library\n"
         "  letterhead identity records town-library --format zone >>library.example.zone\n"},
    {.words = "identity check",
     .operation = "identity.check",
     .print = cli_print_check,
     .status = cli_status_check,
     .example = "  letterhead identity check town-library\n"
                "  until letterhead identity check town-library; do sleep 60; done\n"
                "\nThe exit status is 0 if mail may be sent, and 1 if not yet.\n"},
    {.words = "credential add",
     .operation = "credential.add",
     .print = cli_print_credential,
     .example = "  letterhead credential add town-library\n"
                "  letterhead credential add town-library --json >credential.json\n"},
    {.words = "credential list",
     .operation = "credential.list",
     .print = cli_print_credentials,
     .example = "  letterhead credential list town-library\n"},
    {.words = "credential revoke",
     .operation = "credential.revoke",
     .print = cli_print_revoked,
     .example = "  letterhead credential revoke town-library LHKAABCDEFGHIJKLMNOP\n"},
    {.words = "send",
     .operation = "message.send",
     .print = cli_print_sent,
     .input_field = "text",
     .example =
         "  letterhead send town-library --to it@library.example --subject Test --text Hello\n"
         "  letterhead send town-library --to a@one.example --to b@two.example \\\n"
         "      --subject \"Opening hours\" <letter.txt\n"},
    {.words = "message list",
     .operation = "message.list",
     .print = cli_print_messages,
     .example = "  letterhead message list --site town-library --limit 100\n"},
    {.words = "message show",
     .operation = "message.show",
     .print = cli_print_message,
     .example = "  letterhead message show 0f00019dc0…-000000\n"},
    {.words = "queue list",
     .operation = "queue.list",
     .print = cli_print_queue,
     .example = "  letterhead queue list --site town-library\n"
                "  letterhead queue list --domain gmail.com --limit 500\n"},
    {.words = "queue retry",
     .operation = "queue.retry",
     .print = cli_print_acted,
     .example = "  letterhead queue retry --site town-library\n"
                "  letterhead queue retry --all\n"},
    {.words = "queue hold",
     .operation = "queue.hold",
     .print = cli_print_acted,
     .example = "  letterhead queue hold --message 0f00019dc0…-000000\n"
                "  letterhead queue hold --site town-library --why \"a form was abused\"\n"},
    {.words = "queue release",
     .operation = "queue.release",
     .print = cli_print_acted,
     .example = "  letterhead queue release --site town-library\n"},
    {.words = "queue cancel",
     .operation = "queue.cancel",
     .print = cli_print_acted,
     .example = "  letterhead queue cancel --message 0f00019dc0…-000000\n"},
    {.words = "status",
     .operation = "status.show",
     .print = cli_print_status,
     .status = cli_status_service,
     .example = "  letterhead status\n"
                "  letterhead status --json | jq .queue.recipients\n"
                "\nThe exit status is 1 when something needs an operator.\n"},
    {.words = NULL},
};
