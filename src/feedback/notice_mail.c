#include "feedback/notice_mail.h"

#include "base/log.h"
#include "site/contact.h"
#include "site/notice.h"
#include "site/own_mail.h"
#include "site/site.h"

static void add_line(struct buffer *lines, struct slice address)
{
    buffer_add(lines, address);
    buffer_add_byte(lines, '\n');
}

/* The operators, then the site's contacts; a line each. */
static int gather_recipients(const struct own_mail_sender *sender, struct arena *arena,
                             int64_t site_id, struct buffer *lines)
{
    struct slice *contacts;
    size_t count = 0;
    int r = 0;

    for (size_t i = 0; i < sender->operator_count; i++)
        add_line(lines, sender->operators[i]);
    if (site_id)
        r = site_contact_list(sender->store, arena, site_id, &contacts, &count);
    for (size_t i = 0; i < count; i++)
        add_line(lines, contacts[i]);
    return r;
}

static struct slice site_name(const struct own_mail_sender *sender, struct arena *arena,
                              int64_t site_id)
{
    struct site site;

    if (site_id == 0 || site_find_by_id(sender->store, arena, site_id, &site) < 0)
        return SLICE("all of Letterhead");
    return site.name;
}

static struct slice write_text(const struct own_mail_sender *sender, struct arena *arena,
                               const struct notice_row *row)
{
    bool mended = row->mended_us != 0;

    return arena_printf(arena,
                        "%.*s\n\n-- \nThis is about: %.*s\n%s\nLetterhead on %.*s, notice %lld\n",
                        SLICE_ARG(mended ? row->mended_text : row->text),
                        SLICE_ARG(site_name(sender, arena, row->site_id)),
                        mended ? "It was the last message on this matter."
                               : "You will hear once more, when it is mended.",
                        SLICE_ARG(sender->hostname), (long long)row->id);
}

static int write_mail(const struct own_mail_sender *sender, struct arena *arena,
                      const struct notice_row *row, int64_t now_us)
{
    CLEANUP(buffer_done) struct buffer recipients = BUFFER_NONE;
    struct own_mail mail = {
        .notice_id = row->id,
        .subject = row->mended_us ? row->mended_subject : row->subject,
        .text = write_text(sender, arena, row),
    };
    int r = gather_recipients(sender, arena, row->site_id, &recipients);

    if (r < 0 || recipients.size == 0)
        return r;
    mail.recipients = buffer_slice(&recipients);
    return own_mail_add(sender->store, &mail, now_us);
}

static void log_notice(const struct own_mail_sender *sender, struct arena *arena,
                       const struct notice_row *row)
{
    struct slice name = site_name(sender, arena, row->site_id);

    if (row->mended_us)
        log_info("notice %lld on %.*s is settled: %.*s", (long long)row->id, SLICE_ARG(name),
                 SLICE_ARG(row->mended_subject));
    else
        log_warning("notice %lld on %.*s: %.*s", (long long)row->id, SLICE_ARG(name),
                    SLICE_ARG(row->subject));
}

int notice_mail_next(struct own_mail_sender *sender, int64_t now_us)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    struct notice_row row;
    int r = notice_next(sender->store, &arena, now_us, &row);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = store_transaction_begin(sender->store, &all);
    if (r == 0 && sender->site.size)
        r = write_mail(sender, &arena, &row, now_us);
    if (r == 0)
        r = notice_told(sender->store, row.id, now_us);
    if (r == 0)
        r = store_transaction_commit(&all);
    if (r < 0)
        return r;
    log_notice(sender, &arena, &row);
    return 1;
}
