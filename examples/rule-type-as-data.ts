/**
 * A new kind of rule without a line of code: a policy in JSON that brings the definition of its rule type along.
 *
 * The type is a virtual network of the paper's kind with something of its own: each tenant has a DSCP, and addresses that several
 * hosts serve are spread over them by the flow's hash. It has typed parameters, one lookup in a resource of the switch,
 * and a transposition whose values are taken from both. The engine treats its rules as any others: they are checked when they
 * are given, cached, explained, reported and written back.
 */
import { allow, buildFrame, directory, openSwitch, orThrow, rulesLayer } from '@vfp-ts/core'

const homes = directory('homes')
orThrow(homes.add({ vni: 5001, ip: '10.0.1.5', at: [{ pa: '192.0.2.2', mac: '00:15:5d:00:01:05' }, { pa: '192.0.2.3', mac: '00:15:5d:00:02:05' }] }))

const vm = orThrow(openSwitch({ resources: { homes } }).addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01', ip: ['10.0.0.4'] }))
const layer = orThrow(vm.addLayer(rulesLayer('network', [allow]), { order: 40 }))

const policy = (change: (json: string) => string = (json) => json): unknown => JSON.parse(change(`{
  "types": [{
    "name": "tenant",
    "parameters": { "vni": "vni", "underlay": "ip", "class": { "type": "dscp", "default": 0 } },
    "lookups": { "home": { "in": "homes", "key": { "vni": { "param": "vni" }, "ip": { "field": "dstIp" } }, "absent": "NobodyThere" } },
    "transposition": {
      "edit": [{ "set": { "dstMac": { "lookup": "home", "take": "endpoints.#.mac" } } }],
      "push": [{
        "tunnel": "nvgre", "vni": { "param": "vni" }, "dscp": { "param": "class" }, "srcPort": { "hash": 8 },
        "srcIp": { "param": "underlay" }, "dstIp": { "lookup": "home", "take": "endpoints.#.pa" },
        "srcMac": "00:00:00:00:00:00", "dstMac": "00:00:00:00:00:00"
      }]
    }
  }],
  "outbound": [{ "name": "routes", "longestPrefix": "dstIp", "rules": [
    { "id": "tenant-a", "when": { "dstIp": "10.0.0.0/16" }, "do": "tenant", "with": { "vni": 5001, "underlay": "192.0.2.1", "class": 10 } }
  ] }]
}`))
orThrow(layer.updateJson(policy()))

const frame = (dstIp: string, srcPort = 50_000): Uint8Array => orThrow(buildFrame({ proto: 'tcp', srcIp: '10.0.0.4', dstIp, srcPort, dstPort: 443 }))
console.log(String(vm.explain('outbound', frame('10.0.1.5'))))
for (let srcPort = 50_000; srcPort < 50_100; srcPort++) vm.process('outbound', frame('10.0.1.5', srcPort))
const hosts = vm.flows().map(({ transposition }) => />(192\.0\.2\.\d)/.exec(transposition)?.[1])
console.log('a hundred flows to', ['192.0.2.2', '192.0.2.3'].map((host) => `${host}: ${hosts.filter((each) => each === host).length}`))
console.log('to 10.0.1.6:', JSON.stringify(vm.process('outbound', frame('10.0.1.6')).outcome))
for (const { rule, type, config } of layer.rules()) console.log(`${rule} is a ${type} of ${JSON.stringify(config)}`)

// What is wrong with a definition, or with what a rule gives it, is refused by place and reason before any packet sees it.
for (const [what, wrong] of [
  ['a resource that does not exist', policy((json) => json.replace('"in": "homes"', '"in": "houses"'))],
  ['a MAC for an address', policy((json) => json.replace('"endpoints.#.pa"', '"endpoints.#.pa", "or": { "field": "srcMac" }'))],
  ['a parameter nobody defined', policy((json) => json.replace('{ "param": "class" }', '{ "param": "klass" }'))],
  ['a value out of range', policy((json) => json.replace('"class": 10', '"class": 100'))],
] as const) {
  const refused = layer.updateJson(wrong)
  if (refused._tag === 'Left' && refused.left._tag === 'BadPolicy') {
    for (const { path, reason } of refused.left.problems) console.log(`${what}\n  ${path}: ${reason}`)
  }
}
console.log('generation', vm.generation())
