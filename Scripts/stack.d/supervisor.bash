# shellcheck shell=bash
# Starting everything in order, keeping it up, ending it in order.

# The order of starting; the order of ending is the reverse, but for serve, which ends before jobs.
components=(postgres serve jobs nginx)
declare -A child=() since=() delay=() retry=()

# Brings the stack up and stays with it until it is told to end.
supervise() {
    make_folders
    # One supervisor a run folder. The lock goes with the process, however that ends.
    exec 9>"$run_dir/lock"
    flock -n 9 || fail "a stack runs already in $run_dir: 'make stop' ends it, 'make status' shows it"
    open_pause
    trap end_everything EXIT
    trap 'exit 130' INT
    trap 'exit 0' TERM HUP
    record supervisor $$
    end_strays
    refuse_taken_port
    printf '%s\n' "$url" >"$run_dir/url"
    rotate_logs

    install_program
    write_configuration
    if [[ -z $own_database ]]; then
        prepare_postgres
        bring_up postgres
        await_postgres
        make_roles
    fi
    say "bringing the database up to date"
    migrate
    make_demo
    prepare_nginx
    bring_up serve
    bring_up jobs
    bring_up nginx
    await_readiness
    : >"$run_dir/ready"
    show_welcome "$1"
    keep_up
}

# Starts a component and notes when.
bring_up() {
    since[$1]=$SECONDS
    unset "retry[$1]"
    "start_$1"
}

# Ends the start when a component has died during it.
still_there() {
    local REPLY status=0
    if ! recorded "$1"; then
        { wait "${child[$1]}"; } 2>/dev/null || status=$?
        show_log "$1"
        fail "$1 ended at once ($(cause "$status")); nothing keeps running"
    fi
}

await_readiness() {
    local deadline=$((SECONDS + ready_seconds)) code name
    until code=$(readiness "$url") && [[ $code == 200 ]]; do
        for name in "${!child[@]}"; do
            still_there "$name"
        done
        if ((SECONDS > deadline)); then
            show_log serve
            show_log nginx
            fail "$url/readyz was not green within $ready_seconds seconds (last answer: $code)"
        fi
        pause 0.1
    done
}

# Restarts what ends: at once the first time, then after 0.4, 0.8 … 5 seconds while it keeps dying
# within 5 seconds.
keep_up() {
    local name REPLY
    while :; do
        for name in "${components[@]}"; do
            if [[ -v retry[$name] ]]; then
                if ((${EPOCHREALTIME/./} >= retry[$name])); then
                    bring_up "$name"
                fi
            elif [[ -v child[$name] ]] && ! recorded "$name"; then
                note_death "$name"
            fi
        done
        pause 0.2
    done
}

note_death() {
    local status=0 age=$((SECONDS - since[$1]))
    # The shell would print the whole command of a process that a signal ended.
    { wait "${child[$1]}"; } 2>/dev/null || status=$?
    end_component "$1"
    # Who ends properly, as the jobs do to be started with the new program, has not died.
    if ((age >= 5 || status == 0)); then
        delay[$1]=0
    fi
    local wait_ms=${delay[$1]:-0}
    retry[$1]=$((${EPOCHREALTIME/./} + wait_ms * 1000))
    delay[$1]=$((wait_ms == 0 ? 400 : wait_ms * 2 > 5000 ? 5000 : wait_ms * 2))
    say "$1 ended after $age s ($(cause "$status")); it is started again in $wait_ms ms, see $state/log/$1.log"
}

# A wait status in words.
cause() {
    if (($1 > 128)); then
        printf 'signal %s' "$(kill -l "$1")"
    else
        printf 'exit status %d' "$1"
    fi
}

# Ends all components: first no new requests, then those in hand, then the jobs, the database last.
end_components() {
    end_component nginx QUIT=15 TERM=5
    end_component serve QUIT=15 TERM=10
    end_component jobs TERM=20
    end_component postgres INT=60 QUIT=30
}

# The exit trap: leaves no process, no pid file, no socket, whatever the reason for the end.
end_everything() {
    local status=$?
    trap '' INT TERM HUP
    trap - EXIT
    set +e
    rm -f -- "$run_dir/ready"
    # The shell would print the whole command of a process that a signal ended.
    end_components 2>/dev/null
    rm -f -- "$sockets/billing.sock" "$sockets/billing-long.sock"
    if [[ $sockets != "$state"/* ]]; then
        rm -rf -- "$sockets"
    fi
    rm -f -- "$run_dir/url" "$run_dir/pids/supervisor.pid"
    if ((${#child[@]} > 0)); then
        say "the stack has ended"
    fi
    exit "$status"
}

# Ends what a killed supervisor left behind.
end_strays() {
    local name REPLY
    for name in "${components[@]}"; do
        if recorded "$name"; then
            say "$name (pid $REPLY) is left from a stack that was killed: ending it"
        fi
    done
    rm -f -- "$run_dir/ready"
    end_components
}

# Sets REPLY to the living supervisor's pid.
supervisor_pid() {
    recorded supervisor
}

# `start`: the same supervisor in the background; returns when /readyz is green.
start_in_background() {
    local REPLY log=$run_dir/stack.log
    make_run_folder
    if supervisor_pid; then
        fail "a stack runs already in $run_dir (pid $REPLY): 'make stop' ends it, 'make status' shows it"
    fi
    open_pause
    rm -f -- "$run_dir/ready"
    BILLING_RUN_DIR=$run_dir BILLING_PORT=$port BILLING_WORKERS=$workers BILLING_BINARY=$binary \
        BILLING_DOCS_DIR=$docs_given BILLING_READY_SECONDS=$ready_seconds \
        setsid "$project/Scripts/stack" supervise </dev/null >"$log" 2>&1 8<&- &
    local pid=$!
    trap 'kill -TERM "$pid" 2>/dev/null; wait "$pid"; exit 130' INT TERM
    until [[ -e $run_dir/ready ]]; do
        if ! kill -0 "$pid" 2>/dev/null; then
            tail -n 25 -- "$log" >&2
            exit 1
        fi
        pause 0.1
    done
    disown "$pid"
    cat -- "$log"
}

# `stop`: ends the supervisor, or what it left behind.
stop_stack() {
    local REPLY name pid
    open_pause
    find_state || { say "no stack was ever started in $run_dir"; return 0; }
    cd "$state"
    if supervisor_pid; then
        pid=$REPLY
        kill -s TERM "$pid" 2>/dev/null || fail "the stack in $run_dir belongs to another user: use sudo"
        local deadline=$((SECONDS + 180))
        while supervisor_pid; do
            ((SECONDS <= deadline)) || fail "the stack (pid $pid) does not end: see $run_dir/stack.log"
            pause 0.1
        done
        say "the stack in $run_dir has ended"
        return 0
    fi
    local left=0
    for name in "${components[@]}"; do
        if recorded "$name"; then
            left=1
        fi
    done
    end_strays
    if ((left)); then
        say "the stack in $run_dir had been killed; what it left behind has ended"
    else
        say "no stack runs in $run_dir"
    fi
}

# `status`: a line for each process, and readiness. Status 1 when the stack does not run.
show_status() {
    local name REPLY up=1
    supervisor_pid || up=0
    printf '%-10s %-8s %s\n' process pid state
    for name in supervisor "${components[@]}"; do
        if recorded "$name"; then
            printf '%-10s %-8s %s\n' "$name" "$REPLY" running
        elif [[ $name != postgres || -z $own_database ]]; then
            printf '%-10s %-8s %s\n' "$name" - "not running"
        fi
    done
    if ((!up)); then
        printf 'no stack runs in %s\n' "$run_dir"
        exit 1
    fi
    if [[ -s $run_dir/url ]]; then
        read -r url <"$run_dir/url"
        case $(readiness "$url") in
            200) printf '%s is ready\n' "$url" ;;
            000) printf '%s does not answer\n' "$url" ;;
            *) printf '%s is not ready: see %s\n' "$url" "$url/readyz" ;;
        esac
    fi
}

# `reload`: new program, configuration and pages, worker by worker.
reload_stack() {
    local name REPLY
    supervisor_pid || fail "no stack runs in $run_dir: 'make start' starts one"
    open_pause
    make_folders
    read -r url <"$run_dir/url"
    port=${url##*:}
    install_program
    migrate
    write_configuration
    # nginx closes its idle connections when it reloads, and over HTTP/2 a caller's next request may be on its
    # way just then: it is bothered only when something of its own has changed.
    local before reloading=(serve jobs)
    before=$(web_fingerprint)
    prepare_nginx
    if [[ $(web_fingerprint) != "$before" ]]; then
        reloading+=(nginx)
    fi
    for name in "${reloading[@]}"; do
        if recorded "$name"; then
            kill -s HUP "$REPLY"
        fi
    done
    say "reloading: ${reloading[*]}"
}

# What a newcomer wants to know next.
show_welcome() {
    cat <<END

The billing server is ready: $url
  logs            $state/log/
END
    if [[ -f $state/docs/index.html ]]; then
        echo "  documentation   $url/docs/"
    fi
    if [[ -s $run_dir/demo.env ]]; then
        cat <<END
  credentials     $run_dir/demo.env (service user, password, sandbox account 2001)
Try it:
  ( . $(printf %q "$run_dir/demo.env") && curl -sS --cacert "\$BILLING_CA" -u "\$BILLING_USER:\$BILLING_PASSWORD" "\$BILLING_URL/accounts/\$BILLING_ACCOUNT_ID" )
END
    fi
    if [[ $1 == foreground ]]; then
        printf '\nCtrl-C ends everything.\n'
    else
        printf "\n'make stop' ends everything.\n"
    fi
}
