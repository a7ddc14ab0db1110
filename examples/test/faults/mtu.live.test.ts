/** The underlay's MTU changes while TCP runs through it. */
import { createWriteStream } from 'node:fs'
import { testNeeding } from '@vfp-ts/needs'
import { command, saying } from '../../live/namespaces.js'
import { endWell, twoHosts, VMS } from './two-hosts.js'

const test = testNeeding('network namespaces', 'packet sockets', 'koffi', 'ip', 'sh', 'mkfifo', 'python3')

const MEGABYTES = 12

/** Takes one connection and prints how many bytes came when it is over. */
const SINK = `import socket
listening = socket.create_server(('0.0.0.0', 5000)); print('listening', flush=True)
connection, _ = listening.accept(); connection.settimeout(20); total = 0
while True:
    data = connection.recv(1 << 16)
    if not data: break
    total += len(data)
print('got', total, flush=True)`

/** Sends a megabyte for each line that comes through a pipe. */
const SOURCE = `import socket, sys
connection = socket.create_connection((sys.argv[1], 5000), 20)
for line in open(sys.argv[2]):
    connection.sendall(bytes(1 << 20)); print('sent', flush=True)`

test.serial('faults: TCP goes on through the underlay’s MTU going down and up, and the VM learns of it', async (t) => {
  const { lab, ns, folder, start } = await twoHosts(t)
  const programs = await Promise.all([start('a'), start('b')])
  const setMtu = async (mtu: number): Promise<void> => {
    for (const host of [ns.a, ns.b]) await command('ip', '-n', host, 'link', 'set', 'u0', 'mtu', String(mtu))
  }
  const sink = lab.start(ns.b1, 'python3', ['-c', SINK])
  await saying(sink, /listening/)
  const got = saying(sink, /got \d+/, 60)
  const pipe = `${folder.a}/pipe`
  await command('mkfifo', pipe)
  const source = lab.start(ns.a1, 'python3', ['-c', SOURCE, VMS.b1.ip, pipe])
  const lines = createWriteStream(pipe)
  // Each megabyte is waited for by listeners of its own.
  for (const emitter of [source, source.stdout, source.stderr]) emitter?.setMaxListeners(2 * MEGABYTES)
  const send = async (): Promise<string> => {
    const said = saying(source, /sent\n/, 60)
    lines.write('\n')
    return said
  }
  for (let n = 0; n < MEGABYTES; n++) {
    if (n === 2) await setMtu(1400)
    if (n === 8) await setMtu(1600)
    await send()
  }
  lines.end()
  t.regex(await got, new RegExp(`got ${MEGABYTES << 20}`))
  const { ports: [port] } = await programs[0].status()
  t.true((port?.counters.drops['PacketTooBig'] ?? 0) > 0)
  // 1,400 less the tunnel's 50 bytes: what the VM was told is what its kernel goes by.
  t.regex(await lab.in(ns.a1, 'ip', 'route', 'get', VMS.b1.ip), /mtu 1350/)
  await endWell(t, programs, /: the MTU is \d+$/)
})
