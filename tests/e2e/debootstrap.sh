#!/bin/bash
# The README's promise on a machine that has nothing: makes a fresh Debian 12 with debootstrap, puts
# the committed tree in, runs ./run there until a page view is counted, and then ./run test.
# Usage: debootstrap.sh SOURCE_DIR [first]      first: only ./run, not ./run test
#
# Needs root, debootstrap and a network. What this machine needs to reach Debian and npm (mirrors,
# proxies, certificates) is used inside as well. Everything happens in namespaces of its own: at
# the end no process and no mount is left. FOOTFALL_DEBOOTSTRAP_DIR keeps the result for a look.

set -euo pipefail
source_dir=$(cd "$1" && pwd)
part=${2:-all}

fail() {
    echo "debootstrap.sh: $*" >&2
    exit 1
}

[ "$(id -u)" = 0 ] || fail 'needs root.'
command -v debootstrap >/dev/null || fail 'debootstrap is not installed.'
git -C "$source_dir" rev-parse HEAD >/dev/null || fail "$source_dir is not a git checkout."

# Everything from here on in namespaces: mounts and processes end with this script.
if [ -z "${FOOTFALL_IN_NAMESPACE:-}" ]; then
    FOOTFALL_IN_NAMESPACE=1 exec unshare --mount --pid --fork --kill-child --propagation private \
        "$0" "$source_dir" "$part"
fi

if [ -n "${FOOTFALL_DEBOOTSTRAP_DIR:-}" ]; then
    root=$FOOTFALL_DEBOOTSTRAP_DIR
    mkdir -p "$root"
else
    root=$(mktemp -d /var/tmp/footfall-debootstrap-XXXXXX)
    chmod 755 "$root" # it becomes "/", which everybody may enter
    trap 'umount -l "$root/dev/shm" "$root/proc" 2>/dev/null; rm -rf --one-file-system "$root"' EXIT
fi
free_mb=$(df -Pm "$root" | awk 'NR == 2 {print $4}')
[ "$free_mb" -ge 6000 ] || fail "$root has $free_mb MB free, and this takes 6000."

# mirror_of CODENAME DEFAULT: where this machine gets that part of Debian from.
mirror_of() {
    local found
    # shellcheck disable=SC2016 # apt's own variables
    found=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 2>/dev/null |
        awk -v codename="$1" '$2 == codename && $3 == "main" {print $1; exit}')
    echo "${found:-$2}"
}

debian=$(mirror_of bookworm http://deb.debian.org/debian/)
security=$(mirror_of bookworm-security http://deb.debian.org/debian-security/)

if [ ! -e "$root/etc/debian_version" ]; then
    echo "Making a fresh Debian 12 in $root from $debian"
    # A mirror may need what apt is told about proxies.
    proxy=$(apt-config dump --format '%v' Acquire::http::Proxy 2>/dev/null || true)
    [ -z "$proxy" ] || export http_proxy="${http_proxy:-$proxy}"
    debootstrap --variant=minbase --include=ca-certificates bookworm "$root" "$debian" \
        >"$root.log" 2>&1 || {
        tail -n 20 "$root.log"
        fail 'debootstrap did not go through.'
    }
    rm -f "$root.log"
fi

cat >"$root/etc/apt/sources.list" <<LIST
deb $debian bookworm main
deb $debian bookworm-updates main
deb $security bookworm-security main
LIST
# Ways to the network: proxies, certificates, names. Not this machine's other package sources.
grep -lsE 'Acquire' /etc/apt/apt.conf /etc/apt/apt.conf.d/* | while read -r file; do
    grep -q 'Proxy\|CaInfo\|Verify' "$file" && cp "$file" "$root/etc/apt/apt.conf.d/"
done || true
cp -L /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/host-certificates.crt"
for file in "$HOME/.npmrc" /etc/npmrc; do
    [ -f "$file" ] && cp "$file" "$root/root/.npmrc"
done
[ ! -f "$root/root/.npmrc" ] || sed -i '/^nodedir=/d; /^cafile=/d; /^prefix=/d' "$root/root/.npmrc"
if command -v npm >/dev/null; then
    echo "registry=$(npm config get registry)" >>"$root/root/.npmrc"
fi

rm -rf "$root/footfall"
mkdir "$root/footfall"
git -C "$source_dir" archive HEAD | tar -x -C "$root/footfall"

mount -t proc proc "$root/proc"
mkdir -p "$root/dev/shm"
mount -t tmpfs tmpfs "$root/dev/shm"

# inside COMMAND...: in the fresh Debian, with an environment that is as fresh.
inside() {
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb \
        NODE_EXTRA_CA_CERTS=/etc/ssl/certs/host-certificates.crt \
        ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} \
        ${no_proxy:+"no_proxy=$no_proxy"} \
        chroot "$root" "$@"
}

inside /bin/bash /footfall/tests/e2e/debootstrap_inside.sh
[ "$part" = first ] && exit 0
echo 'Now ./run test'
inside /bin/bash -c 'cd /footfall && ./run test'
