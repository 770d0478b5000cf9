# Exim 4: takes a message and forks a delivery for it at once; signs by itself.
# tool/install-packages bench-exim (it displaces Postfix).
peer_start() {
    local user=Debian-exim
    mkdir -p "$T/spool" "$T/exim-logs"
    cp "$key" "$T/exim.key"
    cat >"$T/exim.conf" <<X
primary_hostname = gateway.$DOMAIN
exim_user = $user
exim_group = $user
spool_directory = $T/spool
log_file_path = $T/exim-logs/%slog
pid_file_path = $T/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = $SUBMIT_PORT
domainlist local_domains =
never_users =
acl_smtp_connect = acl_connect
acl_smtp_rcpt = acl_rcpt
host_lookup =
rfc1413_query_timeout = 0s
helo_allow_chars = _
tls_advertise_hosts =
chunking_advertise_hosts =
prdr_enable = false
deliver_drop_privilege = true
split_spool_directory = true
message_logs = false
smtp_accept_max = 300
smtp_accept_max_per_host = 300
smtp_accept_reserve = 0
smtp_accept_queue = 0
smtp_accept_queue_per_connection = 0
smtp_connect_backlog = 300
remote_max_parallel = 10
queue_run_max = 20
begin acl
acl_connect:
  accept control = dkim_disable_verify
acl_rcpt:
  accept hosts = 127.0.0.0/8
  deny
begin routers
smart:
  driver = manualroute
  transport = out
  route_list = * 127.0.0.1 byname
  self = send
  host_find_failed = defer
begin transports
out:
  driver = smtp
  port = $SINK_PORT
  allow_localhost
  hosts_avoid_tls = *
  hosts_try_prdr =
  hosts_try_chunking =
  connection_max_messages = 500
  dkim_domain = \${lc:\${domain:\$h_from:}}
  dkim_selector = $SELECTOR
  dkim_private_key = $T/exim.key
  dkim_canon = relaxed
  dkim_strict = true
begin retry
* * F,1h,1m
X
    chown -R $user:$user "$T/spool" "$T/exim-logs" "$T/exim.key"
    chmod 600 "$T/exim.key"
    in_group exim4 -C "$T/exim.conf" -bdf -q1m >"$T/exim.log" 2>&1 &
}
