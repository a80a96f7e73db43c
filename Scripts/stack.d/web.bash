# shellcheck shell=bash
# The certificate and nginx.

# Makes the self-signed certificate when there is no good one. Key and certificate come into place together.
prepare_certificate() {
    if openssl x509 -in tls/certificate.pem -noout -checkend 86400 >/dev/null 2>&1 && [[ -s tls/key.pem ]]; then
        cp -- tls/certificate.pem "$run_dir/ca.pem"
        return 0
    fi
    "${drop[@]}" rm -rf -- tls tls.new
    "${drop[@]}" mkdir -m 0750 tls.new
    put "$state/tls.new/request.conf" 0644 <<'END'
[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = localhost
[extensions]
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
END
    (
        umask 077
        "${drop[@]}" openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 3650 \
            -config tls.new/request.conf -keyout tls.new/key.pem -out tls.new/certificate.pem >/dev/null 2>&1
    ) || fail "the certificate cannot be made: is openssl installed and the disk not full?"
    "${drop[@]}" chmod 0644 tls.new/certificate.pem
    "${drop[@]}" mv -- tls.new tls
    cp -- tls/certificate.pem "$run_dir/ca.pem"
}

# Makes nginx.conf from the production file: each line that ends in `#= name` is replaced by ours of that
# name; an empty one removes the line. A name that is not in the file, or not here, is an error.
prepare_nginx() {
    command -v nginx >/dev/null || PATH=$PATH:/usr/sbin:/sbin
    command -v nginx >/dev/null || fail "nginx is not installed: run Scripts/install-packages"
    prepare_certificate
    build_docs
    copy_docs

    local listen="listen 127.0.0.1:$port ssl http2;"
    if grep -q '^0\{31\}1 ' /proc/net/if_inet6 2>/dev/null; then
        listen+=" listen [::1]:$port ssl http2;"
    fi
    local -A ours=(
        [user]=""
        [descriptors]=""
        [pid]="pid $state/nginx/nginx.pid;"
        [error_log]="error_log $state/log/nginx.log notice;"
        [request_error_log]="error_log $state/log/nginx.log emerg;"
        [access_log]="access_log $state/log/access.log requests buffer=32k flush=1s;"
        [temporary]="client_body_temp_path $state/nginx/body; fastcgi_temp_path $state/nginx/fastcgi; \
proxy_temp_path $state/nginx/proxy; uwsgi_temp_path $state/nginx/uwsgi; scgi_temp_path $state/nginx/scgi;"
        [pool]="server unix:$sockets/billing.sock max_fails=0;"
        [long_pool]="server unix:$sockets/billing-long.sock max_fails=0;"
        [rate]=""
        [listen]="$listen"
        [server_name]="server_name localhost;"
        [certificate]="ssl_certificate $state/tls/certificate.pem;"
        [certificate_key]="ssl_certificate_key $state/tls/key.pem;"
        [transport_security]=""
        [docs]="alias $state/docs/;"
    )
    local line name text="" seen=" "
    while IFS= read -r line; do
        if [[ $line =~ '#= '([a-z_]+)$ ]]; then
            name=${BASH_REMATCH[1]}
            [[ -v ours[$name] ]] || fail "deploy/nginx.conf marks '$name', which Scripts/stack.d/web.bash does not know"
            seen+="$name "
            line=${ours[$name]}
        fi
        text+=$line$'\n'
    done <"$project/deploy/nginx.conf"
    for name in "${!ours[@]}"; do
        [[ $seen == *" $name "* ]] || fail "deploy/nginx.conf has no line marked '#= $name'"
    done
    put "$state/nginx/nginx.conf" 0640 <<<"$text"
    check_nginx
}

# Stands for all that nginx reads when it reloads.
web_fingerprint() {
    cat -- nginx/nginx.conf tls/certificate.pem tls/key.pem 2>/dev/null | sha256sum || true
}

# Asks nginx itself whether it takes the configuration, as the user and with the privilege it will have.
check_nginx() {
    local answer run_as=("${drop[@]}")
    if ((EUID == 0 && port < 1024)); then
        run_as=("${drop[@]:0:4}" --inh-caps=+net_bind_service --ambient-caps=+net_bind_service --)
    fi
    answer=$("${run_as[@]}" nginx -t -q -p "$state/nginx" -e stderr -c "$state/nginx/nginx.conf" 2>&1) && return 0
    [[ $answer != *bind*"Permission denied"* ]] ||
        fail "port $port needs root: use sudo, or set BILLING_PORT to one above 1023"
    printf '%s\n' "$answer" >&2
    fail "nginx refuses its configuration (its own words are above)"
}

# Builds the documentation where it is not of this program, from the schema of our own database. A start goes on
# without it, whatever happens here.
build_docs() {
    [[ -z $docs_given ]] || return 0
    local database=${own_database:-host=$sockets dbname=billing}
    BILLING_BINARY=$binary BILLING_DOCS_DATABASE=$database PGUSER=billing_owner \
        timeout --foreground 30 "$project/Scripts/docs/build" "$docs_dir" \
        >"$run_dir/docs.log" 2>&1 </dev/null 8<&- 9>&- ||
        say "the documentation could not be built, see $run_dir/docs.log; the last one is served, if any"
}

# nginx's user may not reach the project's folder: serve a copy.
copy_docs() {
    "${drop[@]}" rm -rf -- docs.new
    "${drop[@]}" mkdir -- docs.new
    if [[ -d $docs_dir ]]; then
        tar -C "$docs_dir" -cf - . | "${drop[@]}" tar -C docs.new --no-same-owner --no-same-permissions -xf -
    fi
    "${drop[@]}" rm -rf -- docs
    "${drop[@]}" mv -- docs.new docs
}

# Says so in one sentence when another program listens on our port.
refuse_taken_port() {
    local hexadecimal
    printf -v hexadecimal %04X "$port"
    if grep -qE "^ *[0-9]+: (00000000|0100007F|0{32}|0{24}01000000):$hexadecimal [0-9A-F]+:[0-9A-F]+ 0A " \
        /proc/net/tcp /proc/net/tcp6 2>/dev/null; then
        fail "port $port is taken by another program: stop that, or set BILLING_PORT to a free port"
    fi
}

start_nginx() {
    local privilege=plain
    if ((EUID == 0 && port < 1024)); then
        privilege=bind
    fi
    spawn nginx "$privilege" QUIT "$(command -v nginx)" -p "$state/nginx" -e "$state/log/nginx.log" \
        -c "$state/nginx/nginx.conf" -g "daemon off;"
}

# The status code that /readyz gives through nginx; 000 when nothing answers.
readiness() {
    curl -s -o /dev/null -m 5 -w '%{http_code}' --noproxy '*' --cacert "$run_dir/ca.pem" "$1/readyz" || true
}
