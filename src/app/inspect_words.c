#include "app/inspect_words.h"

#include "app/inspect.h"
#include "app/inspect_report.h"
#include "base/buffer.h"
#include "base/limits.h"
#include "wire/dkim_canon.h"
#include "wire/from.h"
#include "wire/smtp_data.h"
#include "wire/smtp_reply.h"

int inspect_read_file(const char *path, size_t max, struct buffer *out)
{
    FILE *file = path ? fopen(path, "rb") : stdin;
    size_t size = 1;
    bool failed;

    if (!file) {
        fprintf(stderr, "letterhead inspect: %s cannot be opened: %s; nothing was read\n", path,
                strerror(errno));
        return INSPECT_USAGE;
    }
    while (size && out->size <= max) {
        size = fread(buffer_reserve(out, 65536), 1, 65536, file);
        out->size += size;
    }
    failed = ferror(file);
    if (path)
        fclose(file);
    if (failed)
        fprintf(stderr, "letterhead inspect: %s cannot be read\n", path ? path : "standard input");
    return failed ? INSPECT_USAGE : 0;
}

int inspect_read_input(const struct inspect_options *options, size_t max, struct buffer *out)
{
    return inspect_read_file(options->operand_count ? options->operands[0] : NULL, max, out);
}

static enum report_form form_of(const struct inspect_options *options)
{
    return options->json ? REPORT_JSON : REPORT_TABLE;
}

/* Lines that end in LF get their CR; those that have it keep it. */
static void add_carriage_returns(struct slice text, struct buffer *out)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\n' && (i == 0 || text.data[i - 1] != '\r'))
            buffer_add_byte(out, '\r');
        buffer_add_byte(out, text.data[i]);
    }
}

static int read_message(const struct inspect_options *options, struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer raw = BUFFER_NONE;
    int status;

    if (!options->lf)
        return inspect_read_input(options, LIMIT_MESSAGE_BYTES, out);
    status = inspect_read_input(options, LIMIT_MESSAGE_BYTES, &raw);
    add_carriage_returns(buffer_slice(&raw), out);
    return status;
}

/* What helps when a file was written by an editor. */
static const char *line_end_hint(const struct inspect_options *options, struct slice message)
{
    if (options->lf || slice_find(message, '\r') >= 0 || slice_find(message, '\n') < 0)
        return "";
    return ". All its lines end in LF: with --lf they are read as CR LF";
}

static void describe_address(struct arena *a, const struct address *address, struct report *ret)
{
    struct slice text = wire_address_text(a, address);

    report_init(ret, true, "%.*s", SLICE_ARG(text));
    report_text(ret, "address", text);
    report_text(ret, "local", address->local);
    report_text(ret, "domain", address->domain);
    report_flag(ret, "quoted", address->local_quoted);
    report_flag(ret, "literal", address->literal);
    report_flag(ret, "needs_smtputf8", address->needs_smtputf8);
}

static int show_address(const struct inspect_options *options, struct slice text,
                        enum report_form form)
{
    unsigned flags = WIRE_ADDRESS_LITERAL | (options->ascii ? 0 : WIRE_ADDRESS_UTF8);
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    CLEANUP(report_done) struct report report = {0};
    struct address address;
    struct wire_error error;

    if (wire_address_parse(&a, text, flags, &address, &error) == 0) {
        describe_address(&a, &address, &report);
    } else {
        report_init(&report, false, "%.*s: the address %s (at byte %zu)",
                    SLICE_ARG(slice_part(text, 0, LIMIT_PATH_BYTES)), error.what, error.offset);
        report_text(&report, "error", slice_text(error.what));
        report_number(&report, "offset", error.offset);
    }
    report_text(&report, "input", text);
    return report_print(&report, form, stdout);
}

static int worse(int left, int right)
{
    return left > right ? left : right;
}

/* One address a line; what ends a line is no part of it. */
static int show_addresses(const struct inspect_options *options)
{
    CLEANUP(buffer_done) struct buffer in = BUFFER_NONE;
    int status = inspect_read_input(options, LIMIT_MESSAGE_BYTES, &in);
    struct slice rest = buffer_slice(&in), line;

    while (status != INSPECT_USAGE && rest.size) {
        slice_cut(&rest, '\n', &line);
        if (line.size && line.data[line.size - 1] == '\r')
            line.size--;
        status =
            worse(status, show_address(options, line, options->json ? REPORT_JSON : REPORT_LINE));
    }
    return status;
}

int inspect_address(const struct inspect_options *options)
{
    int status = INSPECT_ACCEPTED;

    if (options->operand_count == 0)
        return show_addresses(options);
    for (int i = 0; i < options->operand_count; i++)
        status = worse(status,
                       show_address(options, slice_text(options->operands[i]), form_of(options)));
    return status;
}

/* What the site has verified: a whole domain, or one address of it. */
struct identities {
    struct address list[INSPECT_IDENTITIES_MAX];
    size_t count;
};

static int parse_identity(struct arena *a, const char *name, struct address *ret)
{
    struct slice text = slice_text(name);
    struct wire_error error;
    int r;

    *ret = (struct address){0};
    if (slice_find(text, '@') >= 0)
        r = wire_address_parse(a, text, WIRE_ADDRESS_UTF8, ret, &error);
    else
        r = wire_domain_parse(a, text, WIRE_ADDRESS_UTF8, &ret->domain, &error);
    if (r < 0)
        fprintf(stderr,
                "letterhead inspect from: the identity %s %s; give a domain or an address\n", name,
                error.what);
    return r < 0 ? INSPECT_USAGE : 0;
}

static int parse_identities(struct arena *a, const struct inspect_options *options,
                            struct identities *ret)
{
    int status = 0;

    for (ret->count = 0; status == 0 && ret->count < options->identity_count; ret->count++)
        status = parse_identity(a, options->identities[ret->count], &ret->list[ret->count]);
    return status;
}

static bool covered(const struct identities *identities, const struct address *address)
{
    for (size_t i = 0; i < identities->count; i++) {
        const struct address *identity = &identities->list[i];

        if (identity->local.size ? wire_address_equal(identity, address)
                                 : slice_equal(identity->domain, address->domain))
            return true;
    }
    return identities->count == 0;
}

/* The first mailbox, with the field that names it, that no identity covers. */
static const struct mailbox *uncovered(const struct identities *identities,
                                       const struct wire_from *from, struct slice *ret_field)
{
    if (!covered(identities, &from->from.address)) {
        *ret_field = SLICE("From");
        return &from->from;
    }
    for (size_t i = 0; i < from->claim_count; i++) {
        if (!covered(identities, &from->claims[i].mailbox.address)) {
            *ret_field = from->claims[i].field;
            return &from->claims[i].mailbox;
        }
    }
    return NULL;
}

static void refuse_from(const struct wire_from *from, struct slice message, struct report *ret)
{
    const char *what = from->error.what ? from->error.what : "";

    report_init(ret, false, "%s%s%s%s", wire_from_sentence(from->verdict), *what ? " It " : "",
                what, *what ? "." : "");
    report_text(ret, "verdict", slice_text(wire_from_word(from->verdict)));
    if (!from->field)
        return;
    report_text(ret, "field", from->field->whole);
    report_number(ret, "offset",
                  (size_t)(from->field->value.data - message.data) +
                      (*what ? from->error.offset : 0));
}

static void describe_from(struct arena *a, const struct identities *identities,
                          const struct wire_from *from, struct report *ret)
{
    struct slice field, address = wire_address_text(a, &from->from.address);
    const struct mailbox *other = uncovered(identities, from, &field);

    if (other)
        report_init(ret, false, "%.*s is %.*s, which the site has not verified.", SLICE_ARG(field),
                    SLICE_ARG(wire_address_text(a, &other->address)));
    else
        report_init(ret, true, "The message is from %.*s.", SLICE_ARG(address));
    report_text(ret, "verdict", other ? SLICE("not-verified") : SLICE("ok"));
    report_text(ret, "from", address);
    if (from->from.name.size)
        report_text(ret, "name", from->from.name);
    report_text(ret, "domain", from->from.address.domain);
    for (size_t i = 0; i < from->claim_count; i++)
        report_row(ret, "also_claims", "field", from->claims[i].field, "address",
                   wire_address_text(a, &from->claims[i].mailbox.address));
    if (from->return_path_count)
        report_row(ret, "stripped", NULL, SLICE("Return-Path"), NULL, SLICE_NONE);
}

static void refuse_header(const struct wire_error *error, const char *hint, struct report *ret)
{
    report_init(ret, false, "The message %s (at byte %zu)%s", error->what, error->offset, hint);
    report_text(ret, "verdict", SLICE("unreadable-header"));
    report_text(ret, "error", slice_text(error->what));
    report_number(ret, "offset", error->offset);
}

static void judge_message(struct arena *a, const struct inspect_options *options,
                          const struct identities *identities, struct slice message,
                          struct report *ret)
{
    struct wire_header h;
    struct wire_from from;
    struct wire_error error;

    if (wire_header_scan(a, message, &h, &error) < 0) {
        refuse_header(&error, line_end_hint(options, message), ret);
        return;
    }
    wire_from_judge(a, &h, &from);
    if (from.verdict == WIRE_FROM_OK)
        describe_from(a, identities, &from, ret);
    else
        refuse_from(&from, message, ret);
}

int inspect_from(const struct inspect_options *options)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer message = BUFFER_NONE;
    CLEANUP(report_done) struct report report = {0};
    struct identities identities;
    int status = parse_identities(&a, options, &identities);

    if (status == 0)
        status = read_message(options, &message);
    if (status)
        return status;
    judge_message(&a, options, &identities, buffer_slice(&message), &report);
    return report_print(&report, form_of(options), stdout);
}

static void describe_header(const struct wire_header *h, struct report *r)
{
    report_limit(r, "header_bytes", h->text.size, LIMIT_HEADER_BYTES);
    report_limit(r, "header_fields", h->count, LIMIT_HEADER_FIELDS);
    report_limit(r, "received_fields", h->received_count, LIMIT_RECEIVED_FIELDS);
    report_flag(r, "header_is_ascii", !h->eightbit);
    report_number(r, "body_bytes", h->body.size);
    for (size_t i = 0; i < h->count; i++)
        report_row(r, "fields", "name", h->fields[i].name, "value", h->fields[i].value);
}

static size_t longest_line(struct slice text)
{
    struct slice line;
    size_t longest = 0;
    bool more;

    do {
        more = slice_cut(&text, '\n', &line);
        if (line.size && line.data[line.size - 1] == '\r')
            line.size--;
        if (line.size > longest)
            longest = line.size;
    } while (more);
    return longest;
}

/* Judges all of the message as the end of DATA does. */
static void judge_content(struct arena *a, const struct inspect_options *options,
                          struct slice message, struct report *ret)
{
    struct wire_header h = {0};
    struct wire_error error = {NULL, 0};
    bool scanned = wire_header_scan(a, message, &h, &error) == 0;

    if (scanned && wire_data_check(message, &error) == 0 && message.size <= LIMIT_MESSAGE_BYTES)
        report_init(ret, true, "The message can be taken: header and lines are well formed.");
    else if (!error.what)
        report_init(ret, false, "The message is larger than %d bytes.", LIMIT_MESSAGE_BYTES);
    else
        report_init(ret, false, "The message has a fault: it %s%s (at byte %zu)%s",
                    scanned ? "has " : "", error.what, error.offset,
                    line_end_hint(options, message));
    if (error.what) {
        report_text(ret, "error", slice_text(error.what));
        report_number(ret, "offset", error.offset);
    }
    report_limit(ret, "size_bytes", message.size, LIMIT_MESSAGE_BYTES);
    report_limit(ret, "longest_line", longest_line(message), LIMIT_TEXT_LINE_BYTES);
    if (scanned)
        describe_header(&h, ret);
}

int inspect_message(const struct inspect_options *options)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer message = BUFFER_NONE;
    CLEANUP(report_done) struct report report = {0};
    int status = read_message(options, &message);

    if (status)
        return status;
    judge_content(&a, options, buffer_slice(&message), &report);
    return report_print(&report, form_of(options), stdout);
}

int inspect_canon(const struct inspect_options *options)
{
    CLEANUP(buffer_done) struct buffer message = BUFFER_NONE, out = BUFFER_NONE;
    enum wire_canon header = options->header_simple ? WIRE_CANON_SIMPLE : WIRE_CANON_RELAXED;
    enum wire_canon body = options->body_simple ? WIRE_CANON_SIMPLE : WIRE_CANON_RELAXED;
    int status = read_message(options, &message);

    if (status)
        return status;
    if (wire_canon_message(buffer_slice(&message), header, body, &out) < 0) {
        fputs("letterhead inspect canon: the header has a line that is no field and continues "
              "none; see letterhead inspect message\n",
              stderr);
        return INSPECT_REFUSED;
    }
    if (fwrite(out.data, 1, out.size, stdout) != out.size || fflush(stdout) != 0) {
        perror("letterhead inspect canon: standard output");
        return INSPECT_USAGE;
    }
    return INSPECT_ACCEPTED;
}

/* What a class means to the sender, in a word for programs and a sentence for people. */
static const struct {
    const char *word;
    const char *sentence;
} classes[] = {
    [SMTP_CLASS_NONE] = {"none", "this is not a reply."},
    [SMTP_CLASS_SUCCESS] = {"success", "the server did what it was asked."},
    [SMTP_CLASS_CONTINUE] = {"continue", "the server waits for what comes next."},
    [SMTP_CLASS_TRANSIENT] = {"transient", "the server cannot now; the same may succeed later."},
    [SMTP_CLASS_PERMANENT] = {"permanent", "the server refuses; the same would fail again."},
};

static void describe_capabilities(const struct smtp_reply *reply, struct report *r)
{
    struct smtp_capabilities c;

    wire_capabilities_parse(reply, &c);
    report_flag(r, "starttls", c.starttls);
    report_flag(r, "pipelining", c.pipelining);
    report_flag(r, "8bitmime", c.eightbitmime);
    report_flag(r, "smtputf8", c.smtputf8);
    report_flag(r, "dsn", c.dsn);
    report_flag(r, "enhancedstatuscodes", c.enhanced_status);
    report_flag(r, "chunking", c.chunking);
    report_flag(r, "requiretls", c.requiretls);
    report_flag(r, "size", c.size);
    report_number(r, "size_bytes", c.size_bytes);
    report_flag(r, "auth", c.auth);
    for (unsigned bit = SMTP_MECHANISM_PLAIN; bit < SMTP_MECHANISM_OTHER; bit <<= 1)
        if (c.mechanisms & bit)
            report_row(r, "mechanisms", NULL, slice_text(wire_mechanism_name(bit)), NULL,
                       SLICE_NONE);
}

static void describe_reply(struct arena *a, const struct inspect_options *options,
                           const struct smtp_reply *reply, struct report *ret)
{
    enum smtp_class class = wire_reply_class(reply->code);
    const struct smtp_status *status = &reply->status;

    report_init(ret, true, "%s%s%s", classes[class].sentence,
                reply->code == 421 ? " It closes the connection." : "",
                reply->status_mismatch ? " The enhanced status says otherwise; the code decides."
                                       : "");
    ret->yes = "Read";
    report_number(ret, "code", reply->code);
    report_text(ret, "class", slice_text(classes[class].word));
    if (status->class)
        report_text(ret, "status",
                    arena_printf(a, "%u.%u.%u", status->class, status->subject, status->detail));
    report_flag(ret, "status_mismatch", reply->status_mismatch);
    report_text(ret, "stored_as", wire_reply_escape(a, reply, LIMIT_REPLY_LINE_BYTES));
    for (size_t i = 0; i < reply->line_count; i++)
        report_row(ret, "lines", NULL, reply->lines[i], NULL, SLICE_NONE);
    if (options->ehlo)
        describe_capabilities(reply, ret);
}

static void judge_reply(const struct inspect_options *options, struct slice bytes,
                        struct report *ret)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    CLEANUP(reply_parser_done) struct reply_parser parser = REPLY_PARSER_NONE;
    struct smtp_reply reply;
    struct wire_error error = {"the reply does not end", 0};
    size_t used;
    int r = reply_parser_feed(&parser, bytes, &used, &reply, &error);

    if (r == 1) {
        describe_reply(&a, options, &reply, ret);
        report_number(ret, "bytes_after", bytes.size - used);
        return;
    }
    report_init(ret, false, "%s (line %zu). The connection is given up.", error.what,
                error.offset + 1);
    ret->no = "Protocol error";
    report_text(ret, "error", slice_text(error.what));
}

int inspect_reply(const struct inspect_options *options)
{
    CLEANUP(buffer_done) struct buffer bytes = BUFFER_NONE;
    CLEANUP(report_done) struct report report = {0};
    int status = inspect_read_input(options, LIMIT_REPLY_BYTES * 2, &bytes);

    if (status)
        return status;
    if (bytes.size && bytes.data[bytes.size - 1] != '\n')
        buffer_add(&bytes, SLICE("\r\n")); /* pasted without its line end */
    judge_reply(options, buffer_slice(&bytes), &report);
    return report_print(&report, form_of(options), stdout);
}
