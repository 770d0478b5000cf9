/* Why a parser said no: a static sentence for people in ASCII, without a full stop, and where in
 * the text it gave up (bytes from the start of what it was given). Never quotes what a stranger
 * sent. */
#ifndef LETTERHEAD_WIRE_ERROR_H
#define LETTERHEAD_WIRE_ERROR_H

#include "base/base.h"

struct wire_error {
    const char *what;
    size_t offset;
};

#endif
