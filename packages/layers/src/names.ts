/** Names of the groups and rules that layers make of their configuration. */
import type { Direction, LayerEnvironment, Problem } from '@vfp-ts/core'

/** Both directions, in the order in which layers speak of them. */
export const DIRECTIONS: readonly Direction[] = ['outbound', 'inbound']

/** Returns the name of a layer's groups: that of the group being updated, or `default` when the whole layer is. */
export const groupName = (environment: LayerEnvironment): string => environment.group ?? 'default'

/** A name and the path in the configuration that it comes from. */
export interface NamedAt {
  readonly name: string
  readonly path: string
}

/** Returns one problem for each name that an earlier entry of the list has, or that is one of the layer's own. */
export const repeatedNames = (named: readonly NamedAt[], own: readonly string[] = [], what: 'rule' | 'group' = 'rule'): readonly Problem[] => {
  const seen = new Map<string, string>(own.map((name) => [name, `the name of a ${what} that the layer adds`]))
  const problems: Problem[] = []
  for (const { name, path } of named) {
    const first = seen.get(name)
    if (first === undefined) seen.set(name, path)
    else problems.push({ path, reason: `"${name}" is already taken: ${first}` })
  }
  return problems
}
