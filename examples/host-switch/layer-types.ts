/** The layers that a configuration may name, each by its type's own name. */
import type { LayerHandle, LayerType, Place, Port, PortError } from '@vfp-ts/core'
import {
  acl, containers, guard, loadBalancer, macRewrite, meter, paValidation, privateLink, responder, securityGroups, serviceChain, vnet,
} from '@vfp-ts/layers'
import type { Either } from 'fp-ts/lib/Either.js'

/** What a configuration does to a layer, whatever its type. */
export type AnyLayerHandle = Pick<LayerHandle<string>, 'name' | 'updateJson' | 'remove'>

/** Adds a layer of a type to a port. */
export type AddLayer = (port: Port, at: Place & { readonly name?: string }) => Either<PortError, AnyLayerHandle>

const adding = <L extends string, C, O>(type: LayerType<L, C, O>): AddLayer => (port, at) => port.addLayer(type, at)

/** By the type's name. */
export const LAYER_TYPES: ReadonlyMap<string, AddLayer> = new Map<string, AddLayer>([
  [acl.layer.name, adding(acl.layer)],
  [containers.layer.name, adding(containers.layer)],
  [guard.layer.name, adding(guard.layer)],
  [loadBalancer.layer.name, adding(loadBalancer.layer)],
  [macRewrite.layer.name, adding(macRewrite.layer)],
  [meter.layer.name, adding(meter.layer)],
  [paValidation.layer.name, adding(paValidation.layer)],
  [privateLink.layer.name, adding(privateLink.layer)],
  [responder.layer.name, adding(responder.layer)],
  [securityGroups.layer.name, adding(securityGroups.layer)],
  [serviceChain.layer.name, adding(serviceChain.layer)],
  [vnet.layer.name, adding(vnet.layer)],
])

/** Names of all of them. */
export const LAYER_NAMES: readonly string[] = [...LAYER_TYPES.keys()]
