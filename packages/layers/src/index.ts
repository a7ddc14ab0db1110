/**
 * Ready-made layers of the VFP paper's running example. Each is a codec for a short language of its own and a
 * function from that language to groups of core's rules; none has any access that a layer of your own has not.
 *
 * @see VFP §3, figure 4
 */
export { acl, type AclConfig, type AclEntry, type AclEntryJson, type AclJson } from './acl.js'
export { loadBalancer, type LoadBalancerConfig, type LoadBalancerJson, type Vip, type VipJson } from './load-balancer.js'
export { meter, type MeterConfig, type MeteredPrefix, type MeteredPrefixJson, type MeterJson } from './meter.js'
export type { VnetConfig, VnetDirectory, VnetJson, VnetRoute, VnetRouteJson } from './vnet/config.js'
export { vnetRoute, type VnetRouteConfig } from './vnet/route.js'
export { vnet } from './vnet/layer.js'
