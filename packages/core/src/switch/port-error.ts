import type { BadOptions } from '../check/checked.js'
import type { Problem, Problems } from '../check/problem.js'
import type { ForeignCore } from '../copies.js'

/** Why the switch refused something about ports and layers. A refused call has changed nothing. */
export type PortError =
  /** The layer type was made with another copy of `@vfp-ts/core`. */
  | ForeignCore
  /** A port of this name exists. */
  | {
      readonly _tag: 'NameTaken'
      /** The name that is taken. */
      readonly port: string
    }
  /** Another port has this MAC in the same virtual network. */
  | {
      readonly _tag: 'MacTaken'
      /** The MAC that is taken. */
      readonly mac: string
      /** Name of the port that has it. */
      readonly port: string
    }
  /** Parts of the port's description are not what they should be; path, reason and value are those of the first problem. */
  | ({
      readonly _tag: 'BadPort'
      /** Name that the port was to have. */
      readonly port: string
    } & Problem & Problems)
  /** What the function was told is not what it should be. */
  | BadOptions
  /** The embedding environment refused. */
  | {
      readonly _tag: 'EnvironmentRefused'
      /** Name of the port. */
      readonly port: string
      /** The environment's refusal, in its words. */
      readonly reason: string
    }
  /** The port has been deleted. */
  | {
      readonly _tag: 'PortGone'
      /** Name that the port had. */
      readonly port: string
    }
  /** The port has a layer of this name. */
  | {
      readonly _tag: 'LayerExists'
      /** The name that is taken. */
      readonly layer: string
    }
  /** The layer that a place refers to does not exist. */
  | {
      readonly _tag: 'NoSuchLayer'
      /** The name that no layer of the port has. */
      readonly layer: string
    }
  /** The layer has been removed. */
  | {
      readonly _tag: 'LayerGone'
      /** Name that the layer had. */
      readonly layer: string
    }
