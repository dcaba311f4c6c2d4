// What indexes and searches see of a document: the text of a member, and the one folding of text into words.
import { choices } from '../choices.ts'
import { quoted } from '../identity.ts'
import { RampartError } from '../errors.ts'
import type { Json } from '../json.ts'
import type { CollectionShape } from '../ports/document-collection.ts'

/** Most words of one search. */
const searchWordsMax = 32

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
 * The words that a search asks for, each as the start of a word. Throws `INPUT_INVALID` for more than 32
 * words, and for documents that cannot be searched.
 */
export function searchedWords({ name, search: members }: CollectionShape, search: string): readonly string[] {
  if (members.length === 0) {
    throw new RampartError('INPUT_INVALID', `The documents of ${name} cannot be searched.`)
  }
  const words = wordsOf(search)
  if (words.length <= searchWordsMax) return words
  const message = `The search has ${words.length} different words. Use ${searchWordsMax} at most.`
  throw new RampartError('INPUT_INVALID', message)
}

/** Throws `INPUT_INVALID` for an index that a collection does not have. */
export function requireIndex({ name, indexes }: CollectionShape, index: string): void {
  if (indexes.includes(index)) return
  const known = choices(index, indexes, 'It has')
  throw new RampartError('INPUT_INVALID', `${name} has no index ${quoted(index)}. ${known}`)
}

/** A member of a document as indexes and searches see it; null where there is none. */
export function memberText(data: Json, member: string): string | null {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return null
  if (!Object.hasOwn(data, member)) return null
  const value = (data as { readonly [key: string]: Json | undefined })[member]
  if (value === undefined) return null
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}
