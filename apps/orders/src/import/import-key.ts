// The idempotency key of an imported invoice, the same over HTTP and in process.
import type { Invoice } from './invoice-file.ts'

/** One key for each invoice, so that an import may be repeated without a second effect. */
export function importKey({ number }: Invoice): string {
  // A header carries printable ASCII only; real invoice numbers are nothing else.
  return `import-${number.replaceAll(/[^\u0020-\u007e]/gu, (character) => encodeURIComponent(character))}`
}
