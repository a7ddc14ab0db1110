/**
 * A virtual network whose mappings are asked for when they are needed.
 *
 * The directory of this host holds only what has been asked. For what it does not know it answers `Unknown`: the packet waits,
 * and those of its flow behind it; the directory asks once, whoever else misses the same address; when the answer has come
 * each flow leaves in the order it came. What waits too long is a counted drop. No timer is hidden anywhere: time is a parameter.
 */
import {
  buildFrame, type CustomerAddress, dissect, formatCustomerAddress, type Lookup, manualClock, type Mapping, openSwitch, orThrow, parseIp, parseMac, type Resource,
} from '@vfp-ts/core'
import { vnet } from '@vfp-ts/layers'

const clock = manualClock()
const log = (text: string): void => { console.log(`${String(clock.nowUs() / 1000).padStart(5)} ms  ${text}`) }

/** What this host knows of a directory far away. A real one forgets what nobody asked for lately. */
const entries = new Map<string, { answer: Mapping | 'absent' | undefined; readonly cell: { version: number } }>()
const watchers = new Set<() => void>()
const entryOf = (key: CustomerAddress) => {
  const text = formatCustomerAddress(key)
  const entry = entries.get(text) ?? { answer: undefined, cell: { version: 0 } }
  entries.set(text, entry)
  return entry
}
const mappings: Resource<CustomerAddress, Mapping> = {
  name: 'directory',
  formatKey: formatCustomerAddress,
  lookup: (key): Lookup<Mapping> => {
    const { answer, cell } = entryOf(key)
    if (answer === undefined) return { _tag: 'Unknown', cell }
    return answer === 'absent' ? { _tag: 'Absent', cell } : { _tag: 'Found', value: answer, cell }
  },
  // Once for each key in question, however many packets wait for it.
  request: (key) => { log(`asked: where is ${formatCustomerAddress(key)}?`) },
  watch: (answered) => {
    watchers.add(answered)
    return () => { watchers.delete(answered) }
  },
}
const answer = (key: CustomerAddress, mapping: Mapping | 'absent'): void => {
  const entry = entryOf(key)
  entry.answer = mapping
  entry.cell.version++
  for (const watcher of [...watchers]) watcher()
}

const host = openSwitch({
  clock,
  environment: {
    onMiss: ({ layer, keyText, waiting }) => { log(`event: layer ${layer} misses ${keyText}, ${waiting} waiting`) },
    released: (_port, to, why, frame) => {
      const [outer, inner] = orThrow(dissect(frame)).groups
      const pa = outer.net !== undefined && outer.net.kind === 'ipv4' ? outer.net.destination.words[3] & 0xff : 0
      log(`${why}: source port ${inner?.transport?.kind === 'udp' ? inner.transport.sourcePort : '-'}, sequence ${frame.at(-1)}, to the ${to}, host 192.0.2.${pa}`)
    },
  },
})
const vm = orThrow(host.addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01', ip: ['10.0.0.4'] }))
const network = orThrow(vm.addLayer(vnet.layer, { order: 40 }))
orThrow(network.update(vnet.policy({ vni: 5001, underlay: '192.0.2.1', routes: ['10.0.0.0/16'], directory: mappings })))

const send = (dstIp: string, srcPort: number, sequence: number): void => {
  const frame = orThrow(buildFrame({ proto: 'udp', srcIp: '10.0.0.4', dstIp, srcPort, dstPort: 53, payload: Uint8Array.of(sequence) }))
  const { outcome } = vm.process('outbound', frame)
  log(`to ${dstIp} from port ${srcPort}, sequence ${sequence}: ${outcome._tag === 'Pending' ? outcome.reason : JSON.stringify(outcome)}`)
}
const at = (pa: string): Mapping => ({ endpoints: [{ pa: orThrow(parseIp(pa)), mac: orThrow(parseMac('00:15:5d:00:01:05')) }] })
const key = (ip: string): CustomerAddress => ({ vni: 5001, ip: orThrow(parseIp(ip)) })

// Two flows to one address that is not known, and one to another.
send('10.0.1.5', 40_001, 1)
send('10.0.1.5', 40_002, 1)
send('10.0.1.6', 40_003, 1)
clock.advanceUs(5_000)
send('10.0.1.5', 40_001, 2)
console.log('waiting:', vm.counters().pending.waiting, 'frames for', vm.counters().pending.keys, 'keys; cached flows:', vm.flows().length)

// The answers come in another order than the questions.
clock.advanceUs(7_000)
log('answer: 10.0.1.6 is nowhere')
answer(key('10.0.1.6'), 'absent')
clock.advanceUs(3_000)
log('answer: 10.0.1.5 is at 192.0.2.2')
answer(key('10.0.1.5'), at('192.0.2.2'))
send('10.0.1.5', 40_001, 3)

// Nobody answers this one.
send('10.0.1.7', 40_004, 1)
clock.advanceUs(1_000_000)
vm.settle()
const { pending, drops } = vm.counters()
console.log('in the end:', JSON.stringify({ ...pending, drops }))
