/** Frames of every length, from an Ethernet header alone to more than any MTU takes. */
import { testNeeding } from '@vfp-ts/needs'
import { command, saying } from '../../live/namespaces.js'
import { endWell, twoHosts, VMS } from './two-hosts.js'

const test = testNeeding('network namespaces', 'packet sockets', 'koffi', 'ip', 'sh', 'ping', 'python3')

/** Sends one datagram of every length; a frame's IPv4 identification is its length. Prints each as it left. */
const SEND = `import hashlib, random, socket, struct, sys, time
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); raw.bind(('eth0', 0))
some, mac = random.Random(1), lambda text: bytes.fromhex(text.replace(':', ''))
def summed(header):
    total = sum(struct.unpack('!%dH' % (len(header) // 2), header))
    total = (total & 0xffff) + (total >> 16); total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
source, target = socket.inet_aton(sys.argv[3]), socket.inet_aton(sys.argv[4])
for size in range(int(sys.argv[5]), int(sys.argv[6]) + 1):
    ip = lambda check: struct.pack('!BBHHHBBH', 0x45, 0, max(size - 14, 28), size, 0x4000, 64, 17, check) + source + target
    load = some.randbytes(max(size - 42, 0)); udp = struct.pack('!HHH', 4000, 9, 8 + len(load))
    pseudo = source + target + struct.pack('!HH', 17, 8 + len(load)) + udp + load
    check = summed(pseudo + bytes(len(pseudo) % 2)) or 0xffff
    frame = (mac(sys.argv[1]) + mac(sys.argv[2]) + b'\\x08\\x00' + ip(summed(ip(0))) + udp + struct.pack('!H', check) + load)[:size]
    raw.send(frame); print(size, hashlib.sha256(frame).hexdigest(), flush=True)
    if size % 10 == 0: time.sleep(0.002)`

/** Prints each frame of a sender as it came, until one of the length that is sent last. */
const RECEIVE = `import hashlib, socket, sys
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); raw.bind(('eth0', 0x0800)); raw.settimeout(20)
raw.setsockopt(socket.SOL_SOCKET, 33, 1 << 24) # SO_RCVBUFFORCE
print('listening', flush=True)
mac, last, size = bytes.fromhex(sys.argv[1].replace(':', '')), int(sys.argv[2]), 0
while size != last:
    frame = raw.recv(65600)
    if frame[6:12] == mac: size = len(frame); print(size, hashlib.sha256(frame).hexdigest(), flush=True)
print('done', flush=True)`

const lines = (said: string): readonly string[] => said.split('\n').filter((line) => /^\d+ [0-9a-f]{64}$/.test(line))

test.serial('faults: frames of every length reach the VM of another host as they were sent, or are counted with a reason', async (t) => {
  const { lab, ns, start } = await twoHosts(t)
  // VMs that send more than the underlay has room for.
  for (const [where, name] of [[ns.a1, 'eth0'], [ns.a, 'a1'], [ns.b1, 'eth0'], [ns.b, 'b1']] as const) {
    await command('ip', '-n', where, 'link', 'set', name, 'mtu', '1700')
  }
  const [a, b] = await Promise.all([start('a'), start('b')])
  // Hosts that do not know each other yet let but a few frames wait.
  await lab.in(ns.a1, 'ping', '-n', '-c', '1', '-W', '5', VMS.b1.ip)
  const receiver = lab.start(ns.b1, 'python3', ['-c', RECEIVE, VMS.a1.mac, '60'])
  let came = ''
  receiver.stdout?.setEncoding('utf8').on('data', (text: string) => { came += text })
  await saying(receiver, /listening/)
  const done = saying(receiver, /done/, 30)
  const send = (least: number, most: number): Promise<string> =>
    lab.in(ns.a1, 'python3', '-c', SEND, VMS.b1.mac, VMS.a1.mac, VMS.a1.ip, VMS.b1.ip, String(least), String(most))
  // Of what is shorter than headers need, or longer than the tunnel has room for, nothing arrives. One more frame tells that all is over.
  const all = lines(await send(61, 1714))
  const short = lines(await send(14, 59))
  const last = lines(await send(60, 60))
  await done
  const room = 14 + 1600 - 50
  const expected = [...all.filter((line) => Number.parseInt(line) <= room), ...short.filter((line) => Number.parseInt(line) >= 42), ...last]
  const arrived = lines(came)
  t.deepEqual(arrived.filter((line) => !expected.includes(line)), [], 'arrived, and should not have')
  t.deepEqual(expected.filter((line) => !arrived.includes(line)), [], 'did not arrive')
  t.is(arrived.length, expected.length)
  const { ports: [port], uplink } = await a.status()
  t.deepEqual(port?.counters.drops, { Truncated: 28, PacketTooBig: 1714 - room })
  t.deepEqual(uplink?.counters.sendDrops, {})
  await endWell(t, [a, b])
})
