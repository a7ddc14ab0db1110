/**
 * A switch for two guests: `main.js DIRECTORY` listens on `client.sock` and `server.sock` there, says `ready`, and reports what it saw
 * when it is told to end.
 *
 * Each guest sends only as itself. The client may do what it likes, the server is asked for web pages and pings alone.
 */
import { join } from 'node:path'
import { openHost } from '@vfp-ts/adapters/host'
import { renderNicError } from '@vfp-ts/adapters/nic'
import { openQemuNic } from '@vfp-ts/adapters/qemu'
import { orThrow } from '@vfp-ts/core'
import { acl, guard } from '@vfp-ts/layers'

const directory = process.argv[2]
if (directory === undefined) throw new Error('usage: main.js DIRECTORY')

const host = openHost({
  onNic: (port, event) => console.error(`${port}: ${event._tag === 'Failed' ? renderNicError(event.error) : event._tag === 'Link' ? `link ${event.state}` : `MTU ${event.bytes}`}`),
})
const client = orThrow(host.switch.addPort({ name: 'client', mac: '00:15:5d:00:00:04', ip: ['10.0.0.4', 'fd00::4'] }))
const server = orThrow(host.switch.addPort({ name: 'server', mac: '00:15:5d:00:00:05', ip: ['10.0.0.5', 'fd00::5'] }))

for (const port of [client, server]) orThrow(orThrow(port.addLayer(guard.layer, { order: 10 })).update(guard.policy({})))
const security = orThrow(server.addLayer(acl.layer, { order: 20 }))
orThrow(
  security.update(
    acl.policy({
      inbound: [{ allow: { proto: 'icmp' } }, { allow: { proto: 'icmpv6' } }, { allow: { proto: 'tcp', dstPort: 80 }, stateful: true }],
      outbound: [{ allow: { proto: 'icmp' } }, { allow: { proto: 'icmpv6' } }],
    }),
  ),
)

for (const port of [client, server]) {
  const nic = orThrow(await openQemuNic({ address: { path: join(directory, `${port.identity.name}.sock`) } }))
  orThrow(host.plug(port.identity.name, nic))
}
console.log('ready')

const end = async (): Promise<void> => {
  for (const { name, nic, counters } of host.report().ports) {
    console.log(`${name}: ${nic?.counters.received} frames from the guest, ${nic?.counters.sent} to it; dropped ${JSON.stringify(counters.drops)}`)
  }
  await host.close()
}
process.once('SIGTERM', () => void end())
process.once('SIGINT', () => void end())
