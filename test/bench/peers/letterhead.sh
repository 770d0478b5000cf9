# Letterhead: a verified site, the sink as next hop; a loopback listener bound to the site's credential or,
# with BENCH_TLS, STARTTLS and AUTH. BENCH_SETTINGS: sections of its configuration, in JSON.
peer_start() {
    local binary=${LETTERHEAD_BIN:-$top/build/src/app/letterhead}
    LETTERHEAD_BIN=$binary /usr/bin/python3 -B "$here/letterhead_site.py" "$T/letterhead" "$DOMAIN" "$SINK_PORT" \
        "$T/public-keys" ${BENCH_TLS:+"$T/tls"} >"$T/setup.log" 2>&1 || { tail -n 30 "$T/setup.log" >&2; return 1; }
    target=$(cat "$T/letterhead/port")
    auth=$T/letterhead/auth
    in_group "$binary" serve --config "$T/letterhead/letterhead.yaml" >"$T/letterhead.log" 2>&1 &
}
