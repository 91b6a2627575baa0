#!/bin/bash
# Entrypoint of the test images. From the outside it keeps what the documentation of the official image
# (docker.io/library/postgres) promises, so that what passes here passes there.
set -Eeuo pipefail
shopt -s nullglob

main() {
    [[ $# -gt 0 && $1 != -* ]] || set -- postgres "$@"
    if [[ $1 == postgres ]] && ! asks_for_words "$@"; then
        (( EUID != 0 )) || become_postgres "$@"
        own_folders
        refuse_data_of_older_layout
        if [[ -s $PGDATA/PG_VERSION ]]; then
            echo 'PostgreSQL Database directory appears to contain a database; Skipping initialization'
        else
            first_start "$@"
        fi
    elif [[ $1 == postgres && $EUID -eq 0 ]]; then
        become_postgres "$@"
    fi
    exec "$@"
}

fail() {
    printf 'Error: %s\n' "$@" >&2
    exit 1
}

# Options that only print: no password and no cluster is needed for them.
asks_for_words() {
    local argument
    for argument in "$@"; do
        case $argument in -'?' | --help | --describe-config | -V | --version) return 0 ;; esac
    done
    return 1
}

# A volume or a bind mount may belong to anybody at first.
become_postgres() {
    local folder
    for folder in "$PGDATA" /var/run/postgresql; do
        mkdir -p "$folder"
        find "$folder" \! -user postgres -exec chown postgres '{}' +
    done
    HOME=/var/lib/postgresql exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
}

own_folders() {
    mkdir -p "$PGDATA"
    chmod 0700 "$PGDATA" || :
    chmod 3775 /var/run/postgresql || :
}

# From 18 on the data lies in a folder of its version, and the volume is the folder above it. A volume
# mounted the old way would stay empty while the data goes elsewhere, so the official image refuses it.
refuse_data_of_older_layout() {
    local found=() folder
    [[ ! -s $PGDATA/PG_VERSION && $PGDATA == "/var/lib/postgresql/$PG_MAJOR/docker" ]] || return 0
    for folder in /var/lib/postgresql /var/lib/postgresql/data /var/lib/postgresql/*/docker; do
        [[ ! -s $folder/PG_VERSION ]] || found+=("$folder")
    done
    if [[ ${#found[@]} -eq 0 ]] && mountpoint -q /var/lib/postgresql/data; then
        found=('/var/lib/postgresql/data (unused mount/volume)')
    fi
    [[ ${#found[@]} -eq 0 ]] || fail \
        "in 18+, these Docker images are configured to store database data in a
       format which is compatible with \"pg_ctlcluster\" (specifically, using
       major-version-specific directory names).

       Counter to that, there appears to be PostgreSQL data in:
         ${found[*]}"
}

# Sets NAME from NAME, from the file that NAME_FILE names, or to a default.
take() {
    local name=$1 default=${2-} file=$1_FILE
    [[ -z ${!name-} || -z ${!file-} ]] || fail "both $name and $file are set (but are exclusive)"
    if [[ -n ${!file-} ]]; then
        printf -v "$name" '%s' "$(<"${!file}")"
    elif [[ -z ${!name-} ]]; then
        printf -v "$name" '%s' "$default"
    fi
    unset "$file"
}

first_start() {
    take POSTGRES_PASSWORD
    take POSTGRES_USER postgres
    take POSTGRES_DB "$POSTGRES_USER"
    take POSTGRES_INITDB_ARGS
    : "${POSTGRES_HOST_AUTH_METHOD:=}"
    require_a_password
    make_cluster
    printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption "${@:2}")}" \
        >> "$PGDATA/pg_hba.conf"

    # A first server that only the Unix socket reaches, for what has to be done before anybody is let in. The
    # official image does so too: a client sees "ready to accept connections" twice, and the first is no promise.
    pg_ctl -D "$PGDATA" -w -o "$(printf '%q ' "${@:2}" -c listen_addresses= -p 5432)" start
    export PGHOST='' PGHOSTADDR='' PGPASSWORD=$POSTGRES_PASSWORD
    fill_cluster
    pg_ctl -D "$PGDATA" -m fast -w stop
    unset PGHOST PGHOSTADDR PGPASSWORD
    printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

require_a_password() {
    [[ -n $POSTGRES_PASSWORD || $POSTGRES_HOST_AUTH_METHOD == trust ]] || fail \
        'Database is uninitialized and superuser password is not specified.
       You must specify POSTGRES_PASSWORD to a non-empty value for the
       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".'
}

make_cluster() {
    local arguments=()
    eval "arguments=($POSTGRES_INITDB_ARGS)" # its documentation promises the quoting of a shell
    # Unlike the official image, in a hurry: only a power cut could tell that nothing is synced, and the time
    # zone is not guessed from all that there are.
    TZ=UTC initdb --no-sync --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") "${arguments[@]}"
}

fill_cluster() {
    local file
    if [[ $POSTGRES_DB != postgres ]]; then
        sql --dbname=postgres --set=name="$POSTGRES_DB" <<<'CREATE DATABASE :"name" STRATEGY file_copy;' # the quicker one here
    fi
    for file in /docker-entrypoint-initdb.d/*; do
        echo "$0: $file"
        case $file in
            *.sh)
                # shellcheck source=/dev/null
                if [[ -x $file ]]; then "$file"; else . "$file"; fi
                ;;
            *.sql) sql --dbname="$POSTGRES_DB" --file="$file" ;;
            *.sql.gz) gzip -dc "$file" | sql --dbname="$POSTGRES_DB" ;;
            *) echo "$0: ignoring $file" ;;
        esac
    done
}

sql() {
    psql --set=ON_ERROR_STOP=1 --no-psqlrc --no-password --username="$POSTGRES_USER" "$@"
}

main "$@"
