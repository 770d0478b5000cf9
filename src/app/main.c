/* The one binary: finds the word on the command line and hands over. */
#include "app/check_config.h"
#include "app/cli.h"
#include "app/inspect.h"
#include "app/role.h"
#include "app/serve.h"

#include <stdio.h>

struct word {
    const char *name;
    int (*run)(int argc, char **argv);
};

static int role_main(int argc, char **argv)
{
    static const struct word roles[] = {
        {"vault", role_vault_main},
        {"gateway", role_gateway_main},
        {"steward", role_steward_main},
    };

    for (size_t i = 0; argc > 1 && i < ARRAY_LEN(roles); i++)
        if (strcmp(argv[1], roles[i].name) == 0)
            return roles[i].run(argc - 1, argv + 1);
    fputs("letterhead role: is only for the supervisor; use `letterhead serve`\n", stderr);
    return 2;
}

static int version_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("letterhead " LETTERHEAD_VERSION);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct word words[] = {
        {"serve", serve_main},     {"role", role_main},       {"check-config", check_config_main},
        {"inspect", inspect_main}, {"version", version_main}, {"--version", version_main},
    };

    for (size_t i = 0; argc > 1 && i < ARRAY_LEN(words); i++)
        if (strcmp(argv[1], words[i].name) == 0)
            return words[i].run(argc - 1, argv + 1);
    /* All else is a view of the table of operations. */
    return cli_main(argc, argv);
}
