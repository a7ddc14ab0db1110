/**
 * What a firewall in stages does, as data: a policy, packets, and what becomes of them.
 *
 * The case of two levels is the worked example of SONiC-DASH's description of its ACLs ("SDN features and packet transforms",
 * ACL), with each level's last line behind all others: there its number says otherwise than its outcome does.
 */
import type { SecurityGroupsJson } from '@vfp-ts/layers'

/** A packet in words: direction, far end or both ends, protocol; and whether it passes. */
export type Step = readonly [
  direction: 'out' | 'in',
  packet: { readonly from?: string; readonly to?: string; readonly proto?: 'udp' | 'icmp'; readonly reply?: true },
  outcome: 'passes' | 'Denied',
]

/** A policy and what it does to packets, sent one after another. */
export interface Vector {
  readonly name: string
  readonly policy: SecurityGroupsJson
  readonly steps: readonly Step[]
}

const anySource = ['10.0.0.0/24', '20.0.0.0/24', '30.0.0.0/24']

/** The VM is 10.0.0.100 and 2001:db8::100; a far end that is not said has port 80, the VM's own port is 5000. */
export const vectors: readonly Vector[] = [
  {
    name: 'two levels, as DASH tells them',
    policy: {
      stages: [
        {
          name: 'level-1',
          outbound: [
            { allow: { proto: 'tcp', srcIp: anySource, dstIp: ['10.0.0.10', '10.0.0.11', '10.0.0.12', '10.0.0.13', '10.0.0.14', '30.0.0.0/24'] }, priority: 0 },
            { allow: { proto: 'tcp', srcIp: anySource, dstIp: '10.0.0.200' }, priority: 1 },
            { deny: { proto: 'tcp', srcIp: anySource, dstIp: '10.0.0.201' }, priority: 2 },
            { allow: { proto: 'tcp', srcIp: anySource, dstIp: '10.0.0.202' }, priority: 3, terminating: true },
            { allow: { proto: 'tcp', srcIp: anySource, dstIp: '10.0.0.203' }, priority: 4 },
            { deny: { dstIp: '8.8.8.8' }, priority: 5 },
            { allow: { dstIp: '8.8.8.8' }, priority: 6, terminating: true },
            { allow: { dstIp: '9.9.9.9' }, priority: 7, terminating: true },
            { deny: {}, priority: 8, terminating: false },
          ],
        },
        {
          name: 'level-2',
          outbound: [
            { deny: { proto: 'tcp', srcIp: '10.0.0.0/24', dstIp: ['10.0.0.202', '10.0.0.203'] }, priority: 0 },
            { allow: { proto: 'tcp', srcIp: '10.0.0.0/24', dstIp: '10.0.0.0/24' }, priority: 1 },
            { allow: { dstIp: '8.8.8.8' }, priority: 2 },
            { deny: { dstIp: '9.9.9.9' }, priority: 2 },
            { allow: { dstIp: '1.1.1.2' }, priority: 30 },
            { deny: {}, priority: 31, terminating: false },
          ],
        },
      ],
    },
    steps: [
      ['out', { to: '10.0.0.200:80' }, 'passes'],
      ['out', { to: '10.0.0.201:80' }, 'Denied'],
      ['out', { to: '10.0.0.202:80' }, 'passes'],
      ['out', { to: '10.0.0.203:80' }, 'Denied'],
      ['out', { to: '8.8.8.8:80' }, 'Denied'],
      ['out', { to: '9.9.9.9:80' }, 'passes'],
      ['out', { to: '1.1.1.1:80' }, 'Denied'],
      ['out', { to: '1.1.1.2:80' }, 'passes'],
    ],
  },
  {
    name: 'a smaller priority number is better than an earlier place',
    policy: { outbound: [{ deny: { dstPort: 80 }, priority: 20 }, { allow: { dstIp: '10.0.0.7' }, priority: 10 }] },
    steps: [['out', { to: '10.0.0.7:80' }, 'passes'], ['out', { to: '10.0.0.8:80' }, 'Denied']],
  },
  {
    name: 'of equal priorities the earlier place wins',
    policy: { outbound: [{ deny: { dstPort: 80 }, priority: 10 }, { allow: { dstIp: '10.0.0.7' }, priority: 10 }] },
    steps: [['out', { to: '10.0.0.7:80' }, 'Denied'], ['out', { to: '10.0.0.7:81' }, 'passes']],
  },
  {
    name: 'a soft denial is overruled by a later permission, a hard one is not',
    policy: {
      stages: [
        { name: 'first', outbound: [{ deny: { dstPort: 25 } }, { deny: { dstPort: 80 }, terminating: false }], otherwise: 'allow' },
        { name: 'second', outbound: [{ allow: { dstPort: [25, 80] } }], otherwise: 'abstain' },
      ],
    },
    steps: [
      ['out', { to: '10.0.0.7:25' }, 'Denied'],
      ['out', { to: '10.0.0.7:80' }, 'passes'],
      ['out', { to: '10.0.0.7:81' }, 'passes'],
    ],
  },
  {
    name: 'a terminating permission is out of reach of later stages, another is not',
    policy: {
      stages: [
        { name: 'platform', outbound: [{ allow: { dstIp: '10.0.0.1' }, terminating: true }, { allow: { dstIp: '10.0.0.2' } }], otherwise: 'abstain' },
        { name: 'tenant', outbound: [{ deny: { dstIp: '10.0.0.0/8' } }] },
      ],
    },
    steps: [
      ['out', { to: '10.0.0.1:80' }, 'passes'],
      ['out', { to: '10.0.0.2:80' }, 'Denied'],
      ['out', { to: '192.0.2.1:80' }, 'Denied'],
    ],
  },
  {
    name: 'orders decide, not places',
    policy: {
      stages: [
        { name: 'last', order: 2, outbound: [{ deny: { dstPort: 80 }, terminating: false }], otherwise: 'abstain' },
        { name: 'first', order: 1, outbound: [{ allow: { dstPort: [80, 81] } }] },
      ],
    },
    steps: [['out', { to: '10.0.0.7:80' }, 'Denied'], ['out', { to: '10.0.0.7:81' }, 'passes']],
  },
  {
    name: 'a stage that abstains leaves the word to the one before',
    policy: {
      stages: [
        { name: 'first', outbound: [{ allow: { dstPort: '1000-2000' } }] },
        { name: 'second', outbound: [{ deny: { dstPort: 1500 } }], otherwise: 'abstain' },
      ],
    },
    steps: [
      ['out', { to: '10.0.0.7:1499' }, 'passes'],
      ['out', { to: '10.0.0.7:1500' }, 'Denied'],
      ['out', { to: '10.0.0.7:1501' }, 'passes'],
      ['out', { to: '10.0.0.7:2001' }, 'Denied'],
    ],
  },
  {
    name: 'port ranges include both ends, and ports need a protocol with ports',
    policy: { outbound: [{ allow: { dstPort: ['8000-8080', 443] } }] },
    steps: [
      ['out', { to: '10.0.0.7:7999' }, 'Denied'],
      ['out', { to: '10.0.0.7:8000' }, 'passes'],
      ['out', { to: '10.0.0.7:8080', proto: 'udp' }, 'passes'],
      ['out', { to: '10.0.0.7:8081' }, 'Denied'],
      ['out', { to: '10.0.0.7:443' }, 'passes'],
      ['out', { to: '10.0.0.7', proto: 'icmp' }, 'Denied'],
    ],
  },
  {
    name: 'prefix lists of both versions, of which no IPv4 one holds an IPv6 address',
    policy: { outbound: [{ deny: { dstIp: ['10.1.0.0/16', '2001:db8:1::/48'] } }, { allow: { dstIp: ['0.0.0.0/0', '2001:db8::/32'] } }] },
    steps: [
      ['out', { to: '10.1.255.255:80' }, 'Denied'],
      ['out', { to: '10.2.0.0:80' }, 'passes'],
      ['out', { to: '[2001:db8:1::9]:80' }, 'Denied'],
      ['out', { to: '[2001:db8:2::9]:80' }, 'passes'],
      ['out', { to: '[2001:db9::9]:80' }, 'Denied'],
    ],
  },
  {
    name: 'a permission for every IPv4 address permits no IPv6',
    policy: { outbound: [{ allow: { dstIp: '0.0.0.0/0' } }], inbound: [{ allow: { srcIp: '::/0' } }] },
    steps: [
      ['out', { to: '[2001:db8::7]:80' }, 'Denied'],
      ['in', { from: '[2001:db8::7]:80' }, 'passes'],
      ['in', { from: '10.0.0.7:80' }, 'Denied'],
    ],
  },
  {
    name: 'the reply of what was allowed comes in, and nothing else does',
    policy: { stages: [{ name: 'a', outbound: [{ allow: {} }], otherwise: 'abstain' }, { name: 'b', outbound: [{ allow: { dstPort: 80 } }] }] },
    steps: [
      ['in', { from: '10.0.0.7:80' }, 'Denied'],
      ['out', { to: '10.0.0.7:80' }, 'passes'],
      ['in', { from: '10.0.0.7:80' }, 'passes'],
      ['in', { from: '10.0.0.7:81' }, 'Denied'],
      ['in', { from: '10.0.0.7:80', to: '10.0.0.100:5001' }, 'Denied'],
      ['in', { from: '10.0.0.8:80' }, 'Denied'],
    ],
  },
  {
    name: 'an echo’s reply comes in, an echo from outside does not',
    policy: { outbound: [{ allow: { proto: 'icmp', icmpType: 8 } }, { allow: { proto: 'icmpv6', icmpType: 128 } }] },
    steps: [
      ['out', { to: '10.0.0.7', proto: 'icmp' }, 'passes'],
      ['in', { from: '10.0.0.7:5000', proto: 'icmp', reply: true }, 'passes'],
      ['in', { from: '10.0.0.7:5000', proto: 'icmp' }, 'Denied'],
      ['out', { to: '2001:db8::7', proto: 'icmp' }, 'passes'],
      ['in', { from: '[2001:db8::7]:5000', proto: 'icmp', reply: true }, 'passes'],
    ],
  },
  {
    name: 'what is allowed without state has no way back of its own',
    policy: { outbound: [{ allow: { dstPort: 80 }, stateful: false }], inbound: [{ allow: { srcPort: 81 } }] },
    steps: [
      ['out', { to: '10.0.0.7:80' }, 'passes'],
      ['in', { from: '10.0.0.7:80' }, 'Denied'],
      ['in', { from: '10.0.0.7:81' }, 'passes'],
    ],
  },
  {
    name: 'directions are judged apart: a connection from outside is answered where nothing may be begun',
    policy: { inbound: [{ allow: { proto: 'tcp', dstPort: 22, srcIp: '10.0.0.0/24' } }] },
    steps: [
      ['out', { from: '10.0.0.100:22', to: '10.0.0.7:6000' }, 'Denied'],
      ['in', { from: '10.0.0.7:6000', to: '10.0.0.100:22' }, 'passes'],
      ['out', { from: '10.0.0.100:22', to: '10.0.0.7:6000' }, 'passes'],
      ['in', { from: '10.0.1.7:6000', to: '10.0.0.100:22' }, 'Denied'],
    ],
  },
  {
    name: 'the rule that decides says whether the connection is remembered, not one that was overruled',
    policy: {
      stages: [
        { name: 'a', outbound: [{ allow: {}, stateful: true }], otherwise: 'abstain' },
        { name: 'b', outbound: [{ allow: { dstPort: 80 }, stateful: false }, { allow: { dstPort: 81 } }] },
      ],
    },
    steps: [
      ['out', { to: '10.0.0.7:80' }, 'passes'],
      ['in', { from: '10.0.0.7:80' }, 'Denied'],
      ['out', { to: '10.0.0.7:81' }, 'passes'],
      ['in', { from: '10.0.0.7:81' }, 'passes'],
    ],
  },
]
