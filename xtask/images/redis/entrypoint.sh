#!/bin/sh
# Options only are options of the server, as in the official image.
set -e
case "$1" in -*) set -- redis-server "$@" ;; esac
case "$1" in redis-server) set -- "$@" --protected-mode no ;; esac
exec "$@"
