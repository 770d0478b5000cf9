/* `letterhead inspect`: shows how Letterhead reads a thing: an address, the sender of a message,
 * its header and limits, its canonical form for DKIM, a server's reply. Support explains with it,
 * tests compare with it. It calls the code that serves mail and has no rules of its own; nothing
 * is stored or sent, and only the word that says so asks the DNS. */
#ifndef LETTERHEAD_APP_INSPECT_H
#define LETTERHEAD_APP_INSPECT_H

/* What a script can trust. */
enum { INSPECT_ACCEPTED = 0, INSPECT_REFUSED = 1, INSPECT_USAGE = 2 };

/* argv[0] is "inspect". Returns the process's exit status. */
int inspect_main(int argc, char **argv);

#endif
