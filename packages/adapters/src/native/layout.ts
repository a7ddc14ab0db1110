/**
 * Numbers and structs of Linux, the same on x86_64 and arm64: little endian, pointers and `long` of 8 bytes.
 *
 * Names are those of the kernel's headers, so that they can be looked up: `linux/if_packet.h`, `linux/if_tun.h`, `linux/sockios.h`,
 * `linux/if.h`, `linux/rtnetlink.h`, `asm-generic/{errno,fcntl,socket,mman}.h`.
 */

/** Errors that are told apart. */
export const Errno = {
  EPERM: 1, ENOENT: 2, EINTR: 4, EIO: 5, ENXIO: 6, EAGAIN: 11, ENOMEM: 12, EACCES: 13, EBUSY: 16, ENODEV: 19, EINVAL: 22,
  EBADFD: 77, EMSGSIZE: 90, EOPNOTSUPP: 95, ENETDOWN: 100, ENOBUFS: 105,
} as const

/** The system's name of an error. */
export const errnoName = (errno: number): string => NAMES.get(errno) ?? `errno ${errno}`

const NAMES = new Map<number, string>(Object.entries(Errno).map(([name, number]) => [number, name]))

export const O_RDWR = 2
export const O_NONBLOCK = 0x800
export const O_CLOEXEC = 0x8_0000
export const SOCK_DGRAM = 2
export const SOCK_RAW = 3
export const SOCK_NONBLOCK = O_NONBLOCK
export const SOCK_CLOEXEC = O_CLOEXEC
export const MSG_DONTWAIT = 0x40
export const POLLOUT = 4
export const POLLERR = 8
export const PROT_READ_WRITE = 3
export const MAP_SHARED = 1
export const MAP_PRIVATE = 2
export const MAP_FIXED = 0x10
export const MAP_ANONYMOUS = 0x20

export const AF_INET = 2
export const AF_NETLINK = 16
export const AF_PACKET = 17
export const ETH_P_ALL = 3
export const NETLINK_ROUTE = 0
/** Group of messages about interfaces. */
export const RTMGRP_LINK = 1

export const SOL_SOCKET = 1
export const SO_ERROR = 4
export const SO_RCVBUFFORCE = 33
export const SOL_PACKET = 263
/** Options of packet sockets. */
export const PacketOption = {
  ADD_MEMBERSHIP: 1, RX_RING: 5, STATISTICS: 6, COPY_THRESH: 7, VERSION: 10, RESERVE: 12, VNET_HDR: 15, QDISC_BYPASS: 20, IGNORE_OUTGOING: 23,
} as const
export const PACKET_MR_PROMISC = 1
export const TPACKET_V2 = 1

/** `struct tpacket2_hdr`, in front of each frame of a ring. */
export const RingHeader = { STATUS: 0, LENGTH: 4, SNAPPED: 8, MAC: 12, VLAN_TCI: 24, VLAN_TPID: 26 } as const
/** The header with its address behind it, `TPACKET2_HDRLEN`. */
export const RING_HEADER_BYTES = 52
/** `TPACKET_ALIGNMENT`. */
export const RING_ALIGNMENT = 16
/** Bits of a ring slot's status. */
export const RingStatus = { Kernel: 0, User: 1, Copy: 2, VlanValid: 0x10, VlanTpidValid: 0x40 } as const

/** Requests about interfaces, with a `struct ifreq`. */
export const SIOCGIFNAME = 0x8910
export const SIOCGIFFLAGS = 0x8913
export const SIOCSIFFLAGS = 0x8914
export const SIOCGIFMTU = 0x8921
export const SIOCSIFMTU = 0x8922
export const SIOCSIFHWADDR = 0x8924
export const SIOCGIFHWADDR = 0x8927
export const SIOCGIFINDEX = 0x8933
export const IFF_UP = 1
export const IFF_RUNNING = 0x40
export const ARPHRD_ETHER = 1
export const ARPHRD_LOOPBACK = 772
/** Bytes of an interface's name with the zero behind it. */
export const IFNAMSIZ = 16
/** Bytes of `struct ifreq`. */
export const IFREQ_BYTES = 40

/** Requests of `/dev/net/tun`. */
export const TUNSETIFF = 0x4004_54ca
export const TUNSETPERSIST = 0x4004_54cb
export const TUNSETOFFLOAD = 0x4004_54d0
export const TUNSETVNETHDRSZ = 0x4004_54d8
export const IFF_TAP = 2
export const IFF_NO_PI = 0x1000
export const IFF_VNET_HDR = 0x4000
/** What the program behind a TAP device takes unfinished: checksums, TCP segments with and without ECN, and UDP segments. */
export const TUN_F_CHECKSUM_AND_TCP = 0x0f
export const TUN_F_UDP_SEGMENTS = 0x60

/** `struct sockaddr_ll` of an interface: frames of every protocol, or of none. */
export const sockaddrLl = (index: number, protocol: number): ArrayBuffer => {
  const buffer = new ArrayBuffer(20)
  const view = new DataView(buffer)
  view.setUint16(0, AF_PACKET, true)
  view.setUint16(2, protocol)
  view.setInt32(4, index, true)
  return buffer
}

/** `struct sockaddr_nl`. */
export const sockaddrNl = (groups: number): ArrayBuffer => Uint32Array.of(AF_NETLINK, 0, groups).buffer

/** `struct packet_mreq`: promiscuous. */
export const promiscuous = (index: number): ArrayBuffer => Int32Array.of(index, PACKET_MR_PROMISC, 0, 0).buffer
