// What messages say beside a name that nobody knows: which one may have been meant, and which there are.

/** Longer lists are cut: a message is for a person. */
const shownMax = 20

/**
 * Sentences to stand behind "There is no …": `Did you mean PlaceOrder? There are: PlaceOrder, CancelOrder.`
 * `lead` begins the second one.
 */
export function choices(name: string, known: readonly string[], lead = 'There are'): string {
  const near = nearest(name, known)
  const meant = near === undefined ? '' : `Did you mean ${near}? `
  if (known.length === 0) return `${meant}${lead} none.`
  const more = known.length > shownMax ? ` and ${known.length - shownMax} more` : ''
  return `${meant}${lead}: ${known.slice(0, shownMax).join(', ')}${more}.`
}

/** The known name that differs by a slip of the hand or two at most. */
function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > nameLengthMax) return undefined
  const wanted = name.toLowerCase()
  const slipsMax = Math.min(2, Math.floor(wanted.length / 2))
  const judged = known
    .filter((one) => one !== name && Math.abs(one.length - name.length) <= slipsMax)
    .map((one) => ({ one, slips: slipsBetween(wanted, one.toLowerCase()) }))
    .filter(({ slips }) => slips <= slipsMax)
  return judged.toSorted((one, other) => one.slips - other.slips)[0]?.one
}

const nameLengthMax = 100

/** How many characters are missing, too many, other ones, or in each other's place. */
function slipsBetween(one: string, other: string): number {
  let [before, last]: [readonly number[], readonly number[]] = [
    [],
    Array.from({ length: other.length + 1 }, (_, n) => n),
  ]
  for (let row = 1; row <= one.length; row++) {
    const next = [row]
    for (let column = 1; column <= other.length; column++) {
      const isSame = one[row - 1] === other[column - 1]
      const isSwapped = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]
      next[column] = Math.min(
        (last[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
        isSwapped ? (before[column - 2] ?? 0) + 1 : Infinity,
      )
    }
    before = last
    last = next
  }
  return last[other.length] ?? 0
}
