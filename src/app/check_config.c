#include "app/check_config.h"

#include "app/config.h"
#include "app/shaping_file.h"
#include "runtime/tls.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>

static void check_help(void)
{
    puts(
        "usage: letterhead check-config [--config PATH] [--json]\n"
        "\n"
        "Reads the configuration and names every mistake in it, with its line. Nothing is started or\n"
        "changed. Exit status: 0 the file is good, 1 it has mistakes, 2 wrong usage.\n"
        "\n"
        "  --config PATH  the file (default " CONFIG_DEFAULT_PATH ")\n"
        "  --json         {\"valid\": true|false, \"problems\": [\"file:line: …\"]}\n");
}

static void check_report_json(bool valid, struct slice problems)
{
    json_t *lines = json_array();
    json_t *report = json_pack("{s:b, s:o}", "valid", valid, "problems", lines);
    struct slice line;

    while (slice_cut(&problems, '\n', &line))
        json_array_append_new(lines, json_stringn_nocheck(line.data, line.size));
    json_dumpf(report, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(report);
}

/* The file that the configuration names is looked at as well. */
static int check_shaping(const struct config *config, struct buffer *problems)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct shaping shaping;

    const char *path = config->shaping_file.size ? config->shaping_file.data : "";
    int r = shaping_file_load(&arena, path, &shaping, problems);

    return r == 0 ? shaping_file_try_sources(path, &shaping, problems) : r;
}

/* Without them gateway and steward would not start: policies could not be kept, nor clients'
 * servers be told from others. */
static int check_authorities(const char *path, const char *key, struct slice authorities,
                             struct buffer *problems)
{
    const struct tls_client_options options = {.authorities_pem_path = authorities.data};
    CLEANUP(base_free_pointer) char *problem = NULL;
    struct tls_context *context;
    int r = tls_context_new_client(&options, &context, &problem);

    if (r == 0)
        tls_context_free(context);
    else
        buffer_printf(problems, "%s: delivery.%s: %s\n", path, key, problem);
    return r;
}

int check_config_main(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    CLEANUP(buffer_done) struct buffer problems = BUFFER_NONE;
    const char *path = CONFIG_DEFAULT_PATH;
    struct config *config = NULL;
    bool json = false;
    int option, r;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'c')
            path = optarg;
        if (option == 'j')
            json = true;
        if (option == 'h' || option == '?') {
            check_help();
            return option == 'h' ? 0 : 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr,
                "letterhead check-config: \"%s\" is one word too many; name the file with --config "
                "PATH\n",
                argv[optind]);
        return 2;
    }
    r = config_load(path, &config, &problems);
    if (r == 0)
        r = check_shaping(config, &problems);
    if (r == 0)
        r = check_authorities(path, "authorities_file", config->authorities_file, &problems);
    if (r == 0)
        r = check_authorities(path, "relay_authorities", config->relay_authorities, &problems);
    if (json)
        check_report_json(r == 0, buffer_slice(&problems));
    else if (r == 0)
        printf("%s: good\n", path);
    else
        fprintf(stderr, "%.*s", SLICE_ARG(buffer_slice(&problems)));
    config_free(config);
    return r == 0 ? 0 : 1;
}
