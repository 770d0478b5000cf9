# Postfix with OpenDKIM: what most people run. The bar.
. "$here/peers/opendkim.inc"
. "$here/peers/postfix.inc"
peer_start() {
    opendkim_start
    postfix_start "unix:$T/opendkim/socket"
}
