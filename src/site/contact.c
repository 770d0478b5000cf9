#include "site/contact.h"

#include "wire/address.h"

int site_contact_list(struct store *s, struct arena *arena, int64_t site_id, struct slice **ret,
                      size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SITE_CONTACT_LIST);
    struct slice *addresses = ARENA_ARRAY(arena, struct slice, SITE_CONTACTS_MAX);
    size_t count = 0;
    int r;

    query_bind_int(&q, site_id);
    while ((r = query_step(&q)) == 1 && count < SITE_CONTACTS_MAX)
        addresses[count++] = arena_copy(arena, query_text(&q, 0));
    if (r < 0)
        return r;
    *ret = addresses;
    *ret_count = count;
    return 0;
}

static int remove_all(struct store *s, int64_t site_id)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SITE_CONTACT_REMOVE_ALL);

    query_bind_int(&q, site_id);
    return query_run(&q);
}

static int add(struct store *s, int64_t site_id, struct slice address)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SITE_CONTACT_ADD);

    query_bind_int(&q, site_id);
    query_bind_text(&q, address);
    return query_run(&q);
}

int site_contact_replace(struct store *s, int64_t site_id, const struct slice *addresses,
                         size_t count)
{
    int r = remove_all(s, site_id);

    for (size_t i = 0; i < count && r == 0; i++) {
        r = add(s, site_id, addresses[i]);
        if (r == -EEXIST)
            r = 0;
    }
    return r;
}

int site_contact_read(struct control_call *call, struct arena *arena, struct slice **ret,
                      size_t *ret_count)
{
    size_t count = control_texts_count(call, "contact");
    struct slice *addresses = ARENA_ARRAY(arena, struct slice, count);

    for (size_t i = 0; i < count; i++) {
        struct slice text = control_texts_at(call, "contact", i);
        struct wire_error error;
        struct address address;

        if (wire_address_parse(arena, text, 0, &address, &error) < 0)
            return control_refuse(
                call, CONTROL_INVALID, arena_printf(arena, "contact[%zu]", i).data,
                "Give an address such as it@example.org, without a name.",
                "\"%.*s\" is not a mail address: %s.", SLICE_ARG(text), error.what);
        addresses[i] = wire_address_text(arena, &address);
    }
    *ret = addresses;
    *ret_count = count;
    return 0;
}
