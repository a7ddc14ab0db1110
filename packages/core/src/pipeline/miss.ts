/** A key that a walk asked for and that its resource does not know about yet. */
import type { Direction } from '../flow/flow-id.js'
import { type AnyResource, type Cell, keyText, type Resource } from '../policy/resource.js'

/** What is missing, who missed it, and how to come by it. */
export interface Miss {
  readonly resource: AnyResource
  /** The key as the rule gave it. */
  readonly key: unknown
  /** The key in its resource's words. */
  readonly keyText: string
  /** Name of the layer whose rule asked. */
  readonly layer: string
  /** Direction of the packet it decided on. */
  readonly direction: Direction
  /** Came with the answer `Unknown`, with this version. */
  readonly cell: Cell
  readonly version: number
  /** Asks the resource to find out. */
  readonly request: () => void
  /** Whether the resource still does not know. */
  readonly isUnknown: () => boolean
}

/** The miss of a key; its type is closed in here. */
export const missOf = <K, V>(resource: Resource<K, V>, key: K, cell: Cell, layer: string, direction: Direction): Miss => ({
  resource,
  key,
  keyText: keyText(resource, key),
  layer,
  direction,
  cell,
  version: cell.version,
  request: () => { resource.request?.(key) },
  isUnknown: () => resource.lookup(key)._tag === 'Unknown',
})
