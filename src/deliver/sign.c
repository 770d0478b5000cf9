#include "deliver/sign.h"

#include "base/limits.h"
#include "deliver/kept_signature.h"
#include "vault/client.h"
#include "wire/dkim_sign.h"
#include "wire/header.h"

/* A signature must outlive the queue: a message may leave on its last day, and be read later. */
static const int64_t EXPIRE_AFTER_QUEUE_S = 7 * 86400;

/* What the directory says, copied: it may change while the vault works. */
struct signer {
    uint64_t site_id;
    struct slice domain;
    struct directory_key keys[2];
    size_t key_count;
};

static int find_signer(struct arena *arena, const struct directory *directory,
                       const struct queue_job *job, struct signer *ret, const char **ret_why)
{
    const struct directory_site *site = directory_site_by_id(directory, job->site_id);
    const struct directory_identity *identity;

    *ret_why = "its site is not known any more";
    if (!site)
        return -EACCES;
    identity = directory_identity_for(site, job->from_domain);
    *ret_why = "no identity of its site covers the domain of its From";
    if (!identity)
        return -EACCES;
    *ret_why = "the identity is not verified at present";
    if (!identity->sending || identity->key_count == 0)
        return -EKEYREVOKED;
    *ret = (struct signer){.site_id = site->id,
                           .domain = arena_copy(arena, identity->domain),
                           .key_count = identity->key_count};
    for (size_t i = 0; i < identity->key_count; i++)
        ret->keys[i] = (struct directory_key){
            arena_copy(arena, identity->keys[i].selector), identity->keys[i].algorithm,
            arena_copy(arena, identity->keys[i].sealed), identity->keys[i].since_us};
    *ret_why = NULL;
    return 0;
}

bool sign_is_wanted(const struct sign_options *options, const struct queue_job *job)
{
    const struct directory_site *site = directory_site_by_id(options->directory, job->site_id);
    const struct directory_identity *identity;

    if (!site || site->method != SITE_METHOD_SMTP)
        return true;
    identity = directory_identity_for(site, job->from_domain);
    return identity && identity->sending && identity->key_count > 0;
}

bool sign_is_allowed(const struct sign_options *options, const struct queue_job *job)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    const struct directory_site *site = directory_site_by_id(options->directory, job->site_id);
    struct signer signer;
    const char *why;

    if (site && site->method == SITE_METHOD_SMTP)
        return true;
    return find_signer(&arena, options->directory, job, &signer, &why) != -EKEYREVOKED;
}

static int sign_with_key(struct task *t, struct arena *arena, const struct sign_options *options,
                         const struct queue_job *job, const struct wire_dkim_field *fields,
                         size_t count, const struct signer *signer, const struct directory_key *key,
                         struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer signature = BUFFER_NONE;
    const bool rsa = key->algorithm == KEY_RSA_SHA256;
    struct wire_dkim_signing signing = {
        .domain = signer->domain,
        .selector = key->selector,
        .algorithm = rsa ? WIRE_DKIM_RSA_SHA256 : WIRE_DKIM_ED25519_SHA256,
        .time_s = task_wall_us(t) / (int64_t)SECOND_US,
        .expire_s = job->expires_us / (int64_t)SECOND_US + EXPIRE_AFTER_QUEUE_S,
    };
    uint8_t digest[WIRE_DKIM_HASH_BYTES];
    struct slice unsigned_field;
    int r;

    if (signing.expire_s <=
        signing.time_s) /* the clock has jumped: let the queue's sweeper judge */
        signing.expire_s = signing.time_s + EXPIRE_AFTER_QUEUE_S;
    memcpy(signing.body_hash, job->body_hash, sizeof signing.body_hash);
    r = wire_dkim_sign_prepare(arena, fields, count, &signing, &unsigned_field, digest);
    if (r < 0)
        return r;
    r = vault_sign(t, options->vault,
                   &(struct vault_signing){
                       .key = {.site_id = signer->site_id,
                               .domain = signer->domain,
                               .selector = key->selector,
                               .algorithm = rsa ? VAULT_RSA_SHA256 : VAULT_ED25519_SHA256},
                       .sealed = key->sealed,
                       .digest = digest,
                   },
                   &signature);
    if (r == 0)
        wire_dkim_sign_finish(out, unsigned_field, buffer_slice(&signature));
    return r;
}

/* The first signature is what DMARC rests on. The one behind it is a gift: when the vault cannot
 * make it (its log says why), the message leaves without. */
static int sign_with_keys(struct task *t, struct arena *arena, const struct sign_options *options,
                          const struct queue_job *job, const struct signer *signer,
                          struct buffer *out)
{
    struct wire_header header;
    struct wire_error error;
    struct wire_dkim_field *fields;
    int r = wire_header_scan(arena, slice_part(job->content, 0, job->header_size), &header, &error);

    if (r < 0)
        return r;
    fields = ARENA_ARRAY(arena, struct wire_dkim_field, header.count);
    for (size_t i = 0; i < header.count; i++)
        fields[i] = (struct wire_dkim_field){header.fields[i].name, header.fields[i].whole};
    for (size_t i = 0; r == 0 && i < signer->key_count; i++) {
        r = sign_with_key(t, arena, options, job, fields, header.count, signer, &signer->keys[i],
                          out);
        if (i > 0 && r != -ECANCELED)
            r = 0;
    }
    return r;
}

int sign_message(struct task *t, struct arena *arena, const struct sign_options *options,
                 const struct queue_job *job, struct signature *ret, const char **ret_why)
{
    CLEANUP(buffer_done) struct buffer fields = BUFFER_NONE;
    struct signer signer;
    int r = find_signer(arena, options->directory, job, &signer, ret_why);

    if (r < 0)
        return r;
    if (kept_signature_is_by(arena, job->signature, signer.domain, signer.keys, signer.key_count)) {
        buffer_add(&fields, job->signature);
    } else {
        r = sign_with_keys(t, arena, options, job, &signer, &fields);
        if (r < 0)
            return r;
    }
    ret->fields = arena_copy(arena, buffer_slice(&fields));
    ret->signed_by = arena_printf(arena, "%.*s._domainkey.%.*s", SLICE_ARG(signer.keys[0].selector),
                                  SLICE_ARG(signer.domain));
    return 0;
}
