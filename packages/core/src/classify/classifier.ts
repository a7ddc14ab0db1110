/**
 * Classifiers: from the flow id of a packet to the best rule of a group.
 *
 * **What.** A group holds rules; each has conditions, a priority and a place in the order of insertion. A classifier
 * answers one question, which of the rules that match a packet is the best, in one of two orders:
 *
 * - by **priority**: the smallest priority number, among equals the smallest sequence number;
 * - by **longest prefix** of one named field: of the values of that field's condition that match the packet, the
 *   longest; then priority, then sequence. A single value counts as a prefix of full width, and a rule without
 *   that condition as one of length 0 (it matches packets without the field, too).
 *
 * **Which.** There are two classifiers. `linearClassifier` (linear.ts) is the oracle: a sorted array, tried from the
 * front; obviously right, and linear. `buildClassifier` (build.ts) is what groups use: it distributes the rules
 * (assign.ts) over *parts*, each suited to some of them, and asks the parts in the order of the best rule each of them holds:
 *
 * | Part | For rules | Lookup |
 * |---|---|---|
 * | hash.ts | with single values; one table per set of fields (tuple space) | one probe a table |
 * | prefix-trie.ts | with a prefix of an IP address | one path of a compressed trie |
 * | rule-list.ts | all others, and wherever there are few | one by one |
 *
 * A part looks at some conditions only and leads to a bucket of rules that agree on them. A bucket that grows is
 * distributed again by the conditions not looked at yet, so that neither a thousand ports behind one address nor a
 * thousand addresses behind one port end in a list.
 *
 * **Invariants.** Every classifier answers as the linear one does, after any sequence of amendments (law 4). A lookup
 * allocates nothing and throws nothing. A classifier never changes once it was handed out: `amend` copies the touched
 * paths and shares the rest, so that readers of the old one are undisturbed and rollback is a reference kept.
 *
 * **Cost.** An amendment touches, for each rule, a path of every part that holds it; building uses the same code, on nodes
 * that it still owns and so need not copy (see `Edit` in part.ts).
 *
 * @see VFP §6.5
 * @see V. Srinivasan, S. Suri, G. Varghese: Packet classification using tuple space search, SIGCOMM '99
 */
import type { Either } from 'fp-ts/lib/Either.js'
import type { Condition } from '../policy/condition.js'

/** What a classifier needs to know of a rule. */
export interface ClassifierRule {
  /** Unique within the classifier. */
  readonly id: string
  /** Smaller is better; a safe integer. */
  readonly priority: number
  /** Decides among equal priorities, smaller first: the order of insertion. Unique within the classifier. */
  readonly sequence: number
  /** ANDed; a rule without conditions matches every packet. */
  readonly conditions: readonly Condition[]
}

/** Why rules cannot be classified. */
export interface ClassifierError {
  readonly _tag:
    | 'DuplicateRule'
    /** A range has no prefix length. */
    | 'RangeInLongestPrefix'
    /** Two conditions on the field have no one prefix length. */
    | 'RepeatedLongestPrefix'
  /** Id of the rule. */
  readonly rule: string
  /** The same in words. */
  readonly reason: string
}

/** An immutable set of rules that finds the best one for a packet. */
export interface Classifier<R extends ClassifierRule> {
  /** The structure behind it, for explanations. */
  readonly kind: 'linear' | 'assigned'
  /** Number of rules. */
  readonly size: number
  /**
   * Returns the best rule that matches, or `undefined`.
   *
   * @param words - UFID words of the packet
   * @param depth - its number of header groups
   */
  readonly lookup: (words: Uint32Array, depth: number) => R | undefined
  /**
   * Returns a classifier without the removed rules and with the added ones; this one stays as it is. An id to
   * be removed that is not there is ignored; an added rule replaces one of the same id. Fails as building does.
   */
  readonly amend: (removedIds: Iterable<string>, added: readonly R[]) => Either<ClassifierError, Classifier<R>>
}
