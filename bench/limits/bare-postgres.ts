// The limit of a store on PostgreSQL: the rows that the store would write, grouped into transactions under
// the log's lock and refused by the unique index of streams and versions; no command ids, no outcomes.
import { Client } from 'pg'

/** A loop that groups the appends of its callers. */
export interface BareLoop extends AsyncDisposable {
  /** Resolves once the row is durable, together with those of everyone who waits at the same moment. */
  readonly append: (stream: string, version: number, payload: Uint8Array) => Promise<void>
}

interface Row {
  readonly stream: string
  readonly version: number
  readonly payload: Uint8Array
  readonly answer: PromiseWithResolvers<void>
}

const groupMax = 1000

// The settings of the store's own writer, and the tables that it has made.
const options = '-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off'
const functions = `
  INSERT INTO rampart_write.event_types (name) VALUES ('MoneyDeposited');
  CREATE FUNCTION bare_append(
    p_ids text[], p_versions integer[], p_append_ids text[], p_payloads bytea[]
  ) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    head bigint;
  BEGIN
    PERFORM pg_advisory_xact_lock(7);
    -- The plan is made while the log is empty: \`max\` would read all of it ever after.
    SELECT position INTO head FROM rampart_write.events WHERE log = 1 ORDER BY position DESC LIMIT 1;
    head := coalesce(head, 0);
    INSERT INTO rampart_write.streams (log, decider, id)
    SELECT 1, 'account', g.id FROM unnest(p_ids, p_versions) AS g (id, version) WHERE g.version = 1;
    INSERT INTO rampart_write.events (
      position, stream, recorded_at_ms, log, version, type, schema_version, append_index, append_id, payload
    )
    SELECT head + g.i, (
        SELECT s.number FROM rampart_write.streams AS s
        WHERE s.log = 1 AND s.decider = 'account' AND s.id = g.id
      ), 0, 1, g.version, 1, 1, 0, g.append_id, g.payload
    FROM unnest(p_ids, p_versions, p_append_ids, p_payloads) WITH ORDINALITY
      AS g (id, version, append_id, payload, i);
  END $$;
`

/** Opens the loop on a database whose tables the store has made and left empty. */
export async function openBareLoop(url: string): Promise<BareLoop> {
  const client = new Client({ connectionString: url, options })
  await client.connect()
  await client.query(functions)
  let waiting: Row[] = []
  let isBusy = false
  let appends = 0
  const send = async (group: readonly Row[]): Promise<void> => {
    const ids = group.map(() => `ohsmflbhd3k-${(++appends).toString(36)}`)
    const values = [group.map(({ stream }) => stream), group.map(({ version }) => version), ids]
    const payloads = group.map(({ payload }) => payload)
    const text = 'SELECT bare_append($1, $2, $3, $4)'
    await client.query({ name: 'append', text, values: [...values, payloads] })
  }
  const flush = async (): Promise<void> => {
    isBusy = true
    while (waiting.length > 0) {
      const group = waiting.slice(0, groupMax)
      waiting = waiting.slice(groupMax)
      // oxlint-disable-next-line no-await-in-loop -- one group is in flight at a time
      const fault = await send(group).catch((error: unknown) => error)
      for (const { answer } of group) {
        if (fault === undefined) answer.resolve()
        else answer.reject(fault)
      }
    }
    isBusy = false
  }
  return {
    append(stream, version, payload) {
      const answer = Promise.withResolvers<void>()
      waiting.push({ stream, version, payload, answer })
      if (!isBusy && waiting.length === 1) setImmediate(() => void flush())
      return answer.promise
    },
    [Symbol.asyncDispose]: () => client.end(),
  }
}
