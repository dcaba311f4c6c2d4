// What stands in columns of events that are usually the same: NULL for the usual.
import type { NewEvent } from '../ports/event-store.ts'
import type { CommandClaim } from '../ports/outcome-store.ts'
import { textOrNullAt, type Row } from './row.ts'

/** The content type of an event that names none. */
export const usualContentType = 'application/json'
const noTags: readonly string[] = []

/** What is stored of a content type. */
export function contentTypeText({ contentType }: NewEvent): string | null {
  return contentType === undefined || contentType === usualContentType ? null : contentType
}

/** The content type in a column. */
export function contentTypeAt(row: Row, index: number): string {
  return textOrNullAt(row, index) ?? usualContentType
}

/** What is stored of tags; NULL for none. */
export function tagsText({ tags }: NewEvent): string | null {
  return tags === undefined || tags.length === 0 ? null : JSON.stringify(tags)
}

/** The tags in a column. */
export function tagsAt(row: Row, index: number): readonly string[] {
  const text = textOrNullAt(row, index)
  return text === null ? noTags : JSON.parse(text)
}

/** What is stored of an id: NULL for the command's own, or for nothing where there is no command. */
export function originText(id: string | undefined, command: CommandClaim | undefined): string | null {
  if (command === undefined) return id ?? null
  return id === command.id ? null : (id ?? '')
}

/** The id in a column, beside that of the command. */
export function originAt(row: Row, index: number, commandId: string | null): string | null {
  const text = textOrNullAt(row, index)
  return text === null ? commandId : text || null
}
