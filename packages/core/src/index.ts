/**
 * The engine of vfp-ts: ports with layers of groups of rules; header transpositions; unified flows; a switch.
 *
 * Start with {@link openSwitch}.
 *
 * @packageDocumentation
 */
export { type Clock, clockFromMs, type ManualClock, manualClock } from './clock.js'
export {
  type ApplyReason, type BuiltInDropReason, DROP_REASON_SECTIONS, DROP_REASONS, type DropCounts, type DropReason, type ParseReason,
} from './drop-reason.js'
export { type ForeignCore, isForeign } from './copies.js'
export { describeError, orThrow, type TaggedError, VfpError } from './errors.js'

export {
  type BadAddress, formatIp, formatMac, formatPrefix, type IpAddress, type IpPrefix, ipv4, ipv6, type Mac, parseIp, parseMac,
  parsePrefix, prefixContains, sameIp,
} from './wire/address.js'
export { type BadField, buildFrame, type FrameSpec } from './wire/build-frame.js'
export { dissect } from './wire/dissect.js'
export { type EmitOptions, emitFrame } from './wire/emit-frame.js'
export { formatFrame, type Frame, type HeaderGroup, type NetworkHeader, type TransportHeader } from './wire/frame.js'
export { parseFrame, Verify } from './wire/parse.js'
export {
  OFFLOAD_ACCURATE_ECN, OFFLOAD_PARTIAL, OFFLOAD_PLACE, OFFLOAD_SEGMENT, OFFLOAD_UDP, offloadPlace,
} from './wire/offload.js'
export { type TunnelHeader } from './wire/tunnel.js'
export { compileTunnelEnds, EVERY_TUNNEL, type TunnelEnd, type TunnelEnds } from './wire/tunnel-ends.js'
export * as wire from './wire/protocols.js'
export { type ErrorMessage, MAX_ERROR_FRAME, mayComplain, packetTooBig, writeErrorMessage } from './wire/error-message.js'
export { Reason, reasonName } from './wire/reason.js'
export { type Parsed, renderWireError, type WireError, type WireProtocol } from './wire/wire-error.js'
export { Frag, type FrameView, L3, L4, makeFrameView, MAX_GROUPS, QUOTE, Slot, SLOTS, Tunnel } from './wire/frame-view.js'

export { type FieldName, type FieldRef } from './flow/field.js'
export { type Direction, opposite } from './flow/flow-id.js'
export { type FlowGroup, type QuotedPacket } from './flow/format-flow.js'

export type {
  Changes, EcnCombination, EcnValue, Edit, HeaderTransposition, Invalid, Need, Push, QuoteChanges, QuoteEdit, Translation, Transposition, TtlValue, TunnelKind, Value,
  VlanEdit,
} from './transposition/header-transposition.js'
export {
  decap as decapTransposition, decapNat as decapNatTransposition, DEFAULT_TTL, encap as encapTransposition,
  encapNat as encapNatTransposition, identity, invalid, modify, pop, push, type PushSpec, quoted, requiring,
  translate as translateTransposition, vlans as vlansTransposition,
} from './transposition/construct.js'
export { compose, composeAll, MonoidTransposition } from './transposition/compose.js'
export { type FlowWords, transpositionBetween, type Unreachable } from './transposition/between.js'
export { invert as invertTransposition } from './transposition/invert.js'
export { extractFlow, makeUfid } from './flow/flow-id.js'
export { format as formatTransposition } from './transposition/notation.js'
export { type ChangesJson, type EditJson, type PushJson, toJson as transpositionToJson, type TranspositionJson } from './transposition/notation-json.js'
export { type NotationError, parseTransposition } from './transposition/notation-parse.js'
export { equals as sameTransposition, isIdentity, size as transpositionSize } from './transposition/normal-form.js'

export type { ActionContext } from './policy/action-context.js'
export { type BadRuleType, type DataRuleType, type FindResource, ruleTypeFromJson, type UnboundRule } from './policy/data-rule-type.js'
export type { Computable, ComputedJson, EditTemplateJson, KeyJson, LookupJson, PushTemplateJson, RuleTypeJson, TemplateJson, ValueJson } from './policy/rule-type-json.js'
export type { ParameterJson, ParameterType } from './policy/rule-type-parameters.js'
export { type BadTransposition, transpositionFromJson } from './policy/transposition-codec.js'
export { integer, strictly, strictlyPartial } from './check/codecs.js'
export { Ip, MacText, PortNumber, Prefix, Vni } from './policy/codecs.js'
export { anyOf, between, type Condition, inPrefix, is, type Match, oneOf, type Scalar, type ScalarOf } from './policy/condition.js'
export { embeddedIpv4, embedIpv4, type EmbeddingLength, isEmbeddingLength, maskedAddress } from './policy/embedded-ipv4.js'
export { type BadConditions, Conditions, conditions, type ConditionsJson, type ConditionsObject } from './policy/condition-codec.js'
export { formatCondition } from './policy/match-text.js'
export { answerBy, type Decision, formatVerdict, hairpinTo, type Hold, pend, proceed, refuse, type Verdict } from './policy/decision.js'
export { ANSWER_ROOM, NO_ANSWER, type Responder, TAKEN } from './policy/responder.js'
export {
  badCustomerAddress, type CustomerAddress, type Directory, directory, type Endpoint, formatCustomerAddress, formatMapping, type Mapping, type MappingText, type NetworkTunnel,
} from './policy/directory.js'
export type { FlowContext, PortIdentity } from './policy/flow-context.js'
export type { Group, Matching } from './policy/group.js'
export { defineLayer, type LayerEnvironment, type LayerType, type Policy } from './policy/layer.js'
export { type BadOptions, checked, required } from './check/checked.js'
export { renderPath } from './check/codec-errors.js'
export type { Problem, Problems } from './check/problem.js'
export { showValue } from './check/show.js'
export { nearest, suggestion } from './check/suggest.js'
export type { PolicyError } from './policy/policy-error.js'
export type { Generation, Place } from './policy/port-policy.js'
export { type AnyResource, type Cell, keyText, type Lookup, makeCell, type OwnCell, type Resource } from './policy/resource.js'
export {
  type AnyRuleType, DEFAULT_IDLE_US, defineRuleType, type Rule, rule, type RuleOptions, type RuleType, type RuleTypeSpec, type RunningRule, type Stateful,
} from './policy/rule.js'
export type { TunnelUse } from './policy/tunnel-use.js'
export { allow, block, type Count, count, decap, encap, entropyPort, hairpin, mirror, nat, retag, translate, transpose, vlan } from './policy/rule-types.js'
export { type GroupJson, type RuleJson, type RulesConfig, type RulesJson, rulesLayer, ruleToJson } from './policy/rules-layer.js'

export type { ExplainedGroup, ExplainedLayer, Explanation } from './pipeline/explain.js'
export type { PassedOver, PassedOverRule } from './pipeline/passed-over.js'
export type { DatapathCounters } from './datapath/datapath-options.js'
export type { MtuOptions } from './datapath/mtu-options.js'
export type { PendingOptions } from './datapath/waiting-room.js'

export type { Environment, MissEvent, Refusal } from './switch/environment.js'
export type { DecidedBy, DroppedBy } from './switch/decided-by.js'
export type { FlowReport } from './switch/flow-report.js'
export type { GroupHandle, LayerHandle, RuleReport } from './switch/layer-handle.js'
export type { Batch, FrameOutcome, Output, Processed, Sink } from './switch/output.js'
export type { PendingReport, Port, PortCounters, PortSpec, PortState } from './switch/port.js'
export type { PortError } from './switch/port-error.js'
export { type MtuError, openSwitch, type Switch, type SwitchOptions, tryOpenSwitch } from './switch/switch.js'
