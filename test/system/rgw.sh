#!/bin/bash
# A real S3 server for tests: Ceph's RADOS gateway over one monitor and one OSD that keeps everything in memory.
#   rgw.sh up FOLDER [PORT [MONITOR_PORT]]   answers on PORT (7480) when it returns, about 12 s later
#   rgw.sh down FOLDER                       ends every daemon and removes the folder
# Keys: HALFPIPEKEY / halfpipesecret; bucket: halfpipe. Everything it writes is below FOLDER, which must not exist yet or be its own.
# Inside a network namespace: ip netns exec NAME rgw.sh up FOLDER. Debian packages: radosgw ceph-mon ceph-osd ceph-common.
set -euo pipefail

usage() { sed -n '2,4s/^# *//p' "$0" >&2; exit 2; }
action=${1:-} folder=${2:-}
[ -n "$folder" ] || usage
port=${3:-7480} monitor=${4:-40001}
cluster=(--conf "$folder/ceph.conf")

need() {
  local lacking=()
  for command in ceph-mon ceph-osd ceph radosgw radosgw-admin ceph-authtool monmaptool curl; do
    command -v "$command" >/dev/null || lacking+=("$command")
  done
  [ ${#lacking[@]} -eq 0 ] && return
  echo "Not installed: ${lacking[*]}. Debian and Ubuntu: apt-get install radosgw ceph-mon ceph-osd ceph-common curl" >&2
  exit 3
}

write_config() {
  cat >"$folder/ceph.conf" <<CONF
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon host = v2:127.0.0.1:$monitor
keyring = $folder/keyring
run dir = $folder
log file = $folder/\$name.log
pid file = $folder/\$name.pid
admin socket = $folder/\$name.asok
mon data = $folder/mon
osd data = $folder/osd
rgw data = $folder
ms bind ipv6 = false
auth allow insecure global id reclaim = false
# one copy of everything, in memory, on one machine
osd objectstore = memstore
memstore device bytes = 8589934592
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd crush chooseleaf type = 0
# placement groups cost start-up time, and there is no manager daemon to scale them
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
mon max pg per osd = 2000
# a full test machine is no reason to stop
mon data avail warn = 1
mon data avail crit = 1
rgw frontends = beast port=$port
CONF
}

up() {
  need
  mkdir -p "$folder"
  touch "$folder/.rgw" # down removes only what carries it
  mkdir -p "$folder/mon" "$folder/osd"
  write_config
  local ring=$folder/keyring
  ceph-authtool --create-keyring "$ring" --gen-key --name mon. --cap mon 'allow *'
  ceph-authtool "$ring" --gen-key --name client.admin --cap mon 'allow *' --cap osd 'allow *'
  ceph-authtool "$ring" --gen-key --name osd.0 --cap mon 'allow *' --cap osd 'allow *'
  monmaptool --create --fsid "$(sed -n 's/^fsid = //p' "$folder/ceph.conf")" \
    --addv only "[v2:127.0.0.1:$monitor]" "$folder/monmap"
  ceph-mon "${cluster[@]}" --mkfs --id only --monmap "$folder/monmap" --keyring "$ring"
  ceph-mon "${cluster[@]}" --id only
  ceph "${cluster[@]}" auth add osd.0 --in-file "$ring"
  ceph "${cluster[@]}" osd create
  ceph-osd "${cluster[@]}" --mkfs --id 0
  ceph-osd "${cluster[@]}" --id 0
  radosgw-admin "${cluster[@]}" user create --uid test --display-name test \
    --access-key HALFPIPEKEY --secret-key halfpipesecret
  radosgw "${cluster[@]}" --name client.admin
  for _ in $(seq 120); do
    curl --silent --fail --output /dev/null --request PUT "http://127.0.0.1:$port/halfpipe" \
      --aws-sigv4 aws:amz:us-east-1:s3 --user HALFPIPEKEY:halfpipesecret \
      --header "x-amz-content-sha256: UNSIGNED-PAYLOAD" && return
    sleep 0.25
  done
  echo "the gateway makes no bucket on port $port; see $folder/client.admin.log" >&2
  return 1
}

down() {
  [ -e "$folder/.rgw" ] || return 0
  local pids
  pids=$(cat "$folder"/*.pid 2>/dev/null) || true
  for pid in $pids; do kill -KILL "$pid" 2>/dev/null || true; done
  for pid in $pids; do
    # a zombie that nobody has collected yet holds no port and no file
    while grep -qs '^State:[[:space:]]*[^Z]' "/proc/$pid/status"; do sleep 0.05; done
  done
  rm -rf "$folder"
}

case $action in
  up)
    mkdir -p "$folder"
    # what the ceph tools chat about is of interest only when something fails
    up >"$folder/up.log" 2>&1 || { cat "$folder/up.log" >&2; touch "$folder/.rgw"; down; exit 1; }
    ;;
  down) down ;;
  *) usage ;;
esac
