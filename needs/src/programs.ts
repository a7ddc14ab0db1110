/**
 * Programs that tests and examples start, with the Debian package that has each. The packages are those of `.ci/debian-packages`,
 * which a test checks. Programs that Debian always has are here too: a PATH need not hold them.
 */
export const DEBIAN_PACKAGES = {
  'apt-get': 'apt',
  awk: 'mawk',
  bash: 'bash',
  busybox: 'busybox-static',
  cat: 'coreutils',
  cpio: 'cpio',
  curl: 'curl',
  dig: 'bind9-dnsutils',
  dnsmasq: 'dnsmasq-base',
  dumpcap: 'wireshark-common',
  env: 'coreutils',
  ethtool: 'ethtool',
  git: 'git',
  grep: 'grep',
  gzip: 'gzip',
  head: 'coreutils',
  ip: 'iproute2',
  iperf3: 'iperf3',
  mkfifo: 'coreutils',
  nft: 'nftables',
  nginx: 'nginx',
  nsenter: 'util-linux',
  'ovs-vswitchd': 'openvswitch-switch',
  ping: 'iputils-ping',
  ps: 'procps',
  python3: 'python3',
  'qemu-system-x86_64': 'qemu-system-x86',
  script: 'bsdutils',
  sed: 'sed',
  setpriv: 'util-linux',
  sh: 'dash',
  tcpdump: 'tcpdump',
  tshark: 'tshark',
  unshare: 'util-linux',
} as const

/** A program that a test can need. */
export type Program = keyof typeof DEBIAN_PACKAGES
