# shellcheck shell=bash
# The billing program: its copy, its configuration, its migrations, its first account.

# Copies the program into the state folder: the unprivileged user may not reach the build folder, and a
# build must not change the program under running processes. Reload copies it again.
install_program() {
    [[ -f $binary && -x $binary ]] || fail "there is no program at $binary: run 'make build', or set BILLING_BINARY"
    if ! cmp -s -- "$binary" "$state/billing"; then
        put "$state/billing" 0755 <"$binary"
    fi
}

# Writes billing.env, which every `billing` command reads through BILLING_RUN_DIR.
write_configuration() {
    local database="host=$sockets dbname=billing"
    if [[ -n $own_database ]]; then
        database=$own_database
    fi
    put "$state/billing.env" 0600 <<END
# Written by Scripts/stack at every start and reload.
BILLING_DATABASE_URL=$database
BILLING_SOCKET=$sockets/billing.sock
BILLING_LONG_SOCKET=$sockets/billing-long.sock
BILLING_WORKERS=$workers
BILLING_RUN_USER=$run_user
BILLING_KEY_FILE=$state/vault.key
BILLING_PUBLIC_URL=$url
END
    ln -sfn -- state/billing.env "$run_dir/billing.env"
}

# Runs a billing command to its end, as the unprivileged user.
run_billing() {
    "${drop[@]}" env BILLING_RUN_DIR="$state" "$state/billing" "$@" </dev/null
}

# Brings the database to the program's version.
migrate() {
    run_billing migrate || fail "the migrations failed (the reason is above); nothing was started"
}

# Gives an empty database the sandbox merchant account 2001 with the service user api-demo, and keeps its
# credentials in demo.env. May be interrupted anywhere: whatever is there already is used.
make_demo() {
    local user=api-demo password="" answer
    if [[ -s $run_dir/demo.env ]]; then
        user=$(demo_value BILLING_USER)
        password=$(demo_value BILLING_PASSWORD)
    elif [[ -n $own_database && $(run_billing account list --json | jq length) != 0 ]]; then
        # Somebody's own data: no account of ours among them, no password changed.
        return 0
    fi
    if [[ -z $password ]]; then
        run_billing account show 2001 --json >/dev/null 2>&1 ||
            run_billing account create --id 2001 --name Demo --mode sandbox --json >/dev/null ||
            fail "the sandbox account 2001 cannot be made (the reason is above)"
        answer=$(run_billing user create "$user" --account 2001 --json 2>/dev/null) ||
            answer=$(run_billing user password "$user" --json) ||
            fail "the service user $user cannot be made (the reason is above)"
        password=$(jq -er .password <<<"$answer") || fail "billing gave no password for $user"
    fi
    # Written at every start, because the port may be another one now.
    (
        umask 077
        printf '%s=%s\n' BILLING_URL "$url/api/v01" BILLING_USER "$user" BILLING_PASSWORD "$password" \
            BILLING_ACCOUNT_ID 2001 BILLING_CA "$(printf %q "$run_dir/ca.pem")" >"$run_dir/demo.env.new"
    )
    if [[ -n ${SUDO_UID:-} ]]; then
        chown -- "$SUDO_UID" "$run_dir/demo.env.new"
    fi
    mv -f -- "$run_dir/demo.env.new" "$run_dir/demo.env"
}

# A value of demo.env.
demo_value() {
    sed -n "s/^$1=//p" "$run_dir/demo.env"
}

start_serve() {
    spawn serve plain QUIT "$state/billing" serve
}

start_jobs() {
    spawn jobs plain TERM "$state/billing" jobs
}
