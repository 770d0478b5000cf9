/* `letterhead serve [--config PATH]`: checks the configuration and becomes the supervisor. */
#ifndef LETTERHEAD_APP_SERVE_H
#define LETTERHEAD_APP_SERVE_H

int serve_main(int argc, char **argv);

#endif
