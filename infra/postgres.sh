# shellcheck shell=bash
# A throw-away PostgreSQL cluster for tests, on a free port of this machine. Sourced by infra/test.

# postgres_bin: the folder of the newest server that is installed.
postgres_bin() {
  local folder newest=
  for folder in /usr/lib/postgresql/*/bin; do
    if [[ -x $folder/initdb ]]; then newest=$folder; fi
  done
  printf '%s' "$newest"
}

need_postgres() {
  [[ -n $(postgres_bin) ]] || install "the tests on PostgreSQL" postgresql
}

# The server refuses to run as root.
as_postgres() {
  if [[ $(id -u) -eq 0 ]]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

# start_postgres FOLDER PORT: the cluster trusts this machine and keeps nothing that a power failure could take: tests kill
# processes, never the machine.
start_postgres() {
  local folder=$1 port=$2 bin
  bin=$(postgres_bin)
  mkdir -p "$folder"
  if [[ $(id -u) -eq 0 ]]; then chown postgres "$folder"; fi
  as_postgres "$bin/initdb" --pgdata="$folder/data" --username=postgres --auth=trust --encoding=UTF8 --locale=C \
    --no-sync >"$folder.log" 2>&1 || fail "initdb failed: see $folder.log"
  as_postgres "$bin/pg_ctl" --pgdata="$folder/data" --log="$folder/server.log" --wait start --options="\
    -c port=$port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$folder -c max_connections=200 \
    -c fsync=off -c synchronous_commit=on -c full_page_writes=off -c shared_buffers=128MB -c max_wal_size=2GB \
    -c shared_preload_libraries=pg_stat_statements -c pg_stat_statements.track_utility=off -c pg_stat_statements.max=50000" \
    >>"$folder.log" 2>&1 || fail "PostgreSQL did not start: see $folder/server.log"
  printf 'postgres://postgres@127.0.0.1:%s/postgres' "$port"
}

stop_postgres() {
  as_postgres "$(postgres_bin)/pg_ctl" --pgdata="$1/data" --mode=immediate --wait stop >/dev/null 2>&1 || true
}
