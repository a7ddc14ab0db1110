import type { BadOptions } from '../check/checked.js'
import type { Problem, Problems } from '../check/problem.js'
import type { ForeignCore } from '../copies.js'

/** Why the switch refused something about ports and layers. A refused call has changed nothing. */
export type PortError =
  /** The layer type was made with another copy of `@vfp-ts/core`. */
  | ForeignCore
  /** A port of this name exists. */
  | { readonly _tag: 'NameTaken'; readonly port: string }
  /** Another port has this MAC in the same virtual network. */
  | { readonly _tag: 'MacTaken'; readonly mac: string; readonly port: string }
  /** Parts of the port's description are not what they should be; path, reason and value are those of the first problem. */
  | ({ readonly _tag: 'BadPort'; readonly port: string } & Problem & Problems)
  /** What the function was told is not what it should be. */
  | BadOptions
  /** The embedding environment refused. */
  | { readonly _tag: 'EnvironmentRefused'; readonly port: string; readonly reason: string }
  /** The port has been deleted. */
  | { readonly _tag: 'PortGone'; readonly port: string }
  /** The port has a layer of this name. */
  | { readonly _tag: 'LayerExists'; readonly layer: string }
  /** The layer that a place refers to does not exist. */
  | { readonly _tag: 'NoSuchLayer'; readonly layer: string }
  /** The layer has been removed. */
  | { readonly _tag: 'LayerGone'; readonly layer: string }
