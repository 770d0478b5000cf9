/* For LD_PRELOAD: answers the DNS queries of a program of others (opendkim-testmsg) from a file, so
 * that it can judge without a network. DNS_FROM_FILE names it; a line is a name, a space and the
 * RDATA of its TXT record in hex. What is not in the file does not exist. */
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <arpa/inet.h>
#include <arpa/nameser.h>

enum { LINE_BYTES_MAX = 16384, ANSWER_HEAD_BYTES = 12 };

/* Finds the line of `name`, without its end, and yields where the hex begins; NULL if none. */
static const char *find_rdata(const char *name, char *line)
{
    const char *path = getenv("DNS_FROM_FILE");
    FILE *file = path ? fopen(path, "r") : NULL;
    const char *found = NULL;
    size_t size = strlen(name);

    while (file && !found && fgets(line, LINE_BYTES_MAX, file)) {
        line[strcspn(line, "\n")] = 0;
        if (strncasecmp(line, name, size) == 0 && line[size] == ' ')
            found = line + size + 1;
    }
    if (file)
        fclose(file);
    return found;
}

static unsigned char *put_u16(unsigned char *at, unsigned value)
{
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
    return at + 2;
}

/* The TXT record, its owner a pointer to the question. */
static unsigned char *put_answer(unsigned char *at, const char *hex)
{
    size_t size = strlen(hex) / 2;

    at = put_u16(at, 0xc000 | sizeof(HEADER));
    at = put_u16(at, ns_t_txt);
    at = put_u16(at, ns_c_in);
    at = put_u16(put_u16(at, 0), 60);
    at = put_u16(at, (unsigned)size);
    for (size_t i = 0; i < size; i++, at++) {
        unsigned byte = 0;

        sscanf(hex + 2 * i, "%2x", &byte);
        *at = (unsigned char)byte;
    }
    return at;
}

/* In place of the C library's. */
int res_nquery(res_state state, const char *name, int class, int type, unsigned char *answer,
               int room)
{
    static char line[LINE_BYTES_MAX];
    const char *hex = type == ns_t_txt ? find_rdata(name, line) : NULL;
    int size = res_nmkquery(state, ns_o_query, name, class, type, NULL, 0, NULL, answer, room);
    HEADER *header = (HEADER *)answer;

    if (size < 0 || (hex && (size_t)(room - size) < ANSWER_HEAD_BYTES + strlen(hex) / 2))
        return -1;
    header->qr = header->ra = 1;
    header->rcode = hex ? ns_r_noerror : ns_r_nxdomain;
    header->ancount = htons(hex ? 1 : 0);
    if (!hex) {
        state->res_h_errno = 1; /* host not found */
        return -1;
    }
    return (int)(put_answer(answer + size, hex) - answer);
}
