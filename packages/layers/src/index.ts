/**
 * Ready-made layers of the VFP paper's running example, and of what stands around it on a host. Each is a codec for a
 * short language of its own and a function from that language to groups of core's rules; none has any access that a
 * layer of your own has not.
 *
 * @see VFP §3, figure 4
 */
export type { AclEntry, AclEntryJson } from './acl-entries.js'
export { acl, type AclConfig, type AclJson } from './acl.js'
export { type Container, type ContainerJson, containers, type ContainersConfig, type ContainersJson } from './containers.js'
export type { GuardConfig, GuardJson } from './guard/config.js'
export { guard } from './guard/layer.js'
export { arpAnnouncement, neighbourTarget, type NeighbourTargetConfig } from './guard/neighbour-target.js'
export { fromUnspecified, type UnspecifiedConfig } from './guard/unspecified.js'
export { loadBalancer, type LoadBalancerConfig, type LoadBalancerJson, type Vip, type VipJson } from './load-balancer.js'
export type { MacEntry, MacEntryJson, MacRewriteConfig, MacRewriteJson, MacTable, MacTableJson, MacValue, MacValueJson } from './mac-rewrite/config.js'
export { type MacChange, macRewrite, rewriteMac } from './mac-rewrite/layer.js'
export { meter, type MeterConfig, type MeteredPrefix, type MeteredPrefixJson, type MeterJson } from './meter.js'
export type { PaNetwork, PaNetworkJson, PaValidationConfig, PaValidationJson } from './pa-validation/config.js'
export { paSource, type PaSourceConfig, paValidation } from './pa-validation/layer.js'
export { type PaSource, paSources, type PaSources, type PaSourceSet } from './pa-validation/sources.js'
export type { Encoding, EncodingJson, PrivateLinkConfig, PrivateLinkJson, Service, ServiceJson } from './private-link/config.js'
export { privateLink } from './private-link/layer.js'
export { privateLinkRule, type PrivateLinkRuleConfig } from './private-link/link.js'
export { isInbox, probeInbox, type ProbeInbox, type ProbeListener } from './probe/inbox.js'
export { answerProbe, type PortRange, probe, PROBE_PORT, PROBE_SOURCES, type ProbeConfig, takeProbe } from './probe/layer.js'
export { isProbe, PROBE_LENGTH, ProbeAt, ProbeKind, type ProbeMessage, readProbe, writeProbe } from './probe/message.js'
export { probeAnswer } from './probe/probe-answer.js'
export { type BadProber, fullMesh, openProber, type PairReport, type ProbeEnd, type ProbePair, type Prober, type ProberOptions } from './probe/prober.js'
export { arpAnswer } from './responder/arp-answer.js'
export type {
  DirectoryNeighbours, NeighbourDirectory, Neighbours, NeighboursJson, ResponderConfig, ResponderJson, Station, StationJson,
} from './responder/config.js'
export { echoAnswer } from './responder/echo-answer.js'
export { responder } from './responder/layer.js'
export { ndpAnswer } from './responder/ndp-answer.js'
export { answerEcho, answerNeighbour, type AnswerNeighbourConfig } from './responder/rules.js'
export {
  type NamedStageJson, type SecurityEntry, type SecurityEntryJson, securityGroups, type SecurityGroupsConfig, type SecurityGroupsJson, type SecurityStage,
  type SecurityStageJson, type StageOtherwise,
} from './security-groups.js'
export {
  type Chain, type ChainJson, detour, type DetourConfig, detourEnd, serviceChain, type ServiceChainConfig, type ServiceChainJson,
} from './service-chain.js'
export type { OuterHeader, OuterHeaderJson, TunnelPorts } from './underlay.js'
export type { VnetConfig, VnetDirectory, VnetJson, VnetRoute, VnetRouteJson, VnetRouteTo } from './vnet/config.js'
export { vnetRoute, type VnetRouteConfig } from './vnet/route.js'
export { vnet } from './vnet/layer.js'
