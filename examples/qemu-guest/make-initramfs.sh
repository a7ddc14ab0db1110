#!/usr/bin/env bash
# make-initramfs.sh DIRECTORY: fetches Debian's cloud kernel (it is only unpacked, not installed) and makes a root file system of
# busybox and the kernel's own virtio drivers. Leaves `vmlinuz` and `initramfs` in the directory; what is there already stays.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
directory=$1
mkdir -p "$directory"
scratch=$(mktemp -d "$directory/making-XXXXXX")
trap 'rm -rf "$scratch"' EXIT

if [ ! -e "$directory/vmlinuz" ]; then
  newest() { { apt-cache depends linux-image-cloud-amd64 2>/dev/null || true; } | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p'; }
  package=$(newest)
  if [ -z "$package" ] && [ "$(id -u)" = 0 ]; then
    apt-get -q update >&2
    package=$(newest)
  fi
  [ -n "$package" ] || { echo 'apt knows no linux-image-cloud-amd64: run apt-get update' >&2; exit 1; }
  (cd "$scratch" && apt-get -q -o APT::Sandbox::User=root download "$package" >&2)
  dpkg-deb -x "$scratch"/linux-image-*.deb "$scratch/kernel"
  rm -rf "$directory/modules" && mkdir "$directory/modules"
  for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci failover net_failover virtio_net; do
    find "$scratch/kernel/lib/modules" -name "$module.ko" -exec cp {} "$directory/modules" \;
  done
  mv "$scratch"/kernel/boot/vmlinuz-* "$directory/vmlinuz"
fi

busybox=$(command -v busybox)
root=$scratch/root
mkdir -p "$root"/{bin,dev,proc,sys,modules}
cp "$busybox" "$root/bin/busybox"
cp "$directory"/modules/*.ko "$root/modules"
cp "$here/init" "$root/init"
chmod 755 "$root/init"
(cd "$root" && find . | cpio --quiet -o -H newc) | gzip -1 >"$scratch/initramfs"
mv "$scratch/initramfs" "$directory/initramfs"
