# OpenSMTPD with its own signing filter. It does not sync before it answers 250, so its rate is not
# for the same promise. tool/install-packages bench-opensmtpd (it displaces Postfix).
peer_start() {
    rm -rf /var/spool/smtpd/queue/* /var/spool/smtpd/incoming/* # its spool's path is compiled in
    mkdir -p "$T/dkim"
    cp "$key" "$T/dkim/key.pem"
    chown -R _dkimsign "$T/dkim"
    chmod 600 "$T/dkim/key.pem"
    cat >"$T/smtpd.conf" <<X
smtp limit max-mails 1000000
mta limit max-conn-per-host 50
mta limit max-conn-per-route 50
mta limit max-conn-per-connector 50
mta limit conn-delay-route 0
mta limit conn-delay-relay 0
mta limit reconn-delay-route 0
mta limit session-mail-max 1000
mta limit task-hiwat 500
mta limit task-lowat 300
filter "dkim" proc-exec "filter-dkimsign -a rsa-sha256 -c relaxed/relaxed -d $DOMAIN -s $SELECTOR -k $T/dkim/key.pem" user _dkimsign
listen on 127.0.0.1 port $SUBMIT_PORT hostname gateway.$DOMAIN filter "dkim"
action "out" relay host smtp+notls://127.0.0.1:$SINK_PORT
match from any for any action "out"
X
    in_group smtpd -d -f "$T/smtpd.conf" >"$T/smtpd.log" 2>&1 &
}
