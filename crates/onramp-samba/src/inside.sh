# Becomes the given program as if on a machine of its own: inside.sh HOST FOLDER PROGRAM ARGUMENT...
# Called in fresh mount and UTS namespaces.
host=$1 folder=$2
shift 2
hostname "$host"
mount --bind "$folder/resolv.conf" /etc/resolv.conf
mount --bind "$folder/hosts" /etc/hosts
# Samba's pid file has a fixed place.
mkdir -p /run/samba
mount --bind "$folder/run" /run/samba
exec "$@"
