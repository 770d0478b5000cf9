#include "runtime/tls.h"

#include "runtime/tls_inside.h"

#include <dirent.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

void tls_context_free(struct tls_context *context)
{
    if (!context)
        return;
    SSL_CTX_free(context->openssl);
    tls_sessions_free(context->sessions);
    free(context);
}

static void free_context(struct tls_context **context)
{
    tls_context_free(*context);
}

static void free_bio(BIO **bio)
{
    BIO_free(*bio);
}

static void free_certificate(X509 **certificate)
{
    X509_free(*certificate);
}

static void free_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static struct tls_context *context_new(const SSL_METHOD *method)
{
    struct tls_context *context = base_allocate(sizeof *context);
    SSL_CTX *openssl = SSL_CTX_new(method);

    if (!openssl)
        abort(); /* out of memory */
    context->openssl = openssl;
    SSL_CTX_set_min_proto_version(openssl, TLS1_2_VERSION);
    SSL_CTX_set_options(openssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF |
                                     SSL_OP_CLEANSE_PLAINTEXT); /* it may be a password */
    SSL_CTX_set_mode(openssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(openssl, 1); /* a record in one read, not two */
    SSL_CTX_set_session_cache_mode(openssl, SSL_SESS_CACHE_OFF);
    return context;
}

static int problem(int r, const char *what, char **ret_problem)
{
    *ret_problem = tls_explain_settings(what);
    return r;
}

/* PEM readers ask for a password when the key has one: here, there is none. */
static int no_password(char *memory, int size, int writing, void *context)
{
    (void)memory, (void)size, (void)writing, (void)context;
    return -1;
}

static int use_certificates(SSL_CTX *openssl, struct slice pem, char **ret_problem)
{
    CLEANUP(free_bio) BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    CLEANUP(free_certificate) X509 *first = PEM_read_bio_X509(bio, NULL, no_password, NULL);
    X509 *next;

    if (!first)
        return problem(-EINVAL, "The certificate file holds no certificate in PEM form",
                       ret_problem);
    if (SSL_CTX_use_certificate(openssl, first) != 1)
        return problem(-EINVAL, "The certificate cannot be used", ret_problem);
    while ((next = PEM_read_bio_X509(bio, NULL, no_password, NULL)))
        if (SSL_CTX_add0_chain_cert(openssl, next) != 1) {
            X509_free(next);
            return problem(-EINVAL, "A certificate of the chain cannot be used", ret_problem);
        }
    ERR_clear_error(); /* the end of the file is an error to OpenSSL */
    return 0;
}

static int use_key(SSL_CTX *openssl, struct slice pem, char **ret_problem)
{
    CLEANUP(free_bio) BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    CLEANUP(free_key) EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);

    if (!key)
        return problem(-EINVAL, "The key file holds no private key in PEM form without a password",
                       ret_problem);
    if (SSL_CTX_use_PrivateKey(openssl, key) != 1)
        return problem(-EINVAL, "The private key does not belong to the certificate", ret_problem);
    return 0;
}

int tls_context_new_server(struct slice certificate_pem, struct slice key_pem,
                           struct tls_context **ret, char **ret_problem)
{
    CLEANUP(free_context) struct tls_context *context = context_new(TLS_server_method());
    int r;

    assert(certificate_pem.size < INT32_MAX && key_pem.size < INT32_MAX);
    ERR_clear_error();
    r = use_certificates(context->openssl, certificate_pem, ret_problem);
    if (r == 0)
        r = use_key(context->openssl, key_pem, ret_problem);
    if (r < 0)
        return r;
    SSL_CTX_set_session_id_context(context->openssl, (const unsigned char *)"letterhead", 10);
    SSL_CTX_set_num_tickets(context->openssl, 1);
    SSL_CTX_set_dh_auto(context->openssl, 1);
    *ret = TAKE(context);
    return 0;
}

static int trust_file(SSL_CTX *openssl, const char *path, char **ret_problem)
{
    if (SSL_CTX_load_verify_file(openssl, path) == 1)
        return 0;
    return problem(-EINVAL, "The file of trusted authorities cannot be used", ret_problem);
}

static bool is_certificate(const struct dirent *entry)
{
    return slice_ends_nocase(slice_text(entry->d_name), SLICE(".crt"));
}

/* One authority a file, as Debian's ca-certificates installs them. */
static int trust_directory(SSL_CTX *openssl, DIR *directory, const char *path, char **ret_problem)
{
    struct dirent *entry;
    size_t count = 0;
    int r = 0;

    while (r == 0 && (entry = readdir(directory))) {
        char file[PATH_MAX];

        if (!is_certificate(entry))
            continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        r = trust_file(openssl, file, ret_problem);
        count++;
    }
    if (r == 0 && count == 0)
        return problem(-EINVAL, "The directory of trusted authorities has no *.crt", ret_problem);
    return r;
}

static int trust(SSL_CTX *openssl, const char *path, char **ret_problem)
{
    DIR *directory = opendir(path);
    int r;

    if (!directory)
        return trust_file(openssl, path, ret_problem);
    r = trust_directory(openssl, directory, path, ret_problem);
    closedir(directory);
    return r;
}

int tls_context_new_client(const struct tls_client_options *options, struct tls_context **ret,
                           char **ret_problem)
{
    CLEANUP(free_context) struct tls_context *context = context_new(TLS_client_method());
    int r = 0;

    ERR_clear_error();
    assert(options->authorities_pem_path || !options->verify);
    context->verify = options->verify;
    if (SSL_CTX_dane_enable(context->openssl) != 1)
        abort(); /* out of memory */
    if (options->authorities_pem_path)
        r = trust(context->openssl, options->authorities_pem_path, ret_problem);
    if (r < 0)
        return r;
    if (options->sessions_max)
        stream_tls_keep_sessions(context, options->sessions_max);
    *ret = TAKE(context);
    return 0;
}
