#!/bin/sh
# The broker in its container, which reads its files again when they change: accounts and certificates
# are written by `ev-pipeline` in another container, whose signals do not reach this one.
#
#   serve.sh DIRECTORY         runs the broker of DIRECTORY/mosquitto.conf
set -eu
directory=$1

# A file that was replaced has another number; two looks that agree tell that no more is to come.
look() {
    ls -i "$directory/passwords" "$directory/access" "$directory/server.crt" "$directory/server.key"
}

mosquitto -c "$directory/mosquitto.conf" &
broker=$!
trap 'kill -TERM $broker 2>/dev/null || true' TERM INT
trap 'kill -HUP $broker 2>/dev/null || true' HUP

taken=$(look)
before=$taken
while kill -0 $broker 2>/dev/null; do
    sleep 1 &
    wait $! || true
    now=$(look)
    if [ "$now" != "$taken" ] && [ "$now" = "$before" ]; then
        kill -HUP $broker
        taken=$now
    fi
    before=$now
done
code=0
wait $broker || code=$?
exit $code
