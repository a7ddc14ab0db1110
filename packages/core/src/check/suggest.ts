/** What somebody probably meant who wrote a name that does not exist. */

/**
 * The known name that is nearest to `name`, if it is near enough to be a slip: one edit for names of three and four characters, two up
 * to eight, three beyond. An edit is a character added, left out, exchanged or changed places with its neighbour; upper and lower
 * case are alike.
 */
export const nearest = (name: string, known: readonly string[]): string | undefined => {
  if (name.length > LONGEST) return undefined
  let best: string | undefined
  let least = Infinity
  for (const candidate of known) {
    const most = candidate.length <= 2 ? 0 : candidate.length <= 4 ? 1 : candidate.length <= 8 ? 2 : 3
    if (Math.abs(candidate.length - name.length) > most) continue
    const edits = editsBetween(name.toLowerCase(), candidate.toLowerCase())
    if (edits <= most && edits < least) {
      best = candidate
      least = edits
    }
  }
  return best
}

/** `; did you mean "x"?`, to be put behind a reason, or nothing. */
export const suggestion = (name: unknown, known: readonly string[]): string => {
  const meant = typeof name === 'string' ? nearest(name, known) : undefined
  return meant === undefined ? '' : `; did you mean "${meant}"?`
}

/** Names beyond this are not compared: what comes from strangers must not cost quadratic time. */
const LONGEST = 64

/** The restricted Damerau–Levenshtein distance: no substring is edited twice. */
const editsBetween = (a: string, b: string): number => {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const exchanged = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let edits = Math.min(exchanged, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) edits = Math.min(edits, (before[j - 2] ?? 0) + 1)
      row.push(edits)
    }
    before = above
    above = row
  }
  return above[b.length] ?? 0
}
