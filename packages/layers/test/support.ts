/** What the tests of all layers share: a place for configurations, and the objections to one as lines of text. */
import {
  type AnyResource, formatCondition, formatIp, formatMac, type Group, type IpAddress, type LayerEnvironment, type LayerType, openSwitch, orThrow, parseIp,
  parseMac, type Rule,
} from '@vfp-ts/core'

/** An address from text that is known to be right. */
export const ip = (text: string): IpAddress => orThrow(parseIp(text))

/** A MAC from text that is known to be right. */
export const mac = (text: string): number => orThrow(parseMac(text))

/** A port with one address of each version, and the given resources. */
export const environment = (resources: readonly AnyResource[] = [], group?: string): LayerEnvironment => ({
  port: { name: 'vm-1', mac: mac('00:15:5d:00:00:01'), ips: [ip('10.0.1.4'), ip('fd00::4')] },
  group,
  resource: (name) => resources.find((r) => r.name === name),
})

/** Every objection of a port to a configuration given as JSON, as `path: reason`. */
export const objections = <L extends string, C, O>(layer: LayerType<L, C, O>, json: unknown, at = environment()): readonly string[] => {
  const { name, mac: nic, ips } = at.port
  const port = orThrow(openSwitch().addPort({ name, mac: formatMac(nic), ip: ips.map(formatIp) }))
  const updated = orThrow(port.addLayer(layer, { order: 0 })).updateJson(json)
  if (updated._tag === 'Right') return []
  return updated.left._tag === 'BadPolicy' ? updated.left.problems.map(({ path, reason }) => `${path}: ${reason}`) : [updated.left._tag]
}

/** The configuration as read and written again. */
export const rewritten = <L extends string, C, O>(layer: LayerType<L, C, O>, json: unknown): unknown =>
  layer.codec.encode(configOf(layer, json))

/** The groups of a configuration that is known to be right. */
export const groupsOf = <L extends string, C, O>(layer: LayerType<L, C, O>, json: unknown, at = environment()): readonly Group[] =>
  layer.groups(configOf(layer, json), at)

/** The rules of one direction as lines: `priority id: conditions -> type {config} marks`. */
export const lines = (groups: readonly Group[], direction: Group['direction']): readonly string[] =>
  groups.filter((g) => g.direction === direction).flatMap((g) => g.rules.map(line))

const line = (r: Rule): string => {
  const marks = `${r.terminating ? ' terminating' : ''}${r.stateful === undefined ? '' : ` stateful ${r.stateful.idleUs / 1000} ms`}`
  const when = r.conditions.map(formatCondition).join(' and ')
  return `${r.priority} ${r.id ?? '?'}: ${when === '' ? 'any' : when} -> ${r.type} ${JSON.stringify(r.configJson())}${marks}`
}

const configOf = <L extends string, C, O>(layer: LayerType<L, C, O>, json: unknown): C => {
  const read = layer.codec.decode(json)
  if (read._tag === 'Right') return read.right
  throw new Error(objections(layer, json).join('\n'))
}
