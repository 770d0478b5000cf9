# The same Postfix without a milter: shows what signing costs.
. "$here/peers/postfix.inc"
peer_start() { postfix_start ""; }
