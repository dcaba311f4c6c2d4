// A search in the language of FTS5.
import { searchedWords } from '../core/checks/index.ts'
import type { CollectionShape } from '../core/ports/index.ts'

/**
 * Every word of a search as the start of a word; `undefined` when there is no word to look for. Throws
 * `INPUT_INVALID` for a search that is not allowed. Folded words hold no quotes, so none can end the text
 * early.
 */
export function matchExpression(shape: CollectionShape, search: string): string | undefined {
  const words = searchedWords(shape, search)
  return words.length === 0 ? undefined : words.map((word) => `"${word}"*`).join(' ')
}
