/** The live table. */
import test from 'ava'
import { renderScreen, renderStatus } from '../../host-switch/live-table.js'
import type { Status } from '../../host-switch/status-document.js'

const counters = {
  packets: 5, bytes: 500, fast: 3, slow: 2, reconciled: 0, malformed: 0, drops: { Denied: 1200, SpoofedIp: 1 }, flows: 2, connections: {},
  pending: { waiting: 0, waitingBytes: 0, keys: 0, asked: 0, released: 0, timedOut: 0 },
}
const nic = { received: 4001, receivedBytes: 1, sent: 7, sentBytes: 1, receiveDrops: { Overrun: 2 }, sendDrops: {} }

const status: Status = {
  name: 'host-a', pid: 7, upSeconds: 61.5, configurations: { taken: 2, refused: 1 },
  ports: [{
    name: 'red-1', state: 'connected', mac: '02:00:0a:00:00:04', ip: [], vni: 5001, layers: [],
    nic: { name: 'veth', mac: undefined, mtu: 1500, link: 'up', counters: nic }, counters,
  }],
  uplink: null, neighbours: [], drops: { NoPortForMac: 3 },
  flows: [{ port: 'red-1', direction: 'outbound', key: 'tcp a > b', verdict: 'continue', transposition: '', packets: 9, bytes: 1 }],
}

test('unit: the table has ports, why frames were dropped, and the busiest flows', (t) => {
  t.deepEqual(renderStatus(status), [
    'host-a, process 7, up 61 s, configuration 2 (1 refused one)',
    '',
    'port     vni  nic   link  from VM  to VM  flows  dropped  why',
    'red-1   5001  veth  up      4,001      7      2    1,203  Denied 1,200, SpoofedIp 1, Overrun (in) 2',
    'switch     –  –     –           –      –      –        3  NoPortForMac 3',
    '',
    'packets  port   way       flow       verdict',
    '      9  red-1  outbound  tcp a > b  continue',
  ])
})

test('unit: what the underlay answered itself is not among what was dropped', (t) => {
  const counters = { ...nic, receiveDrops: { Answered: 3, NotForUs: 2 } }
  const uplink = { name: 'eth1', mac: undefined, mtu: 1600, link: 'up' as const, counters }
  t.is(renderStatus({ ...status, ports: [], uplink, drops: {} })[3], 'underlay    –  eth1  up      4,001      7      –        2  NotForUs (in) 2')
})

test('unit: on a terminal the last of what was said stands below the table', (t) => {
  const said = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
  t.deepEqual(renderScreen(status, said), [...renderStatus(status), '', ...said.slice(1)])
  t.deepEqual(renderScreen(status, []), renderStatus(status))
})
