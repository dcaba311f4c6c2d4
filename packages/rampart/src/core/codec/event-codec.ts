// Turns decided events into what a store keeps, and records back into events of today's shape.
import { choices } from '../choices.ts'
import { RampartError } from '../errors.ts'
import type { AnyEvents, DecidedEvent, Recorded } from '../events.ts'
import { copyAsStored, jsonFaults, type InputFault, type Json } from '../json.ts'
import type { EventRecord, FoldRecord, StreamFoldRecord } from '../ports/event-record.ts'
import type { NewEvent } from '../ports/event-store.ts'
import { validate } from './schema.ts'
import { upcast } from '../upcaster.ts'

/** An event ready to be appended, and its data as a later read will give it. */
export interface EncodedEvent {
  readonly stored: NewEvent
  readonly data: Json
}

const encoder = new TextEncoder()
/** Payloads share blocks, because a buffer costs more than the few hundred bytes that most of them have. */
const blockBytes = 64 * 1024
let block = new Uint8Array(0)
let blockUsed = 0
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Encodes an event by its definition. Throws `EVENT_TYPE_UNKNOWN` for a type that `source` lacks and
 * `EVENT_INVALID` for data that its schema refuses: nothing is recorded that could not be read.
 */
export function encodeEvent(source: AnyEvents, event: DecidedEvent): EncodedEvent {
  const definition = source.definitions[event.type]
  if (definition === undefined) {
    const known = choices(event.type, Object.keys(source.definitions), 'It has')
    const message = `${source.name} has no event ${event.type}. ${known}`
    throw new RampartError('EVENT_TYPE_UNKNOWN', message)
  }
  const faults = jsonFaults(event.data)
  if (faults.length > 0) throw invalidEvent(source, event, faults)
  const checked = validate<Json>(definition.schema, event.data)
  if ('faults' in checked) throw invalidEvent(source, event, checked.faults)
  const text = JSON.stringify(checked.value)
  // A fold over fresh events equals a fold over stored ones: -0 becomes 0, and members that are undefined are
  // gone.
  const data: Json = copyAsStored(checked.value) ?? JSON.parse(text)
  const tags = definition.tags?.(checked.value) ?? []
  return {
    stored: { type: event.type, schemaVersion: definition.version, payload: bytesOf(text), tags },
    data,
  }
}

function bytesOf(text: string): Uint8Array {
  const bytesMax = text.length * 3
  if (bytesMax > blockBytes / 8) return encoder.encode(text)
  if (block.length - blockUsed < bytesMax) {
    block = new Uint8Array(blockBytes)
    blockUsed = 0
  }
  const begin = blockUsed
  blockUsed += encoder.encodeInto(text, block.subarray(begin)).written
  return block.subarray(begin, blockUsed)
}

function invalidEvent(source: AnyEvents, event: DecidedEvent, faults: readonly InputFault[]): RampartError {
  const [first] = faults
  const where = first === undefined ? '' : `: ${first.pointer || 'its data'}: ${first.detail}`
  const message = `The event ${event.type} of ${source.name} does not fit its schema${where}.`
  return new RampartError('EVENT_INVALID', message, { details: { faults } })
}

/**
 * Decodes a record by its definition, upcasting older versions. Throws `EVENT_TYPE_UNKNOWN` or
 * `UPCAST_FAILED`, and `EVENT_INVALID` for a payload that is not JSON.
 */
export function decodeEvent(source: AnyEvents, record: EventRecord | FoldRecord): Recorded {
  return {
    type: record.type,
    data: decodeData(source, record, placeOf),
    id: record.streamId,
    version: record.version,
    position: record.position,
    recordedAt: isoTime(record.recordedAtMs),
  }
}

/**
 * The data of a record alone, in today's shape; `whereOf` says in messages where the event stands. Throws as
 * `decodeEvent` does.
 */
export function decodeData<Stored extends EventRecord | StreamFoldRecord>(
  source: AnyEvents,
  record: Stored,
  whereOf: (record: Stored) => string,
): Json {
  const definition = source.definitions[record.type]
  if (definition === undefined) {
    const known = choices(record.type, Object.keys(source.definitions), 'It has')
    const message =
      `${source.name} has no event ${record.type}, which ${whereOf(record)} holds. ` +
      `${known} Define every event that was recorded.`
    throw new RampartError('EVENT_TYPE_UNKNOWN', message)
  }
  const data = parse(record, whereOf)
  if (record.schemaVersion === definition.version) return data
  return upcast({
    type: record.type,
    data,
    from: record.schemaVersion,
    to: definition.version,
    steps: definition.upcast ?? {},
  })
}

/** The JSON of a record's payload, as it was recorded. Throws `EVENT_INVALID` when it is not JSON. */
export function parsePayload(record: EventRecord | FoldRecord): Json {
  return parse(record, placeOf)
}

function parse<Stored extends EventRecord | StreamFoldRecord>(
  record: Stored,
  whereOf: (record: Stored) => string,
): Json {
  try {
    return JSON.parse('text' in record ? record.text : decoder.decode(record.payload))
  } catch (cause) {
    const message = `The payload of the event at ${whereOf(record)} is not JSON.`
    throw new RampartError('EVENT_INVALID', message, { cause })
  }
}

function placeOf({ position }: EventRecord | FoldRecord): string {
  return `position ${position}`
}

let lastTimeMs = Number.NaN
let lastTime = ''

/** A time as ISO 8601 in UTC. Events of one commit share their time, so the last answer is kept. */
export function isoTime(unixMs: number): string {
  if (unixMs !== lastTimeMs) {
    lastTime = new Date(unixMs).toISOString()
    lastTimeMs = unixMs
  }
  return lastTime
}
