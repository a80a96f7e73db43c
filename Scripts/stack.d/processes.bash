# shellcheck shell=bash
# Starting, recognising and ending processes.
#
# A pid alone proves nothing: the process may be gone and the number given to another. Each record therefore
# holds pid, start time in clock ticks since boot, and the boot's id; all three must agree.

# Sets REPLY to the start time of a living process. Status 1 when there is none (or only its zombie).
birth_of() {
    local line fields
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
    read -ra fields <<<"${line##*) }"
    [[ ${fields[0]} != [ZX] ]] || return 1
    REPLY=${fields[19]}
}

# Notes that this process is the component of that name.
record() {
    local boot REPLY
    read -r boot </proc/sys/kernel/random/boot_id
    birth_of "$2" || return 0
    printf '%s %s %s\n' "$2" "$REPLY" "$boot" >"$run_dir/pids/$1.pid.new"
    mv -f -- "$run_dir/pids/$1.pid.new" "$run_dir/pids/$1.pid"
}

# Sets REPLY to the pid of the living process recorded under that name. Status 1 when it does not live.
recorded() {
    local pid birth boot now
    { read -r pid birth boot <"$run_dir/pids/$1.pid"; } 2>/dev/null || return 1
    read -r now </proc/sys/kernel/random/boot_id
    [[ $boot == "$now" ]] && birth_of "$pid" && [[ $REPLY == "$birth" ]] || return 1
    REPLY=$pid
}

# Starts a component in the background, in a session of its own (Ctrl-C on the terminal is not for it), as
# the unprivileged user, with its output appended to log/NAME.log and without core files (memory may hold
# card numbers). Should the supervisor be killed, the kernel sends it the third argument.
spawn() {
    local name=$1 privilege=$2 death_signal=$3
    shift 3
    local identity=()
    if ((EUID == 0)); then
        identity=("${drop[@]:1:3}")
    fi
    if [[ $privilege == bind ]]; then
        identity+=(--inh-caps=+net_bind_service --ambient-caps=+net_bind_service)
    fi
    # shellcheck disable=SC2016 # expanded by the inner shell
    setsid setpriv "${identity[@]}" --pdeathsig "$death_signal" -- \
        env --default-signal=INT,QUIT,TERM,HUP BILLING_RUN_DIR="$state" \
        sh -c 'umask 027; ulimit -c 0; exec >>"$1" 2>&1; shift; exec "$@"' \
        spawn "$state/log/$name.log" "$@" </dev/null 8<&- 9<&- &
    child[$name]=$!
    record "$name" "$!"
}

# Waits a moment without starting a process (descriptor 8 never has anything to read).
pause() {
    read -r -t "${1:-0.05}" -u 8 _ || true
}

# Opens descriptor 8 for `pause`.
open_pause() {
    exec 8<> <(:)
}

# Ends a recorded component: each further argument is SIGNAL=SECONDS to wait after it; then KILL.
# Processes of its session that outlive it are ended as well.
end_component() {
    local name=$1 REPLY step
    shift
    local session=""
    { read -r session _ <"$run_dir/pids/$name.pid"; } 2>/dev/null || return 0
    for step in "$@" KILL=5; do
        recorded "$name" || break
        if [[ $step != "${1}" ]]; then
            say "$name does not end: ${step%=*}"
        fi
        kill -s "${step%=*}" "$REPLY" 2>/dev/null || true
        local deadline=$((SECONDS + ${step#*=}))
        while recorded "$name" && ((SECONDS <= deadline)); do
            pause
        done
    done
    if recorded "$name"; then
        say "$name (pid $REPLY) cannot be ended: it belongs to another user, or the kernel holds it"
        return 1
    fi
    end_session "$session"
    rm -f -- "$run_dir/pids/$name.pid"
}

# Ends what is left of a session after its leader: nginx workers, for one, outlive a killed master and keep
# its port. Only processes that still stand in our state folder count: the number may be another's by now.
end_session() {
    local stat line fields pid
    for stat in /proc/[0-9]*/stat; do
        { read -r line <"$stat"; } 2>/dev/null || continue
        read -ra fields <<<"${line##*) }"
        [[ ${fields[3]} == "$1" && ${fields[0]} != [ZX] ]] || continue
        pid=${stat#/proc/}
        pid=${pid%/stat}
        [[ $(readlink "/proc/$pid/cwd") == "$state"* ]] && kill -s KILL "$pid" 2>/dev/null || true
    done
}

# Shows the last lines of a component's log.
show_log() {
    local file=$state/log/$1.log
    if [[ -s $file ]]; then
        printf -- '--- last lines of %s\n' "$file"
        tail -n 15 -- "$file"
        printf -- '---\n'
    fi
}

# Moves logs of more than 10 MB aside, so that an often started stack does not fill the disk.
rotate_logs() {
    local file
    for file in log/*.log; do
        if [[ -f $file && $(stat -c %s "$file") -gt 10485760 ]]; then
            "${drop[@]}" mv -f -- "$file" "$file.1"
        fi
    done
}
