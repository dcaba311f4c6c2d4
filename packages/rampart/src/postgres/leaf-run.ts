// A run of leaves in memory: those of positions that follow each other, until their seals are stored.
import { pageBytesMax } from '../core/checks/index.ts'
import { sealEventsMax } from '../core/seals/index.ts'
import type { CallAppend } from './append-call.ts'

/** Leaves of positions that follow each other; those of 1,024 stand in one chunk, as many as in a seal. */
export interface LeafRun {
  /** The position of the first leaf of the first chunk. */
  first: number
  /** The position after the last leaf. */
  next: number
  readonly chunks: Chunk[]
  /** Chunks that are used again. */
  readonly spare: Chunk[]
}

// Not as strings, which would live long enough for the garbage collector to move them about.
interface Chunk {
  readonly digits: Buffer
  /** The length of each payload. */
  readonly sizes: Uint32Array
}

const chunkLeaves = sealEventsMax
const leafDigits = 64
// 8 MiB, more than a server appends in the second until the next seals.
const chunksMax = 128
const sparesMax = 8

/** A run without leaves. */
export function startRun(): LeafRun {
  return { first: 0, next: 0, chunks: [], spare: [] }
}

/** Whether so many leaves wait that nobody seals them here, or someone who is far behind. */
export function isTooLong({ chunks }: LeafRun): boolean {
  return chunks.length > chunksMax
}

/** The leaves of an append. */
export interface NewLeaves {
  /** The position of the last of them. */
  readonly last: number
  readonly leaves: readonly string[]
  readonly append: CallAppend
}

/** Keeps leaves behind those that are there; the run begins anew where others come between. */
export function keepLeaves(run: LeafRun, { last, leaves, append }: NewLeaves): void {
  const first = last - leaves.length + 1
  if (first !== run.next || run.chunks.length === 0) {
    recycle(run, run.chunks.length)
    run.first = first
    run.next = first
  }
  let index = 0
  for (const { events } of append.checked.request.writes) {
    for (const { payload } of events) keepLeaf(run, leaves[index++] ?? '', payload.length)
  }
}

function keepLeaf(run: LeafRun, leaf: string, size: number): void {
  const offset = run.next++ - run.first
  const chunk = (run.chunks[Math.floor(offset / chunkLeaves)] ??= run.spare.pop() ?? newChunk())
  chunk.digits.write(leaf, (offset % chunkLeaves) * leafDigits, 'latin1')
  chunk.sizes[offset % chunkLeaves] = size
}

function newChunk(): Chunk {
  return {
    digits: Buffer.allocUnsafeSlow(chunkLeaves * leafDigits),
    sizes: new Uint32Array(chunkLeaves),
  }
}

function recycle(run: LeafRun, chunks: number): void {
  const free = run.chunks.splice(0, chunks)
  run.first += free.length * chunkLeaves
  run.spare.push(...free.slice(0, sparesMax - run.spare.length))
}

/** The leaves after a position that one seal may cover; what lies before it is not held any more. */
export function leavesAfter(run: LeafRun, position: number): readonly string[] {
  const start = position + 1
  const passed = Math.floor((start - run.first) / chunkLeaves)
  if (passed > 0) recycle(run, passed)
  if (start < run.first) return []
  const leaves: string[] = []
  let bytes = 0
  for (let next = start; next < run.next && leaves.length < sealEventsMax; next++) {
    const offset = next - run.first
    const chunk = run.chunks[Math.floor(offset / chunkLeaves)]
    const at = offset % chunkLeaves
    bytes += chunk?.sizes[at] ?? 0
    if (chunk === undefined || (bytes > pageBytesMax && leaves.length > 0)) break
    leaves.push(chunk.digits.toString('latin1', at * leafDigits, (at + 1) * leafDigits))
  }
  return leaves
}
