/* Reading the files in which TSIG keys come. All three kinds are words between blanks and
 * punctuation, so one reader of words does. */
#include "wire/base64.h"
#include "wire/tsig.h"

/* What the file says; texts lie in it. */
struct words {
    struct slice name, algorithm, secret;
};

static bool is_between(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '{' || c == '}' || c == ';' ||
           c == '"';
}

static void skip_line(struct slice *rest)
{
    struct slice line;

    slice_cut(rest, '\n', &line);
}

/* The next word; empty at the end. Comments are passed over. */
static struct slice next_word(struct slice *rest)
{
    size_t size = 0;
    struct slice word;

    while (rest->size && (is_between(rest->data[0]) || rest->data[0] == '#')) {
        if (is_between(rest->data[0]))
            *rest = slice_part(*rest, 1, rest->size);
        else
            skip_line(rest);
    }
    while (size < rest->size && !is_between(rest->data[size]))
        size++;
    word = slice_part(*rest, 0, size);
    *rest = slice_part(*rest, size, rest->size);
    return word;
}

/* "hmac-sha256:name:secret" */
static bool read_joined(struct slice word, struct words *ret)
{
    struct slice algorithm, name;

    if (!slice_cut(&word, ':', &algorithm) || !slice_cut(&word, ':', &name) || word.size == 0)
        return false;
    *ret = (struct words){name, algorithm, word};
    return true;
}

static bool is_key_word(struct slice word, const char *bind, const char *knot)
{
    return slice_equal(word, slice_text(bind)) || slice_equal(word, slice_text(knot));
}

static void read_words(struct slice text, struct words *ret)
{
    struct slice rest = text, word;

    while ((word = next_word(&rest)).size) {
        if (is_key_word(word, "key", "id:"))
            ret->name = next_word(&rest);
        else if (is_key_word(word, "algorithm", "algorithm:"))
            ret->algorithm = next_word(&rest);
        else if (is_key_word(word, "secret", "secret:"))
            ret->secret = next_word(&rest);
        else if (ret->name.size == 0 && read_joined(word, ret))
            return;
    }
}

int wire_tsig_key_read(struct slice text, char *secret, struct wire_tsig_key *ret,
                       const char **ret_problem)
{
    struct words words = {SLICE_NONE, SLICE_NONE, SLICE_NONE};
    struct wire_tsig_key key;
    size_t size;

    read_words(text, &words);
    *ret_problem = "it has no name, algorithm and secret as tsig-keygen or keymgr -t print them";
    if (words.name.size == 0 || words.algorithm.size == 0 || words.secret.size == 0)
        return -EINVAL;
    *ret_problem = "the key's name is not a domain name";
    if (wire_packet_name_of(words.name, &key.name) < 0)
        return -EINVAL;
    *ret_problem = "its algorithm is none of hmac-sha224, -sha256, -sha384, -sha512";
    if (wire_tsig_algorithm_of(words.algorithm, &key.algorithm) < 0)
        return -EINVAL;
    *ret_problem = "its secret is not base64, or longer than 512 bytes";
    if (wire_base64_decode(words.secret, secret, WIRE_TSIG_SECRET_BYTES_MAX, &size) < 0 ||
        size == 0)
        return -EINVAL;
    key.secret = slice_of(secret, size);
    *ret = key;
    *ret_problem = NULL;
    return 0;
}
