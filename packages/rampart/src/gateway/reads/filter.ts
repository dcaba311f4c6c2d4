// Decides for one document what a read store decides for a page: whether it is listed.
import type { Json } from '../../core/index.ts'
import type { ListRequest } from '../../projection/index.ts'

/** Whether a document's data belongs to a listing; `undefined` when everything does. */
export type Filter = ((data: Json) => boolean) | undefined

/** The filter of a listing: equal members, and every searched word as the start of a word. */
export function filterOf({
  where,
  search,
  searched,
}: Pick<ListRequest, 'where' | 'search'> & {
  readonly searched: readonly string[]
}): Filter {
  const words = search === null ? [] : wordsOf(search)
  // As in a page: nothing is found by no words.
  if (search !== null && words.length === 0) return () => false
  if (where.length === 0 && words.length === 0) return undefined
  return (data) => {
    if (typeof data !== 'object' || data === null) return false
    const textOf = (member: string): string | undefined => {
      const value: unknown = Reflect.get(data, member)
      if (typeof value === 'string') return value
      return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
    }
    if (!where.every(({ index, value }) => textOf(index) === value)) return false
    const found = searched.flatMap((member) => wordsOf(textOf(member) ?? ''))
    return words.every((word) => found.some((each) => each.startsWith(word)))
  }
}

/** The words of a text without case and accents, as read stores see them. */
function wordsOf(text: string): readonly string[] {
  const plain = text
    .normalize('NFD')
    .replaceAll(/[\u0300-\u036f]/g, '')
    .normalize('NFC')
    .toLowerCase()
  return plain
    .replaceAll('ς', 'σ')
    .split(/[^\p{L}\p{N}\p{M}]+/u)
    .filter((word) => word !== '')
}
