// Compares a sealed range with the events that stand there, and says which of them do not fit.
//
// The root decides whether anything was changed. Marks say what: they are compared in order, and where the
// rest of the range fits once it is moved by a few places, events were inserted or taken out and the others
// numbered anew. The move is kept for the ranges that follow.
import { position } from '../core/codec/index.ts'
import { marksOf, sealRangeOf, type Seal, type Sha256 } from '../core/seals/index.ts'
import type { FindingCode } from './finding.ts'

/** An event that stands in the log, as far as it is compared. */
export interface StandingEvent {
  readonly leaf: string
  readonly name: string
}

/** What does not fit. */
export interface Misfit {
  readonly code: FindingCode
  readonly position: number
  readonly event?: string
  readonly what: string
}

/** What came of it. */
export interface Comparison {
  readonly misfits: readonly Misfit[]
  /** By how many places the events after this range stand behind where they were sealed. */
  readonly shift: number
}

/** What stands at a position; `undefined` when nothing does. */
export type Standing = (position: number) => StandingEvent | undefined

const shiftMax = 8
// More of them say no more.
const namedMax = 5

/** How the events that stand there, moved by so many places, fit a seal. The root decides, marks may lie. */
export function fitOf(
  seal: Seal,
  at: Standing,
  { shift, sha256 }: { readonly shift: number; readonly sha256: Sha256 },
): 'whole' | 'but for its marks' | 'not' {
  const leaves: string[] = []
  for (let place = seal.first; place <= seal.last; place++) {
    const event = at(place + shift)
    if (event === undefined) return 'not'
    leaves.push(event.leaf)
  }
  const { root, marks } = sealRangeOf(position(seal.first), leaves, sha256)
  if (root !== seal.root) return 'not'
  return marks === seal.marks ? 'whole' : 'but for its marks'
}

/** Compares a range whose root does not fit. Where nothing stands is left to whoever walks the log. */
export function compareRange(seal: Seal, at: Standing, shift: number): Comparison {
  const expected = marksOf(seal)
  if (expected.length !== seal.last - seal.first + 1) {
    return { misfits: [unexplained(seal, 'and it does not have a mark for each of its events')], shift }
  }
  const events = expected.map((_, index) => at(seal.first + index + shift))
  const differing = expected.flatMap((mark, index) => {
    const leaf = events[index]?.leaf
    return leaf === undefined || leaf.startsWith(mark) ? [] : [index]
  })
  const positionOf = (index: number): number => seal.first + index + shift
  const isWhole = !events.includes(undefined)
  const [first] = differing
  const last = differing.at(-1)
  if (first === undefined || last === undefined) {
    return { misfits: isWhole ? [unexplained(seal, 'although each of its marks does')] : [], shift }
  }
  const marksThere = differing.map((index) => events[index]?.leaf.slice(0, 8) ?? '')
  const marksSealed = differing.map((index) => expected[index] ?? '')
  if (differing.length > 1 && isSameBag(marksThere, marksSealed)) {
    const range = `the events from ${positionOf(first)} to ${positionOf(last)} stand in another order`
    return { misfits: [{ code: 'EVENTS_REORDERED', position: positionOf(first), what: range }], shift }
  }
  const rest = (index: number): StandingEvent | undefined => at(positionOf(first + index))
  const move = isWhole ? findMove(expected.slice(first), rest) : undefined
  if (move === undefined) {
    return { misfits: shorten(differing.map((index) => changedAt(positionOf(index), events[index]))), shift }
  }
  return { misfits: [movedAt(positionOf(first), move, at)], shift: shift + move }
}

// By how many places the rest stands behind (positive) or before where it was sealed.
function findMove(expected: readonly string[], at: Standing): number | undefined {
  const moves = Array.from({ length: 2 * shiftMax }, (_, index) =>
    index % 2 === 0 ? index / 2 + 1 : -(index + 1) / 2,
  )
  return moves.find((move) => {
    const rest = move < 0 ? expected.slice(-move) : expected
    const from = Math.max(0, move)
    const fits = rest.every((mark, index) => at(from + index)?.leaf.startsWith(mark) === true)
    return fits && rest.length > 0
  })
}

function movedAt(position: number, move: number, at: Standing): Misfit {
  const count = Math.abs(move)
  const events = count === 1 ? 'an event' : `${count} events`
  if (move < 0) {
    const what = `${events} that stood here ${count === 1 ? 'is' : 'are'} gone, and later ones were moved up`
    return { code: 'EVENT_MISSING', position, what }
  }
  const name = at(position)?.name
  const what = `${events} stand here that ${count === 1 ? 'was' : 'were'} not sealed, before those that were`
  return { code: 'EVENT_INSERTED', position, what, ...(name === undefined ? {} : { event: name }) }
}

function changedAt(position: number, event: StandingEvent | undefined): Misfit {
  const what = 'the event, its metadata or its outcome was changed'
  return { code: 'EVENT_CHANGED', position, what, ...(event === undefined ? {} : { event: event.name }) }
}

function unexplained({ number, first, last }: Seal, although: string): Misfit {
  const what = `seal ${number} over ${first} to ${last} does not fit, ${although}`
  return { code: 'RANGE_CHANGED', position: first, what }
}

function shorten(misfits: readonly Misfit[]): readonly Misfit[] {
  const [next] = misfits.slice(namedMax)
  if (next === undefined) return misfits
  const what = `${next.what}, and so it is at ${misfits.length - namedMax - 1} further positions of its range`
  return [...misfits.slice(0, namedMax), { ...next, what }]
}

function isSameBag(some: readonly string[], others: readonly string[]): boolean {
  return some.toSorted().join('') === others.toSorted().join('')
}
