# The harness's own limit: load straight into sink.
peer_start() { target=$SINK_PORT; }
