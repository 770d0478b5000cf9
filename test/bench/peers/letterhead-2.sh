# Letterhead with two gateways that share the work.
export BENCH_SETTINGS='{"gateways": 2}'
. "$here/peers/letterhead.sh"
