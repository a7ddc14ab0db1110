/** Tells when something may have changed about interfaces here: their being there, up, their MTU. */
import { AF_NETLINK, NETLINK_ROUTE, RTMGRP_LINK, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_RAW, sockaddrNl } from './layout.js'
import type { Linux } from './linux.js'

/**
 * Calls `changed` after messages about any interface. What they say is left unread: a message may be lost where there are many, so
 * whoever is called asks for the state itself. The answer stops it; a negative one is an `errno`.
 */
export const watchLinks = (linux: Linux, changed: () => void): (() => void) | number => {
  const fd = linux.socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE)
  if (fd < 0) return -linux.errno()
  const address = sockaddrNl(RTMGRP_LINK)
  if (linux.bind(fd, linux.addressOf(address), address.byteLength) < 0) {
    const errno = linux.errno()
    linux.close(fd)
    return -errno
  }
  const scratch = new ArrayBuffer(SCRATCH)
  const at = linux.addressOf(scratch)
  const watch = linux.watch(fd, () => {
    // An error too is read away here: ENOBUFS, messages were lost. Then there are fewer of them than of these.
    for (let i = 0; i < MESSAGES && (linux.read(fd, at, scratch.byteLength) > 0 || i === 0); i++);
    watch.want(true, false)
    changed()
  })
  watch.want(true, false)
  return () => {
    watch.close()
    linux.close(fd)
  }
}

/** A message that does not fit is cut, which is all the same here. */
const SCRATCH = 4096
/** Messages read at a time; more are told again. */
const MESSAGES = 64
