# Letterhead: a verified site, a loopback listener bound to its credential, the sink as next hop.
peer_start() {
    local binary=${LETTERHEAD_BIN:-$top/build/src/app/letterhead}
    LETTERHEAD_BIN=$binary /usr/bin/python3 -B "$here/letterhead_site.py" "$T/letterhead" "$DOMAIN" "$SINK_PORT" \
        "$T/public-keys" >"$T/setup.log" 2>&1 || { tail -n 30 "$T/setup.log" >&2; return 1; }
    target=$(cat "$T/letterhead/port")
    in_group "$binary" serve --config "$T/letterhead/letterhead.yaml" >"$T/letterhead.log" 2>&1 &
}
