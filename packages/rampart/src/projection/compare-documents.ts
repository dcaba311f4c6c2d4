// Compares the documents of a read model with those of a fold, one by one.
import { isSameJson, position, type Position } from '../core/codec/index.ts'
import type { ViewedCollection } from '../core/inspection/index.ts'
import type { ChangeCursor, DocumentCollection, StoredDocument } from '../core/ports/index.ts'

/** What came of it. */
export interface ComparedDocuments {
  readonly documents: number
  /** How many keys have another document, or one too many or too few. */
  readonly differing: number
  /** The first of them. */
  readonly sample: readonly string[]
}

/** Which keys are compared, and of which the position is, too. */
export interface ComparedKeys {
  readonly isLeftOut: (key: string) => boolean
  readonly isDetermined: (key: string) => boolean
}

const pageSize = 1000
const sampleMax = 5

/** Compares them both ways. */
export async function compareDocuments(
  view: ViewedCollection,
  folded: DocumentCollection,
  { isLeftOut, isDetermined }: ComparedKeys,
): Promise<ComparedDocuments> {
  const { documents: live } = view
  const places = await placesIn(view, isDetermined)
  const isSame = (one: StoredDocument, other: StoredDocument | undefined): boolean =>
    other !== undefined &&
    one.version === other.version &&
    isSameJson(one.data, other.data) &&
    places.isFine(one, other)
  const sample: string[] = []
  let documents = 0
  let differing = 0
  const differ = (key: string): void => {
    if (isLeftOut(key)) return
    differing += 1
    if (sample.length < sampleMax) sample.push(key)
  }
  for await (const page of pagesOf(live)) {
    documents += page.length
    const misfiled = new Set(await view.misfiled(page))
    const others = await folded.load(page.map(({ key }) => key))
    for (const one of page) if (misfiled.has(one.key) || !isSame(one, others.get(one.key))) differ(one.key)
  }
  for await (const page of changesOf(folded)) {
    const others = await live.load(page.map(({ key }) => key))
    for (const own of page) if (isLost(own, others.get(own.key), isSame)) differ(own.key)
  }
  return { documents, differing, sample }
}

/** Whether readers miss a document, or what is known of a deleted one; others are compared page by page. */
function isLost(
  own: StoredDocument,
  stored: StoredDocument | undefined,
  isSame: (one: StoredDocument, other: StoredDocument) => boolean,
): boolean {
  const isThere = stored !== undefined && stored.data !== null
  if (own.data !== null) return !isThere
  return stored !== undefined && !isThere && !isSame(stored, own)
}

/** Judges positions. A healed document stands at the checkpoint of its healing, which nothing records. */
async function placesIn({ state, documents }: ViewedCollection, isDetermined: (key: string) => boolean) {
  const { position: last } = state.checkpoint
  let { healed } = await documents.changes({ after: start, limit: 1 })
  const mayBeHealed = (at: Position, own: Position): boolean => at > own && healed-- > 0
  return {
    isFine({ key, position: at }: StoredDocument, { position: own }: StoredDocument): boolean {
      if (at === own) return true
      return at > 0 && at <= last && (!isDetermined(key) || mayBeHealed(at, own))
    },
  }
}

const start: ChangeCursor = { position: position(0), key: '' }

async function* pagesOf(documents: Pick<DocumentCollection, 'page'>) {
  for (let afterKey: string | null = null; ;) {
    // oxlint-disable-next-line no-await-in-loop -- one page after the other
    const page = await documents.page({ where: [], search: null, afterKey, limit: pageSize })
    yield page.documents
    if (!page.more) return
    afterKey = page.documents.at(-1)?.key ?? null
  }
}

/** Deleted documents too. */
async function* changesOf(documents: Pick<DocumentCollection, 'changes'>) {
  for (let after = start; ;) {
    // oxlint-disable-next-line no-await-in-loop -- as above
    const page = await documents.changes({ after, limit: pageSize })
    const last = page.documents.at(-1)
    if (last === undefined) return
    yield page.documents
    after = { position: last.position, key: last.key }
  }
}
