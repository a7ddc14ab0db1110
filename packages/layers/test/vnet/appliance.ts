/** An appliance in front of the VMs' hosts: a port whose VMs send through tunnels, with layers of the tests' own to check them and take them off. */
import { allow, block, decap, type ManualClock, manualClock, openSwitch, orThrow, type Port, type RuleJson, type RulesJson, rulesLayer } from '@vfp-ts/core'

/** What the appliance knows of those it works for. */
export interface Nics {
  /** The address their tunnels end at. */
  readonly vip: string
  readonly trustedVnis: readonly number[]
  /** MACs of the NICs, and whether they are administratively up. */
  readonly nics: Readonly<Record<string, 'up' | 'down'>>
}

/** A port that is told about NICs, and time. */
export interface Appliance {
  readonly port: Port
  readonly clock: ManualClock
  readonly setNics: (nics: Nics) => void
}

/** One group for each lookup, each ending with a rule that drops under the lookup's name. */
const checks = ({ vip, trustedVnis, nics }: Nics): RulesJson => {
  const unless = (reason: string): RuleJson => ({ id: `no-${reason}`, do: 'block', with: { reason }, priority: 200, terminating: true })
  const rulesFor = (state: 'up' | 'down', rule: Omit<RuleJson, 'id' | 'when'>): readonly RuleJson[] =>
    Object.entries(nics).filter(([, is]) => is === state).map(([mac]) => ({ ...rule, id: mac, when: { 'inner.srcMac': mac } }))
  return {
    outbound: [
      { name: 'vip', rules: [{ id: 'vip', do: 'allow', when: { dstIp: vip } }, unless('vip')] },
      { name: 'vni', rules: [{ id: 'trusted', do: 'allow', when: { vni: trustedVnis } }, unless('vni')] },
      { name: 'nic', rules: [...rulesFor('up', { do: 'allow' }), ...rulesFor('down', { do: 'block', with: { reason: 'admin' }, terminating: true }), unless('nic')] },
    ],
  }
}

/** Stateful, so that what is for a VM goes back through a tunnel like the one its packets came in. */
const removal: RulesJson = { outbound: [{ name: 'tunnel', rules: [{ id: 'remove', do: 'decap', stateful: true }] }] }

/**
 * An appliance with no layers but its own two, whose unified flows idle out after so many milliseconds. What a connection has
 * decided once is not looked at again, MACs for one: so the checks have a layer to themselves.
 */
export const appliance = (nics: Nics, flowTtlMs = 60_000): Appliance => {
  const clock = manualClock()
  const host = openSwitch({ clock, flowIdleUs: flowTtlMs * 1000, parseDepth: { outbound: 2, inbound: 3 } })
  const port = orThrow(host.addPort({ name: 'nic-a', mac: '00:01:00:00:03:14' }))
  const checking = orThrow(port.addLayer(rulesLayer('checks', [allow, block]), { order: 0 }))
  orThrow(orThrow(port.addLayer(rulesLayer('removal', [decap]), { order: 1 })).updateJson(removal))
  const setNics = (to: Nics): void => { orThrow(checking.updateJson(checks(to))) }
  setNics(nics)
  return { port, clock, setNics }
}
