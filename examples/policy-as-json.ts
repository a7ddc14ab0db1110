/** Policy as JSON: the same codec as for TypeScript; what is wrong is refused by path and reason, and changes nothing. */
import { allow, block, nat, openSwitch, orThrow, rulesLayer, ruleToJson } from '@vfp-ts/core'
import { acl } from '@vfp-ts/layers'

const vm = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01', ip: ['10.0.0.4'] }))
const security = orThrow(vm.addLayer(acl.layer, { order: 20 }))

const good: unknown = JSON.parse(`{
  "outbound": [
    { "name": "web", "allow": { "proto": "tcp", "dstPort": [80, "8000-8080"] }, "stateful": true },
    { "name": "not-there", "deny": { "dstIp": "10.9.0.0/16" } }
  ],
  "otherwise": "deny"
}`)
console.log('generation', orThrow(security.updateJson(good)))
for (const r of security.rules()) console.log(`  ${r.direction} ${r.rule}: ${r.type}${r.stateful ? ', stateful,' : ''} when ${r.when}`)

const bad: unknown = JSON.parse(`{
  "outbound": [
    { "allow": { "proto": "tcp", "dstPort": 99999 } },
    { "deny": { "dstIp": "10.9.0.1/16" } },
    { "allow": { "dport": 80 }, "statefull": true }
  ]
}`)
const refused = security.updateJson(bad)
if (refused._tag === 'Left' && refused.left._tag === 'BadPolicy') {
  console.log('refused:')
  for (const { path, reason } of refused.left.problems) console.log(`  ${path}: ${reason}`)
}
console.log('generation still', vm.generation(), 'with', security.rules().length, 'rules')

// The general layer spells out groups and rules; rules can be written back.
const free = rulesLayer('free', [allow, block, nat])
const config = free.codec.decode({
  inbound: [{ name: 'dnat', rules: [{ id: 'www', when: { dstIp: '203.0.113.80', dstPort: 80 }, do: 'nat', with: { dstIp: '10.0.0.4' }, stateful: true }] }],
})
if (config._tag === 'Right') for (const group of config.right.inbound ?? []) console.log(JSON.stringify(group.rules.map(ruleToJson)))
