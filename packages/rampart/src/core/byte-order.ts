// The order of keys, the same in every store and where documents of several collections are put together.

/** The order of texts by their bytes in UTF-8, which is that of their characters. */
export function byBytes(one: string, other: string): number {
  const [characters, others] = [Array.from(one), Array.from(other)]
  const index = characters.findIndex((character, at) => character !== others[at])
  if (index === -1) return characters.length - others.length
  return (characters[index]?.codePointAt(0) ?? 0) - (others[index]?.codePointAt(0) ?? -1)
}
