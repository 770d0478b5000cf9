#include "app/inspect.h"

#include "app/config.h"
#include "app/inspect_words.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const struct word {
    const char *name;
    int (*run)(const struct inspect_options *options);
    int operands_max; /* -1: any number */
    const char *help;
} words[] = {
    {"address", inspect_address, -1,
     "letterhead inspect address [--ascii] [--json] [ADDRESS ...]\n"
     "\n"
     "Reads addresses as SMTP has them (RFC 5321, RFC 6531) and shows the one form in which\n"
     "Letterhead keeps, compares and sends them. Without ADDRESS, one a line from standard input.\n"
     "\n"
     "  --ascii   as in a session without SMTPUTF8: refuse what is not ASCII\n"
     "\n"
     "  letterhead inspect address 'B\xc3\xbc"
     "cher@B\xc3\x9c"
     "CHER.example' '\"a b\"@host.example'\n"},
    {"from", inspect_from, 1,
     "letterhead inspect from [--identity NAME ...] [--lf] [--json] [FILE]\n"
     "\n"
     "Shows who a message says it is from, and whether it would be refused. Reads FILE or\n"
     "standard input; the header alone will do.\n"
     "\n"
     "  --identity NAME   a domain or an address that the site has verified: everything that the\n"
     "                    message claims to be from must be covered by one of them\n"
     "  --lf              the file has lines that end in LF, as editors write them\n"
     "\n"
     "  letterhead inspect from --identity own.example --lf message.eml\n"},
    {"message", inspect_message, 1,
     "letterhead inspect message [--lf] [--json] [FILE]\n"
     "\n"
     "Shows a message's header, field by field, its sizes beside the limits, and what in it would\n"
     "be refused. Reads FILE or standard input.\n"
     "\n"
     "  --lf   the file has lines that end in LF, as editors write them\n"},
    {"canon", inspect_canon, 1,
     "letterhead inspect canon [--header FORM] [--body FORM] [FILE]\n"
     "\n"
     "Writes a message as DKIM sees it (RFC 6376 \xc2\xa7"
     "3.4), byte for byte. FORM is relaxed, which is\n"
     "what Letterhead signs with and is taken if nothing is said, or simple. Reads FILE or\n"
     "standard input.\n"
     "\n"
     "  letterhead inspect canon --header relaxed --body simple message.eml | hd\n"},
    {"reply", inspect_reply, 1,
     "letterhead inspect reply [--ehlo] [--json] [FILE]\n"
     "\n"
     "Shows how a server's reply is understood: its code, its class, its enhanced status. Reads\n"
     "FILE or standard input; the last line may lack its end.\n"
     "\n"
     "  --ehlo   the reply answers EHLO: show what the server offers\n"
     "\n"
     "  printf '550 5.1.1 no such user\\r\\n' | letterhead inspect reply\n"},
    {"auth-reply", inspect_auth_reply, 1,
     "letterhead inspect auth-reply [--host HOST] [--stage STAGE] [--ehlo] [--json] [FILE]\n"
     "\n"
     "Says what a client's SMTP server means by a reply, and what to do. Reads FILE or standard\n"
     "input.\n"
     "\n"
     "  --host HOST     whose reply it is: well-known providers get their own advice\n"
     "  --stage STAGE   to what it replies: auth (if nothing is said), mail, rcpt, data\n"
     "  --ehlo          it replies to EHLO: say whether its ways to sign in will do\n"
     "\n"
     "  echo '535 5.7.139 Authentication unsuccessful' |\n"
     "      letterhead inspect auth-reply --host smtp.office365.com\n"},
    {"report", inspect_feedback, -1,
     "letterhead inspect report [--rules FILE] [--json] [FILE ...]\n"
     "\n"
     "Shows what a message would be taken for if it came back: bounce, complaint, auto-reply, report\n"
     "of delivery, or none of these; which recipients, whose fault, and which rule decided. Reads\n"
     "each FILE, or standard input.\n"
     "\n"
     "  --rules FILE   judge by these rules, not by those of the program\n"
     "\n"
     "  letterhead inspect report bounce.eml\n"},
    {"dns", inspect_dns, 1,
     "letterhead inspect dns [--selector NAME ...] [--config PATH] [--json] DOMAIN\n"
     "\n"
     "Shows what the check of an identity would see of a domain, whether it is one or not: its\n"
     "zone, each of its name servers and what that says, the DKIM keys at the selectors, the DMARC\n"
     "policy. Asks the DNS, as the service's configuration says.\n"
     "\n"
     "  --selector NAME  what stands at NAME._domainkey.DOMAIN; up to three\n"
     "  --config PATH    the configuration (default " CONFIG_DEFAULT_PATH ", if there is one)\n"
     "\n"
     "  letterhead inspect dns --selector s1 library.example\n"},
};

static const char overview[] =
    "letterhead inspect WORD [OPTION ...] [FILE]\n"
    "\n"
    "Shows how Letterhead reads something. Nothing is stored or sent; dns alone asks the network.\n"
    "\n"
    "  address     an address, and its one canonical form\n"
    "  from        who a message is from, and whether it would be refused\n"
    "  message     a message's header, sizes and limits\n"
    "  canon       a message in DKIM's canonical form, byte for byte\n"
    "  reply       a server's reply and its class\n"
    "  auth-reply  what a client's SMTP server means by its reply, and what to do\n"
    "  report      a bounce, complaint or auto-reply, and whose fault it is\n"
    "  dns         a domain's name servers and records, as a check of an identity sees them\n"
    "\n"
    "  --json    for programs: one JSON object a line\n"
    "  --help    more about a word: letterhead inspect address --help\n"
    "\n"
    "The exit status is 0 for accepted, 1 for refused, 2 when it could not be tried.\n";

enum {
    OPTION_HELP = 1,
    OPTION_JSON,
    OPTION_LF,
    OPTION_ASCII,
    OPTION_EHLO,
    OPTION_IDENTITY,
    OPTION_HEADER,
    OPTION_BODY,
    OPTION_RULES,
    OPTION_HOST,
    OPTION_STAGE,
    OPTION_SELECTOR,
    OPTION_CONFIG
};

static const struct option long_options[] = {
    {"help", no_argument, NULL, OPTION_HELP},
    {"json", no_argument, NULL, OPTION_JSON},
    {"lf", no_argument, NULL, OPTION_LF},
    {"ascii", no_argument, NULL, OPTION_ASCII},
    {"ehlo", no_argument, NULL, OPTION_EHLO},
    {"identity", required_argument, NULL, OPTION_IDENTITY},
    {"header", required_argument, NULL, OPTION_HEADER},
    {"body", required_argument, NULL, OPTION_BODY},
    {"rules", required_argument, NULL, OPTION_RULES},
    {"host", required_argument, NULL, OPTION_HOST},
    {"stage", required_argument, NULL, OPTION_STAGE},
    {"selector", required_argument, NULL, OPTION_SELECTOR},
    {"config", required_argument, NULL, OPTION_CONFIG},
    {NULL, 0, NULL, 0},
};

static int usage(const struct word *word, const char *what, const char *argument)
{
    fprintf(stderr, "letterhead inspect %s: %s%s; see letterhead inspect %s --help\n", word->name,
            what, argument, word->name);
    return INSPECT_USAGE;
}

static bool parse_form(const char *argument, bool *ret_simple)
{
    *ret_simple = strcmp(argument, "simple") == 0;
    return *ret_simple || strcmp(argument, "relaxed") == 0;
}

/* Takes one option; false if its argument is not good. */
static bool take_option(int option, struct inspect_options *options)
{
    switch (option) {
    case OPTION_JSON:
        return options->json = true;
    case OPTION_LF:
        return options->lf = true;
    case OPTION_ASCII:
        return options->ascii = true;
    case OPTION_EHLO:
        return options->ehlo = true;
    case OPTION_IDENTITY:
        if (options->identity_count == INSPECT_IDENTITIES_MAX)
            return false;
        options->identities[options->identity_count++] = optarg;
        return true;
    case OPTION_SELECTOR:
        if (options->selector_count == INSPECT_SELECTORS_MAX)
            return false;
        options->selectors[options->selector_count++] = optarg;
        return true;
    case OPTION_CONFIG:
        options->config = optarg;
        return true;
    case OPTION_HOST:
        options->host = optarg;
        return true;
    case OPTION_STAGE:
        options->stage = optarg;
        return true;
    case OPTION_RULES:
        options->rules = optarg;
        return true;
    case OPTION_HEADER:
        return parse_form(optarg, &options->header_simple);
    case OPTION_BODY:
        return parse_form(optarg, &options->body_simple);
    default:
        return false;
    }
}

static int run_word(const struct word *word, int argc, char **argv)
{
    struct inspect_options options = {0};
    int option;

    optind = 0; /* whoever called may have used getopt too */
    opterr = 0;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == OPTION_HELP) {
            fputs(word->help, stdout);
            return INSPECT_ACCEPTED;
        }
        if (!take_option(option, &options))
            return usage(word, "cannot take ", argv[optind - 1]);
    }
    options.operands = argv + optind;
    options.operand_count = argc - optind;
    if (word->operands_max >= 0 && options.operand_count > word->operands_max)
        return usage(word, "takes one file, and not also ", argv[optind + 1]);
    return word->run(&options);
}

int inspect_main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < ARRAY_LEN(words); i++)
        if (strcmp(argv[1], words[i].name) == 0)
            return run_word(&words[i], argc - 1, argv + 1);
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
        fputs(overview, stdout);
        return INSPECT_ACCEPTED;
    }
    if (argc > 1)
        fprintf(stderr, "letterhead inspect: %s is not a word that it knows\n\n", argv[1]);
    fputs(overview, stderr);
    return INSPECT_USAGE;
}
