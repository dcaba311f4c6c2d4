// Turns rows of events into records: names for numbers, and what NULL stands for.
import type { DatabaseSync } from 'node:sqlite'
import type { StreamId, StreamVersion } from '../core/codec/index.ts'
import type { EventRecord } from '../core/ports/index.ts'
import { contentTypeAt, originAt, tagsAt } from '../core/rows/index.ts'
import { createGenerations } from './generations.ts'
import { commandIdOf, positionOf } from './places.ts'
import { numberAt, prepareQuery, textAt, textOrNullAt, type Row } from './rows.ts'

interface StreamName {
  readonly decider: string
  readonly id: StreamId
}

/** Turns a row of `select-event` and its payload into a record. */
export type RecordDecoder = (row: Row, payload: Uint8Array) => EventRecord

const namesCached = 50_000

/** Names that stand in rows as numbers. */
export interface Names {
  readonly typeOf: (number: number) => string
  readonly streamOf: (number: number) => StreamName
}

/** Prepares the look-up of names on a connection, from which it reads each once. */
export function createNames(database: DatabaseSync): Names {
  const findType = prepareQuery(database, 'SELECT name FROM event_types WHERE number = ?')
  const findName = prepareQuery(database, 'SELECT decider, id FROM streams WHERE number = ?')
  return {
    typeOf: remember((number) => textAt(findType.get(number) ?? [], 0)),
    streamOf: remember((number): StreamName => {
      const row = findName.get(number) ?? []
      // Ids were checked when they were appended.
      return { decider: textAt(row, 0), id: textAt(row, 1) as StreamId }
    }),
  }
}

/** Prepares the decoder on a connection. */
export function createDecoder(database: DatabaseSync): RecordDecoder {
  const { typeOf, streamOf } = createNames(database)
  return (row, payload) => {
    const stream = streamOf(numberAt(row, 1))
    const commandId = commandIdOf(textAt(row, 8))
    return {
      position: positionOf(numberAt(row, 0)),
      decider: stream.decider,
      streamId: stream.id,
      // Stored versions are whole numbers.
      version: numberAt(row, 2) as StreamVersion,
      type: typeOf(numberAt(row, 3)),
      schemaVersion: numberAt(row, 4),
      appendId: textAt(row, 5),
      appendIndex: numberAt(row, 6),
      commandId,
      contentType: contentTypeAt(row, 9),
      payload,
      tags: tagsAt(row, 10),
      correlationId: originAt(row, 11, commandId),
      causationId: originAt(row, 12, commandId),
      actor: textOrNullAt(row, 13),
      dataSubjectId: textOrNullAt(row, 14),
      keyId: textOrNullAt(row, 15),
      recordedAtMs: numberAt(row, 7),
    }
  }
}

function remember<Value>(find: (number: number) => Value): (number: number) => Value {
  const known = createGenerations<number, Value>(namesCached)
  return (number) => {
    const value = known.get(number)
    if (value !== undefined) return value
    const found = find(number)
    known.set(number, found)
    return found
  }
}
