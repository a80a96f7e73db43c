# shellcheck shell=bash
# The private PostgreSQL server: on a Unix socket only, data below the state folder.

readonly postgres_bin=/usr/lib/postgresql/15/bin

# Makes the database cluster once, and its configuration at every start.
prepare_postgres() {
    [[ -x $postgres_bin/postgres ]] || fail "PostgreSQL 15 is not installed: run Scripts/install-packages"
    if [[ ! -d postgres ]]; then
        say "making the database"
        # Under another name until it is whole, so that an interrupted first start leaves no half of it.
        "${drop[@]}" rm -rf -- "$state/postgres.new"
        "${drop[@]}" "$postgres_bin/initdb" --pgdata="$state/postgres.new" --username=postgres \
            --data-checksums --encoding=UTF8 --locale=C.UTF-8 --auth=peer >"$run_dir/initdb.log" 2>&1 ||
            { cat "$run_dir/initdb.log" >&2; fail "initdb failed: is the disk full?"; }
        rm -f -- "$run_dir/initdb.log"
        "${drop[@]}" mv -- "$state/postgres.new" "$state/postgres"
    fi
    postgres_configuration | put "$state/postgres/postgresql.conf" 0600
    put "$state/postgres/pg_hba.conf" 0600 <<<"local all all peer map=stack"
    identity_map | put "$state/postgres/pg_ident.conf" 0600
    discard_stale_lock
}

postgres_configuration() {
    # Some containers have no /dev/shm that everyone may write.
    local shared_memory=mmap
    if reaches /dev/shm; then
        shared_memory=posix
    fi
    cat <<END
# Written by Scripts/stack at every start.
listen_addresses = ''
unix_socket_directories = '$sockets'
unix_socket_permissions = 0770
max_connections = 100
shared_preload_libraries = 'pg_stat_statements'

# Money: what was acknowledged is on the disk.
fsync = on
synchronous_commit = on
full_page_writes = on

shared_buffers = 256MB
dynamic_shared_memory_type = $shared_memory
effective_cache_size = 1GB
work_mem = 16MB
maintenance_work_mem = 128MB
# pglz, the default method, takes an eighth of what a billing run costs the server.
wal_compression = lz4
# A billing run dirties pages faster than the default cleans them: then whoever needs a page, a caller's read too, writes another
# one out first, and waits for the log with it.
bgwriter_delay = 20ms
bgwriter_lru_maxpages = 1000
bgwriter_lru_multiplier = 4
max_wal_size = 4GB
checkpoint_timeout = 15min
random_page_cost = 1.1
jit = off

timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_line_prefix = '%m [%p] %u@%d %a '
# Values stay out of the log: no parameters, no "Key (…)=(…)" details.
log_error_verbosity = terse
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
END
}

# Which system user may be which role: root and the unprivileged user may be each of them.
identity_map() {
    local user role
    for user in root "$run_user"; do
        for role in postgres billing_owner billing_api billing_jobs billing_readonly billing_sandbox; do
            printf 'stack "%s" %s\n' "$user" "$role"
        done
    done | sort -u
}

# After a crash or in a new container the lock file may name a number that belongs to another process now,
# and PostgreSQL would refuse to start. A server of ours stands in its data folder; anything else is not it.
discard_stale_lock() {
    local lock=$state/postgres/postmaster.pid pid
    [[ -s $lock ]] || return 0
    read -r pid <"$lock"
    if [[ $(readlink "/proc/$pid/cwd" 2>/dev/null) == "$state/postgres" ]]; then
        kill -s INT "$pid" 2>/dev/null || true
        local deadline=$((SECONDS + 60))
        while [[ -e $lock && -d /proc/$pid ]]; do
            ((SECONDS <= deadline)) || fail "another PostgreSQL (pid $pid) uses $state/postgres: stop it"
            pause
        done
    else
        "${drop[@]}" rm -f -- "$lock"
    fi
}

start_postgres() {
    spawn postgres plain INT "$postgres_bin/postgres" -D "$state/postgres"
}

# Waits until the server takes connections.
await_postgres() {
    local deadline=$((SECONDS + 120))
    until "$postgres_bin/pg_isready" -q -h "$sockets" -d postgres -U postgres; do
        still_there postgres
        ((SECONDS <= deadline)) || { show_log postgres; fail "PostgreSQL does not take connections"; }
        pause
    done
}

# Makes the roles and the database where they are missing.
make_roles() {
    "${drop[@]}" "$postgres_bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$sockets" -U postgres -d postgres \
        <"$project/deploy/roles.sql" || fail "the database roles cannot be made"
}
