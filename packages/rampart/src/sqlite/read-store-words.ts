// What a word is to the search of a read store: the one folding of text, for what is stored and for what is
// sought.
import { RampartError } from '../core/index.ts'

/** Most words of one search. */
export const searchWordsMax = 32

const accents = /[\u0300-\u036f]/g
const betweenWords = /[^\p{L}\p{N}\p{M}]+/u

/** The distinct words of a text, without case and accents: `Crème BRÛLÉE` has `creme` and `brulee`. */
export function wordsOf(text: string): readonly string[] {
  // Accents stand apart only in the decomposed form; composing again keeps the syllables of other scripts
  // whole.
  const plain = text.normalize('NFD').replaceAll(accents, '').normalize('NFC').toLowerCase()
  // Lower case of a capital sigma depends on its place in the word, which a start of a word must not.
  const words = plain.replaceAll('ς', 'σ').split(betweenWords)
  return [...new Set(words.filter((word) => word !== ''))]
}

/**
 * The search in the language of FTS5: every word as the start of a word. `undefined` when there is no word
 * to look for. Throws `INPUT_INVALID` for more than 32 words. Folded words hold no quotes, so none can end
 * the text early.
 */
export function matchExpression(search: string): string | undefined {
  const words = wordsOf(search)
  if (words.length > searchWordsMax) {
    const message = `The search has ${words.length} different words. Use ${searchWordsMax} at most.`
    throw new RampartError('INPUT_INVALID', message)
  }
  return words.length === 0 ? undefined : words.map((word) => `"${word}"*`).join(' ')
}
