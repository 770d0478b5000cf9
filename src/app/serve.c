#include "app/serve.h"

#include "app/config.h"
#include "app/directories.h"
#include "app/supervisor.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static void help(void)
{
    puts(
        "usage: letterhead serve [--config PATH]\n"
        "\n"
        "Starts the service: a supervisor, the vault, the steward and the gateways. It stays in the\n"
        "foreground and logs to standard error, as systemd wants it; SIGTERM stops it in order.\n"
        "Check the configuration first with `letterhead check-config`.\n"
        "\n"
        "  --config PATH  the file (default " CONFIG_DEFAULT_PATH ")\n");
}

/* NULL where the configuration has nothing. Its texts end in NUL (arena_copy). */
static const char *text_or_null(struct slice text)
{
    return text.size ? text.data : NULL;
}

static int supervise(const struct config *config)
{
    const struct config_listener *configured = config->listeners.items;
    const struct config_inbound *inbound = config->inbound_listeners.items;
    size_t listener_count = config->listeners.count + config->inbound_listeners.count;
    struct supervisor_listener listeners[ROLE_LISTENERS_MAX];
    char names[ROLE_LISTENERS_MAX][ENDPOINT_TEXT_BYTES];
    struct role_gateway gateways[ROLE_GATEWAYS_MAX];
    size_t gateway_count =
        directories_gateways(config->data_directory, (unsigned)config->gateways, gateways);

    for (size_t i = 0; i < config->listeners.count; i++)
        listeners[i] = (struct supervisor_listener){
            .name = endpoint_format(&configured[i].address, names[i]),
            .endpoint = configured[i].address,
        };
    for (size_t i = config->listeners.count; i < listener_count; i++) {
        const struct endpoint *address = &inbound[i - config->listeners.count].address;

        listeners[i] = (struct supervisor_listener){
            .name = endpoint_format(address, names[i]),
            .endpoint = *address,
        };
    }
    return supervisor_main(&(struct supervisor_options){
        .config_path = config->path,
        .listeners = listeners,
        .listener_count = listener_count,
        .gateways = gateways,
        .gateway_count = gateway_count,
        .control_path = config->control_socket.data,
        .control_mode = 0660,
        .certificate_path = text_or_null(config->tls_certificate),
        .certificate_key_path = text_or_null(config->tls_key),
        .tsig_key_path = text_or_null(config->tsig_key_file),
        .master_key_path = config->master_key_file.data,
        .user = config->user.data,
        .vault_user = config->vault_user.data,
        .region = config->region.data,
        .signers = (unsigned)config->signers,
        .log_level = (enum log_level)config->log_level,
    });
}

int serve_main(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    CLEANUP(buffer_done) struct buffer problems = BUFFER_NONE;
    const char *path = CONFIG_DEFAULT_PATH;
    struct config *config;
    char absolute[PATH_MAX];
    int option, r;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'c')
            path = optarg;
        if (option == 'h' || option == '?') {
            help();
            return option == 'h' ? 0 : 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr,
                "letterhead serve: \"%s\" is one word too many; name the file with --config PATH\n",
                argv[optind]);
        return 2;
    }
    /* The roles read it again, from wherever they are. */
    if (realpath(path, absolute))
        path = absolute;
    if (config_load(path, &config, &problems) < 0) {
        fprintf(stderr, "%.*s", SLICE_ARG(buffer_slice(&problems)));
        return ROLE_EXIT_CONFIG;
    }
    r = directories_make(config->data_directory, config->control_socket, (unsigned)config->gateways,
                         config->user.data);
    r = r < 0 ? ROLE_EXIT_CONFIG : supervise(config);
    config_free(config);
    return r;
}
