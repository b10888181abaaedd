#!/bin/bash
# Makes the role and the database asked for, once, then becomes the server.
set -euo pipefail

# Arguments that begin with a dash are options of the server; anything else is a command.
if [[ ${1:--} != -* ]]; then exec "$@"; fi

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
made=$PGDATA/made-by-the-entrypoint

# Quotes for SQL: 'text' and "name".
text() { printf "'%s'" "${1//\'/\'\'}"; }
name() { printf '"%s"' "${1//\"/\"\"}"; }

if [[ ! -e $made ]]; then
  if [[ -z ${POSTGRES_PASSWORD:-} ]]; then
    echo 'POSTGRES_PASSWORD is not set' >&2
    exit 1
  fi
  # One session without a server: a statement a line, which is how single-user mode reads.
  {
    [[ $user == postgres ]] || echo "create role $(name "$user") superuser login"
    echo "alter role $(name "$user") password $(text "$POSTGRES_PASSWORD")"
    [[ $database == postgres ]] || echo "create database $(name "$database") owner $(name "$user")"
  } | postgres --single -D "$PGDATA" -c log_min_messages=error postgres > /dev/null
  touch "$made"
fi

# Whoever waits for the line `ready to accept connections` may listen on either stream.
exec > >(tee /dev/stderr) 2>&1
exec postgres -D "$PGDATA" "$@"
