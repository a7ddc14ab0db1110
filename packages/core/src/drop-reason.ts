/**
 * Every reason for which the engine and the ready-made layers drop a packet, with its meaning, in this one place: the type
 * {@link DropReason}, the numbered reasons of parsing (`wire/reason.ts`) and of rewriting (`transposition/apply-code.ts`), and the
 * page `docs/guides/drop-reasons.md` are checked against it.
 *
 * The layers' reasons are here too, though core knows no layers: counters and outcomes of a port tell both apart by the name alone.
 */

/** Reasons found while the frame is parsed: no layer sees it. */
export const PARSE_REASONS = {
  Truncated: 'A header is cut off by the end of its enclosing data.',
  BadLength: 'A length field contradicts its header\'s minimum or the data that are there.',
  BadChecksum: 'A checksum that is verified, that of an IPv4 header, does not match.',
  BadVersion: 'A version field names another version than its EtherType promised.',
  BadHeader: 'A field holds a value that its protocol forbids.',
  UnsupportedProtocol: 'A header, or a combination of headers, that the library does not know where it has to.',
  UnknownCriticalOption: 'A Geneve option of a tunnel that has to be looked into is critical and not known.',
} as const

/** Reasons found while the bytes are rewritten: the layers had let the packet pass. */
export const APPLY_REASONS = {
  Invalid: 'The composed transposition contradicts itself.',
  Shape: 'The frame lacks a header or tag that the transposition pops or edits, or what it quotes is not what it must be.',
  TooDeep: 'The result would have more than three header groups, or a group more than two VLAN tags.',
  NoHeadroom: 'The headers to push do not fit in front of the frame.',
  TooLong: 'A header cannot express the length of what it encloses: more than 65,535 bytes.',
  TtlExceeded: 'The TTL or hop limit is used up.',
  CongestionLost: 'The outer header says that congestion was met, and the inner one has no way to pass it on (RFC 6040 §4.2).',
  Untranslatable: 'The packet has no equivalent in the other version of IP (RFC 7915).',
  UnknownChecksum: 'An address is edited under a checksum that may cover it or not, and nothing tells: of VRRP version 3 over IPv4.',
} as const

const ENGINE_REASONS = {
  Denied: 'A `block` rule without a reason of its own.',
  NotInPrefix: 'A `translate` rule: an IPv6 address is not behind the prefix that holds IPv4 addresses.',
  FieldAbsent: 'A rule type given as data: the packet lacks a field that a value is taken from.',
  BadResourceValue: 'A rule type given as data: a resource holds something of another type than the rule expects.',
  NoMapping: 'A resource has no value for the key that a rule looked up.',
  InvalidTransposition: 'The rule decided on a transposition that no frame can undergo.',
  ShapeMismatch: 'The rule decided on a transposition that this frame, or what earlier layers made of it, cannot undergo.',
  ConnectionLimit: 'The layer keeps as many connections as it may.',
  ReverseFlowTaken: 'The answers of the new connection would be taken for those of another one.',
  NotTaken: 'A rule handed the packet over by name (`handsTo`), and no rule of a layer behind took it.',
  PendingForNothing: 'A rule answered `pend()` without having asked for a key that is unknown.',
  PendingTimeout: 'The packet waited longer than it may for a resource to answer.',
  PendingOverflow: 'As many packets or bytes wait as may.',
  PendingLoops: 'The packet would wait for more keys than one packet may.',
  FragmentWithoutFirst: 'The first fragment of the datagram, which has the ports, has not passed.',
  FragmentOverlap: 'The fragment reaches into the first one of its datagram, by which it was judged (RFC 1858 §4, RFC 5722 §4).',
  PayloadRefused: 'An action context refused the payload, or left a frame that cannot be read.',
  PacketTooBig: 'The packet is longer than the physical network takes, and must not or cannot be cut.',
  NoReply: 'The responder that a rule named has no answer to the packet.',
  BadBatch: 'The frame does not lie in the batch\'s buffer, or not behind the frames in front of it.',
  PortDisconnected: 'The port is not connected.',
  HairpinLimit: 'The frame went through ports more often than it may: it is taken to be looping.',
  NoSuchPort: 'No port has the name that a rule, or the caller, gave.',
  NoPortForMac: 'The frame comes from the network, and no port has its MAC.',
  LinkLocalGroup: 'The frame is for one of the groups 01:80:c2:00:00:00 to :0f, which are about one link.',
  OwnMac: 'The port sent a frame to its own MAC.',
  Other: 'Stands for the names beyond the 1,024 that a port tells apart.',
  Unnamed: 'Stands for the empty name.',
} as const

const LAYER_REASONS = {
  NotIp: 'vnet: the packet is no IP packet, so no route fits it.',
  NoRoute: 'vnet: no route has the destination.',
  RouteDrop: 'vnet: the route to the destination says `drop`.',
  NoUnderlay: 'vnet, private link, service chain: the host has no underlay address of the IP version that the tunnel needs.',
  WrongTenant: 'vnet: the tunnel carries another virtual network than the port\'s.',
  NotTunnelled: 'vnet, private link, PA validation: the packet came from the underlay without the tunnel it has to come in.',
  UnknownSource: 'PA validation: the tunnel comes from an address that no host of the virtual network has.',
  NotIpv4: 'private link: the VM\'s packet to a service is no IPv4 packet.',
  NoConnection: 'private link, service chain: the packet is no answer to a connection of the VM.',
  InnerTunnelNotParsed: 'service chain: the packet is in a tunnel that is deeper than the port parses.',
  NotFromAppliance: 'service chain: the tunnel does not come from an appliance of the chain.',
  SpoofedMac: 'guard: the VM sends from a MAC that is not its own.',
  SpoofedIp: 'guard: the VM sends from an IP address that is not its own, or an ICMP error about a packet that was not for it.',
  SpoofedArp: 'guard: the VM claims in ARP an address that is not its own.',
  SpoofedNdp: 'guard: the VM claims in neighbour discovery an address that is not its own, or asks from `::` as it must not.',
  UnknownType: 'guard: the VM sends an EtherType that is neither ARP nor IP.',
  NotForPort: 'guard: the frame, or the packet in it, is for another than the VM.',
  NoSuchNeighbour: 'responder: the VM asks for the MAC of an address that nobody has.',
} as const

/** A reason found while the frame is parsed. */
export type ParseReason = keyof typeof PARSE_REASONS
/** A reason found while the bytes are rewritten. */
export type ApplyReason = keyof typeof APPLY_REASONS
/** A reason that the engine itself or a ready-made layer gives. Functions of the engine take this type: a misspelling does not compile. */
export type BuiltInDropReason = keyof typeof DROP_REASONS
/**
 * Why a packet was dropped: a reason of the engine or of a ready-made layer, which an editor completes, or any name that a rule
 * gave. {@link DROP_REASONS} has the meanings.
 */
export type DropReason = BuiltInDropReason | (string & {})

/** Drops by reason: those that have occurred. */
export type DropCounts = Readonly<Record<string, number>> & { readonly [Reason in BuiltInDropReason]?: number }

/** The meaning of every reason that the engine and the ready-made layers give, one sentence each. */
export const DROP_REASONS = { ...PARSE_REASONS, ...ENGINE_REASONS, ...APPLY_REASONS, ...LAYER_REASONS } as const

/** The reasons by where they are found, as the page about them has its tables. */
export const DROP_REASON_SECTIONS = {
  /** Found while the frame is parsed. */
  'The frame cannot be read': PARSE_REASONS,
  /** Found by the engine around the layers. */
  'The engine': ENGINE_REASONS,
  /** Found while the bytes are rewritten. */
  'The bytes cannot be rewritten': APPLY_REASONS,
  /** Those of the ready-made layers. */
  'Ready-made layers': LAYER_REASONS,
} as const
