/* dist/shaping.yaml as it was built in (app/embed_text.py). */
#ifndef LETTERHEAD_APP_SHAPING_BUILTIN_H
#define LETTERHEAD_APP_SHAPING_BUILTIN_H

extern const char shaping_builtin[];

#endif
