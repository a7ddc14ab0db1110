/**
 * A guest's NIC over a stream socket: QEMU's `-netdev stream`, without any privilege.
 *
 * @packageDocumentation
 */
export { connectQemuNic } from './connect-qemu-nic.js'
export { openQemuNic } from './open-qemu-nic.js'
export { type QemuAddress, type QemuNic, type QemuOptions } from './qemu-options.js'
