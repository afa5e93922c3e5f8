# Waits until its standard input ends, which it does when the forest's owner is dropped or dies in whatever way,
# and then removes the forest: teardown.sh IDENTIFIER FOLDER RECORD
id=$1 folder=$2 record=$3
trap '' HUP INT TERM
cat >/dev/null

# Ends what runs in the forest's namespaces, by process id. A process may have started another one meanwhile, so
# look again until there is none.
for namespace in $(ip netns list | cut -d' ' -f1 | grep "^onramp-$id-"); do
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        pids=$(ip netns pids "$namespace" 2>/dev/null)
        [ -n "$pids" ] || break
        kill -KILL $pids 2>/dev/null
        sleep 0.05
    done
    ip netns delete "$namespace"
done
for link in $(ip -o link show type veth | grep -o " or${id}v[0-9]*" | tr -d ' '); do
    ip link delete "$link" 2>/dev/null
done
ip link delete "or${id}" 2>/dev/null
rm -rf -- "$folder"
rm -f -- "$record"
