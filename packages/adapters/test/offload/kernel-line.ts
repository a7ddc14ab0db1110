/**
 * Runs inside a network namespace: hands frames to the kernel on one end of a veth pair, each with a virtio-net header in front, and
 * tells what comes out at the other end.
 *
 *   node kernel-line.js NEAR FAR FRAMES SOURCE [headers]
 *
 * Reads JSON from its input: frames as hexadecimal text. Writes the same of those from the address `SOURCE` that arrive, until there
 * are `FRAMES`; with `headers`, each with a virtio-net header of the kernel's own in front.
 */
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { orThrow } from '@vfp-ts/core'
import { AF_PACKET, ETH_P_ALL, PacketOption, SOCK_NONBLOCK, SOCK_RAW, sockaddrLl, SOL_PACKET } from '../../src/native/layout.js'
import { loadLinux } from '../../src/native/linux.js'
import { VIRTIO_NET_HEADER } from '../../src/offload/virtio-net-header.js'

const [near = '', far = '', expected = '0', source = '', headers] = process.argv.slice(2)
const linux = orThrow(await loadLinux('test'))
const frames = JSON.parse(await text(process.stdin)) as readonly string[]

const checked = (what: string, result: number): number => {
  if (result < 0) throw new Error(`${what}: errno ${linux.errno()}`)
  return result
}

const packetSocket = (name: string): number => {
  const fd = checked('socket', linux.socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0))
  const address = sockaddrLl(Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8')), ETH_P_ALL)
  checked('bind', linux.bind(fd, linux.addressOf(address), address.byteLength))
  return fd
}

const receiver = packetSocket(far)
const sender = packetSocket(near)
const on = Int32Array.of(1).buffer
for (const fd of headers === undefined ? [sender] : [sender, receiver]) {
  checked('PACKET_VNET_HDR', linux.setsockopt(fd, SOL_PACKET, PacketOption.VNET_HDR, linux.addressOf(on), 4))
}
const macAt = 6 + (headers === undefined ? 0 : VIRTIO_NET_HEADER)

const arrived: string[] = []
const buffer = new ArrayBuffer(0x1_1000)
const receive = (): void => {
  for (let length = 0; (length = linux.read(receiver, linux.addressOf(buffer), buffer.byteLength)) > 0; ) {
    const frame = Buffer.from(buffer, 0, length)
    // the kernel itself has something to say on a new interface
    if (frame.subarray(macAt, macAt + 6).toString('hex') === source) arrived.push(frame.toString('hex'))
  }
}

for (const frame of frames) {
  const bytes = Uint8Array.from(Buffer.from(frame, 'hex'))
  checked('write', linux.write(sender, linux.addressOf(bytes.buffer), bytes.length))
  receive()
}
const deadline = Date.now() + 20_000
while (arrived.length < Number(expected) && Date.now() < deadline) {
  await new Promise((resolve) => setImmediate(resolve))
  receive()
}
process.stdout.write(JSON.stringify(arrived))
