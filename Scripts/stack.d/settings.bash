# shellcheck shell=bash
# What the environment says, where the files are, and as whom the processes run.

# Says one sentence on standard error and ends with status 1.
fail() {
    printf 'billing stack: %s\n' "$1" >&2
    exit 1
}

# One line for whoever watches the stack.
say() {
    printf '%(%H:%M:%S)T %s\n' -1 "$1"
}

# Reads the environment; changes nothing on disk. Sets run_dir, port, workers, binary, docs_dir, docs_given, url.
read_settings() {
    run_dir=$(realpath -m -- "${BILLING_RUN_DIR:-$project/.run}")
    port=${BILLING_PORT:-8443}
    workers=${BILLING_WORKERS:-$((2 * $(nproc)))}
    binary=$(realpath -m -- "${BILLING_BINARY:-$project/.build/release/billing}")
    docs_given=${BILLING_DOCS_DIR:-}
    docs_dir=$(realpath -m -- "${docs_given:-$project/.build/docs}")
    own_database=${BILLING_DATABASE_URL:-}
    ready_seconds=${BILLING_READY_SECONDS:-60}

    [[ $port =~ ^[0-9]{1,5}$ ]] && ((port >= 1 && port <= 65535)) ||
        fail "BILLING_PORT is '$port': give a port number from 1 to 65535"
    [[ $workers =~ ^[0-9]{1,4}$ ]] && ((workers >= 1)) ||
        fail "BILLING_WORKERS is '$workers': give a number of at least 1"
    [[ $ready_seconds =~ ^[0-9]{1,5}$ ]] ||
        fail "BILLING_READY_SECONDS is '$ready_seconds': give a number of seconds"
    [[ $own_database != *$'\n'* ]] || fail "BILLING_DATABASE_URL must be one line"

    url=https://localhost:$port
    # These are the stack's own; the program reads the others, over its file.
    unset BILLING_RUN_DIR BILLING_PORT BILLING_WORKERS BILLING_BINARY BILLING_DOCS_DIR
    unset BILLING_READY_SECONDS
    # The caller's PostgreSQL client settings must not lead to another server than the private one.
    if [[ -z $own_database ]]; then
        unset "${!PG@}"
    fi
    export LC_ALL=C.UTF-8
    umask 022
}

# Finds the state folder of a stack that was started before, and its user. Status 1 when there is none.
find_state() {
    [[ -e $run_dir/state ]] || return 1
    state=$(readlink -f "$run_dir/state")
    choose_user
}

# Makes the run folder, which belongs to whoever starts the stack.
make_run_folder() {
    mkdir -p -- "$run_dir" 2>/dev/null ||
        fail "the run folder $run_dir cannot be made: set BILLING_RUN_DIR to another"
    [[ -w $run_dir ]] || fail "the run folder $run_dir belongs to $(stat -c %U "$run_dir"): use sudo, or set BILLING_RUN_DIR"
    mkdir -p -- "$run_dir/pids"
}

# Makes the run folder and the state folder below it; sets state, sockets, run_user and drop.
#
# The processes run as an unprivileged user, because initdb refuses root. Where that user cannot reach the
# run folder (a clone under a closed home), or its path has characters that configuration files would need
# quoted, the state goes to another folder and `state` becomes a link to it.
make_folders() {
    make_run_folder

    state=$run_dir/state
    if [[ -L $state ]]; then
        state=$(readlink -m "$state")
    fi
    choose_user
    if [[ ! -d $state ]]; then
        install -d -o "$run_user" -g "$run_group" -m 0750 -- "$state" ||
            fail "the state folder $state cannot be made"
    fi
    if [[ ! -L $run_dir/state ]] && { ! reaches "$state" || [[ $state =~ [^A-Za-z0-9._/@+-] ]]; }; then
        rmdir -- "$state" || fail "user $run_user cannot reach $state: open its parent folders, or set BILLING_RUN_DIR"
        state=$(substitute_folder)
        install -d -o "$run_user" -g "$run_group" -m 0750 -- "$state"
        ln -sfn -- "$state" "$run_dir/state"
    fi
    reaches "$state" || fail "user $run_user cannot write $state: open its parent folders, or set BILLING_RUN_DIR"
    cd "$state"

    "${drop[@]}" mkdir -p -- log nginx
    make_socket_folder
}

# Root runs everything as the owner of the state folder, at first as the system user `billing`.
# Everyone else runs it as himself. Sets run_user, run_group and drop (a command prefix).
choose_user() {
    run_user=$(id -un)
    drop=()
    if ((EUID == 0)); then
        run_user=billing
        if [[ -d $state && $(stat -c %u "$state") != 0 ]]; then
            run_user=$(stat -c %U "$state")
        fi
        if ! id -u "$run_user" >/dev/null 2>&1; then
            useradd --system --user-group --home-dir /nonexistent --shell /usr/sbin/nologin "$run_user" ||
                fail "the system user $run_user cannot be made"
        fi
        drop=(setpriv --reuid="$run_user" --regid="$(id -g "$run_user")" --init-groups --)
    elif [[ -d $state && ! -O $state ]]; then
        fail "the data in $state belong to $(stat -c %U "$state"): use sudo"
    fi
    run_group=$(id -gn "$run_user")
}

# Whether the unprivileged user can enter and write this folder.
reaches() {
    "${drop[@]}" test -w "$1" -a -x "$1"
}

# The place for the state when the run folder will not do.
substitute_folder() {
    local base=/var/lib/billing
    if ((EUID != 0)); then
        base=${XDG_STATE_HOME:-$HOME/.local/state}/billing
    fi
    mkdir -p -- "$base" || fail "$base cannot be made"
    local folder
    folder=$base/$(short_hash "$run_dir")
    [[ $folder =~ ^[A-Za-z0-9._/@+-]+$ ]] ||
        fail "neither $run_dir nor $folder will do as a path: set BILLING_RUN_DIR to one of letters, digits and . _ / @ + -"
    printf '%s\n' "$folder"
}

# Twelve hexadecimal digits that stand for a path.
short_hash() {
    local digest
    digest=$(sha256sum <<<"$1")
    printf '%s\n' "${digest:0:12}"
}

# The folder of the Unix sockets; sets sockets. A socket's path may have 107 bytes: where the state folder
# is too deep, `sockets` in it is a link to a short folder.
make_socket_folder() {
    sockets=$state/sockets
    local LC_ALL=C
    if ((${#state} > 80)); then
        local base=/tmp
        if ((EUID == 0)); then
            base=/run
        fi
        sockets=$base/billing-$(short_hash "$state")
        "${drop[@]}" ln -sfn -- "$sockets" "$state/sockets"
    fi
    if [[ ! -d $sockets ]]; then
        install -d -o "$run_user" -g "$run_group" -m 0770 -- "$sockets" || fail "$sockets cannot be made"
    fi
    # Somebody else's folder of that name under /tmp must not get our connections.
    [[ ! -L $sockets && $(stat -c %U "$sockets") == "$run_user" ]] ||
        fail "$sockets belongs to somebody else: remove it"
    chmod 2770 "$sockets"
}

# Writes standard input to a file of the state folder, whole or not at all, with this mode.
put() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    "${drop[@]}" sh -c 'umask 077; cat >"$1.new" && chmod "$2" "$1.new" && mv -f "$1.new" "$1"' \
        put "$1" "$2" || fail "$1 cannot be written: is the disk full?"
}
