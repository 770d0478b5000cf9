#include "deliver/https_curl.h"

#include "base/log.h"

#define CURL_DISABLE_TYPECHECK /* its checks are for calls by name, not through pointers */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#undef curl_easy_setopt
#undef curl_easy_getinfo

enum { CONNECT_MS = 10000 };

struct https_curl {
    void *library;
    __typeof__(curl_global_init) *global_init;
    __typeof__(curl_easy_init) *easy_init;
    __typeof__(curl_easy_setopt) *easy_setopt;
    __typeof__(curl_easy_perform) *easy_perform;
    __typeof__(curl_easy_getinfo) *easy_getinfo;
    __typeof__(curl_easy_strerror) *easy_strerror;
    __typeof__(curl_easy_cleanup) *easy_cleanup;
    __typeof__(curl_slist_append) *slist_append;
    __typeof__(curl_slist_free_all) *slist_free_all;
};

static int find_functions(struct https_curl *c)
{
    const struct {
        const char *name;
        void *place;
    } functions[] = {
        {"curl_global_init", &c->global_init},       {"curl_easy_init", &c->easy_init},
        {"curl_easy_setopt", &c->easy_setopt},       {"curl_easy_perform", &c->easy_perform},
        {"curl_easy_getinfo", &c->easy_getinfo},     {"curl_easy_strerror", &c->easy_strerror},
        {"curl_easy_cleanup", &c->easy_cleanup},     {"curl_slist_append", &c->slist_append},
        {"curl_slist_free_all", &c->slist_free_all},
    };

    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        void *function = dlsym(c->library, functions[i].name);

        if (!function)
            return -ENOSYS;
        memcpy(functions[i].place, &function, sizeof function);
    }
    return 0;
}

/* The library is never unloaded: it and what it brought may have left handlers behind. */
int https_curl_load(struct https_curl **ret, char **ret_problem)
{
    struct https_curl *c = base_allocate(sizeof *c);

    c->library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (c->library && find_functions(c) == 0 && c->global_init(CURL_GLOBAL_ALL) == CURLE_OK) {
        *ret = c;
        return 0;
    }
    if (asprintf(
            ret_problem,
            "libcurl cannot be used: %s. Install the package libcurl4; without it no policy of "
            "MTA-STS can be fetched.",
            c->library ? "it is not the one that is expected" : dlerror()) < 0)
        abort();
    free(c);
    return -ENOSYS;
}

void https_curl_free(struct https_curl *c)
{
    free(c);
}

/* One running exchange. */
struct run {
    struct https_exchange *exchange;
    const struct https_curl *curl;
    CURL *handle;
    struct curl_slist *headers, *resolve;
    char error[CURL_ERROR_SIZE];
    bool too_large;
    int fault; /* of the certificate; X509_V_OK: none was found */
};

static void run_done(struct run *run)
{
    run->curl->slist_free_all(run->headers);
    run->curl->slist_free_all(run->resolve);
    run->curl->easy_cleanup(run->handle);
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct run *run = context;
    struct buffer *body = &run->exchange->answer->body;
    struct slice piece = slice_of(data, size * count);

    run->too_large = body->size + piece.size > run->exchange->request->answer_bytes_max;
    if (run->too_large)
        return 0; /* ends the exchange */
    buffer_add(body, piece);
    return piece.size;
}

static int look_whether_to_stop(void *context, curl_off_t a, curl_off_t b, curl_off_t c,
                                curl_off_t d)
{
    const struct run *run = context;

    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return atomic_load(run->exchange->stop);
}

static bool endpoint_of(const struct sockaddr *address, struct endpoint *ret)
{
    const struct sockaddr_in *v4 = (const void *)address;
    const struct sockaddr_in6 *v6 = (const void *)address;

    *ret = (struct endpoint){.family = address->sa_family == AF_INET ? 4 : 6};
    if (address->sa_family == AF_INET)
        memcpy(ret->address, &v4->sin_addr, 4);
    else if (address->sa_family == AF_INET6)
        memcpy(ret->address, &v6->sin6_addr, 16);
    else
        return false;
    ret->port = ntohs(address->sa_family == AF_INET ? v4->sin_port : v6->sin6_port);
    return true;
}

/* The last gate: no socket for an address that was not checked. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    const struct https_exchange *exchange = ((struct run *)context)->exchange;
    struct endpoint target;

    if (purpose != CURLSOCKTYPE_IPCXN || !endpoint_of(&address->addr, &target))
        return CURL_SOCKET_BAD;
    for (size_t i = 0; i < exchange->address_count; i++)
        if (endpoint_same_address(&target, &exchange->addresses[i]) &&
            target.port == exchange->request->port)
            return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    return CURL_SOCKET_BAD;
}

/* libcurl tells some faults of a certificate as if the host could not be reached. */
static int note_fault(int good, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct run *run = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    if (!good)
        run->fault = X509_STORE_CTX_get_error(store);
    return good;
}

/* Of the certificate's names those of DNS count, never the subject (RFC 8461 §3.3, RFC 6125). */
static CURLcode demand_name(CURL *handle, void *context, void *user)
{
    X509_VERIFY_PARAM *parameters = SSL_CTX_get0_param(context);
    const struct run *run = user;

    (void)handle;
    SSL_CTX_set_app_data(context, user);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, note_fault);
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(parameters, run->exchange->host, 0) == 1
               ? CURLE_OK
               : CURLE_SSL_CERTPROBLEM;
}

/* "host:port:address,address": libcurl then asks nobody. */
static void pin_addresses(struct run *run)
{
    CLEANUP(buffer_done) struct buffer entry = BUFFER_NONE;
    const struct https_exchange *exchange = run->exchange;

    buffer_printf(&entry, "%s:%u:", exchange->host, exchange->request->port);
    for (size_t i = 0; i < exchange->address_count; i++) {
        char address[ENDPOINT_TEXT_BYTES];

        endpoint_format_address(&exchange->addresses[i], address);
        buffer_printf(&entry, exchange->addresses[i].family == 6 ? "%s[%s]" : "%s%s", i ? "," : "",
                      address);
    }
    buffer_add_byte(&entry, '\0');
    run->resolve = run->curl->slist_append(NULL, entry.data);
    run->curl->easy_setopt(run->handle, CURLOPT_RESOLVE, run->resolve);
}

static void set_address(struct run *run)
{
    CLEANUP(buffer_done) struct buffer url = BUFFER_NONE;
    const struct https_request *request = run->exchange->request;
    bool rooted = slice_starts(request->target, SLICE("/"));

    buffer_printf(&url, "https://%s:%u%s%.*s", run->exchange->host, request->port,
                  rooted ? "" : "/", SLICE_ARG(request->target));
    buffer_add_byte(&url, '\0');
    run->curl->easy_setopt(run->handle, CURLOPT_URL, url.data);
    run->curl->easy_setopt(run->handle, CURLOPT_PATH_AS_IS, 1L);
}

static void set_limits(struct run *run)
{
    const struct https_request *request = run->exchange->request;
    CURL *handle = run->handle;

    run->curl->easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "https");
    run->curl->easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    run->curl->easy_setopt(handle, CURLOPT_PROXY, "");
    run->curl->easy_setopt(handle, CURLOPT_NOPROXY, "*");
    run->curl->easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    run->curl->easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    run->curl->easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    run->curl->easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)request->time_max_ms);
    run->curl->easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    run->curl->easy_setopt(handle, CURLOPT_OPENSOCKETDATA, run);
    run->curl->easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
    run->curl->easy_setopt(handle, CURLOPT_WRITEDATA, run);
    run->curl->easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    run->curl->easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, look_whether_to_stop);
    run->curl->easy_setopt(handle, CURLOPT_XFERINFODATA, run);
    run->curl->easy_setopt(handle, CURLOPT_ERRORBUFFER, run->error);
}

static void set_trust(struct run *run)
{
    CURL *handle = run->handle;

    run->curl->easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    run->curl->easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 1L);
    run->curl->easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L);
    run->curl->easy_setopt(handle, CURLOPT_CAINFO, run->exchange->authorities_file);
    run->curl->easy_setopt(handle, CURLOPT_CAPATH, NULL);
    run->curl->easy_setopt(handle, CURLOPT_SSL_CTX_FUNCTION, demand_name);
    run->curl->easy_setopt(handle, CURLOPT_SSL_CTX_DATA, run);
}

static void set_request(struct run *run)
{
    CLEANUP(buffer_done) struct buffer type = BUFFER_NONE;
    const struct https_request *request = run->exchange->request;

    run->curl->easy_setopt(run->handle, CURLOPT_USERAGENT, "Letterhead/" LETTERHEAD_VERSION);
    if (request->body.size) {
        buffer_printf(&type, "Content-Type: %s", request->body_type);
        buffer_add_byte(&type, '\0');
        run->headers = run->curl->slist_append(NULL, type.data);
        run->headers = run->curl->slist_append(run->headers, "Expect:");
        run->curl->easy_setopt(run->handle, CURLOPT_POSTFIELDSIZE, (long)request->body.size);
        run->curl->easy_setopt(run->handle, CURLOPT_POSTFIELDS, request->body.data);
    }
    run->curl->easy_setopt(run->handle, CURLOPT_HTTPHEADER, run->headers);
}

/* "Text/Plain; charset=utf-8" is "text/plain". */
static void note_type(const char *header, struct https_answer *answer)
{
    size_t size = strcspn(header, "; \t");

    if (size >= sizeof answer->type)
        return;
    for (size_t i = 0; i < size; i++) {
        char c = header[i];

        answer->type[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
}

static void note_answer(struct run *run)
{
    struct https_answer *answer = run->exchange->answer;
    const char *type = NULL;
    long status = 0;

    run->curl->easy_getinfo(run->handle, CURLINFO_RESPONSE_CODE, &status);
    run->curl->easy_getinfo(run->handle, CURLINFO_CONTENT_TYPE, &type);
    answer->outcome = HTTPS_ANSWERED;
    answer->status = (int)status;
    if (type)
        note_type(type, answer);
}

/* OpenSSL's words, "hostname mismatch", do not tell of what. */
static void explain(const char *text, struct https_answer *answer)
{
    bool certificate = answer->outcome == HTTPS_BAD_CERTIFICATE;
    int size = snprintf(answer->why, sizeof answer->why, "%s",
                        certificate ? "the server's certificate is refused: " : "");

    log_escape(slice_text(text), answer->why + size, sizeof answer->why - (size_t)size);
}

static void note_failure(struct run *run, CURLcode code)
{
    struct https_answer *answer = run->exchange->answer;
    const char *text = run->error[0] ? run->error : run->curl->easy_strerror(code);

    buffer_done(&answer->body);
    answer->outcome = code == CURLE_PEER_FAILED_VERIFICATION || run->fault != X509_V_OK
                          ? HTTPS_BAD_CERTIFICATE
                          : HTTPS_UNREACHABLE;
    if (run->fault != X509_V_OK)
        text = X509_verify_cert_error_string(run->fault);
    if (run->too_large) {
        answer->outcome = HTTPS_TOO_LARGE;
        snprintf(answer->why, sizeof answer->why, "the answer is larger than %zu bytes",
                 run->exchange->request->answer_bytes_max);
        return;
    }
    explain(text, answer);
}

void https_curl_exchange(struct https_exchange *exchange)
{
    CLEANUP(run_done)
    struct run run = {
        .exchange = exchange, .curl = exchange->curl, .handle = exchange->curl->easy_init()};
    CURLcode code;

    if (!run.handle)
        abort();
    set_address(&run);
    pin_addresses(&run);
    set_limits(&run);
    set_trust(&run);
    set_request(&run);
    code = run.curl->easy_perform(run.handle);
    if (code == CURLE_OK)
        note_answer(&run);
    else
        note_failure(&run, code);
}
