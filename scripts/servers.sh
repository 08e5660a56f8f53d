# Starts and stops the throw-away servers of the tests. To be sourced.

work=""
postgres_data=""
redis_pid=""

start_servers() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/durable-test.XXXXXX")
    chmod 755 "$work"
    [ -n "${DURABLE_TEST_POSTGRES_URL:-}" ] || start_postgres
    [ -n "${DURABLE_TEST_REDIS_URL:-}" ] || start_redis
    # Tests that need a server of their own (to kill, say) find the programs on the path.
    command -v redis-server >/dev/null || install_package redis-server ""
    command -v pgbouncer >/dev/null || PATH="$PATH:/usr/sbin"
    command -v pgbouncer >/dev/null || install_package pgbouncer ""
    PATH="$PATH:$(postgres_directory)"
    export DURABLE_TEST_POSTGRES_URL DURABLE_TEST_REDIS_URL PATH
}

stop_servers() {
    if [ -n "$postgres_data" ]; then
        as_postgres "$(postgres_directory)/pg_ctl" -D "$postgres_data" -m immediate -w stop >/dev/null || true
    fi
    if [ -n "$redis_pid" ]; then
        kill "$redis_pid" 2>/dev/null || true
        wait "$redis_pid" 2>/dev/null || true
    fi
    [ -z "$work" ] || rm -rf "$work"
}

start_postgres() {
    [ -n "$(postgres_directory)" ] || install_package postgresql DURABLE_TEST_POSTGRES_URL
    local port socket
    port=$(free_port)
    postgres_data="$work/postgres"
    socket="$work/socket"
    mkdir "$postgres_data" "$socket"
    # Postgres refuses to run as root.
    if [ "$(id -u)" = 0 ]; then chown postgres "$postgres_data" "$socket"; fi
    # With a password, because some tests are about wrong ones.
    echo throw-away >"$work/password"
    as_postgres "$(postgres_directory)/initdb" -D "$postgres_data" -U postgres \
        --auth=scram-sha-256 --pwfile="$work/password" --encoding=UTF8 --locale=C \
        >"$work/initdb.log" 2>&1 || fail "initdb failed" "$work/initdb.log"
    as_postgres "$(postgres_directory)/pg_ctl" -D "$postgres_data" -w -l "$postgres_data/log" -o \
        "-p $port -k $socket -c listen_addresses=127.0.0.1 -c max_connections=400 -c max_wal_size=4GB ${POSTGRES_OPTIONS:-}" \
        start >"$work/pg_ctl.log" 2>&1 || fail "Postgres did not start" "$postgres_data/log"
    DURABLE_TEST_POSTGRES_URL="postgres://postgres:throw-away@127.0.0.1:$port/postgres"
}

start_redis() {
    command -v redis-server >/dev/null || install_package redis-server DURABLE_TEST_REDIS_URL
    local port
    port=$(free_port)
    mkdir "$work/redis"
    redis-server --bind 127.0.0.1 --port "$port" --dir "$work/redis" --appendonly yes --save '' \
        >"$work/redis.log" 2>&1 &
    redis_pid=$!
    for _ in $(seq 100); do
        redis-cli -p "$port" ping >/dev/null 2>&1 && break
        sleep 0.1
    done
    redis-cli -p "$port" ping >/dev/null || fail "Redis did not start" "$work/redis.log"
    DURABLE_TEST_REDIS_URL="redis://127.0.0.1:$port"
}

# Where initdb is: Debian keeps it off the path.
postgres_directory() {
    local found
    found=$(command -v initdb || ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1)
    [ -z "$found" ] || dirname "$found"
}

as_postgres() {
    if [ "$(id -u)" = 0 ]; then
        runuser -u postgres -- "$@"
    else
        "$@"
    fi
}

install_package() {
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing $1"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$1" >/dev/null && return
    fi
    echo "The tests need $1: install it (Debian: apt-get install $1)${2:+, or set $2}." >&2
    exit 1
}

free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 20000))
        # A connection that is refused is a port that nobody listens on.
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

fail() {
    echo "$1:" >&2
    cat "$2" >&2
    exit 1
}
