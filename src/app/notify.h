/* Tells systemd how far the service is (sd_notify(3)): one datagram to the socket that it names in
 * the environment, so that nothing need be linked for it. Does nothing when there is no such
 * socket. */
#ifndef LETTERHEAD_APP_NOTIFY_H
#define LETTERHEAD_APP_NOTIFY_H

/* "READY=1", "STOPPING=1"; several lines may be joined by "\n". */
void notify_send(const char *state);

#endif
