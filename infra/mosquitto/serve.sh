#!/bin/sh
# The broker in its container, which takes up what changes: accounts, certificates and limits are
# written by `ev-pipeline` in other containers, whose signals do not reach this one.
#
#   serve.sh DIRECTORY         runs the broker of DIRECTORY/mosquitto.conf
set -eu
directory=$1

serve() {
    begun_with=$(ls -i "$directory/mosquitto.conf")
    mosquitto -c "$directory/mosquitto.conf" &
    broker=$!
}

# A file that was replaced has another number; two looks that agree tell that no more is to come.
look() {
    ls -i "$directory/passwords" "$directory/access" "$directory/server.crt" "$directory/server.key" \
        "$directory/mosquitto.conf"
}

# Limits are read at its start only. It writes down what is queued, and clients come back by themselves.
serve_anew() {
    kill -TERM $broker 2>/dev/null || true
    while kill -0 $broker 2>/dev/null; do
        wait $broker || true
    done
    [ $is_stopping = yes ] || serve
}

is_stopping=no
trap 'is_stopping=yes; kill -TERM $broker 2>/dev/null || true' TERM INT
trap 'kill -HUP $broker 2>/dev/null || true' HUP
serve

taken=$(look)
before=$taken
while kill -0 $broker 2>/dev/null; do
    sleep 1 &
    wait $! || true
    now=$(look)
    if [ "$now" != "$taken" ] && [ "$now" = "$before" ] && [ $is_stopping = no ]; then
        if [ "$(ls -i "$directory/mosquitto.conf")" = "$begun_with" ]; then
            kill -HUP $broker
        else
            serve_anew
        fi
        taken=$now
    fi
    before=$now
done
code=0
wait $broker || code=$?
exit $code
