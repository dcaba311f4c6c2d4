// Calls the /admin of a running server for the commands of the command line that operate it.
import { InvalidArgumentError } from 'commander'
import { RampartError } from '../core/index.ts'

/** Where the server is. */
export interface ServerOptions {
  /** The address of the app: with its prefix, where it has one. */
  readonly url: string
}

/** Where a server listens unless it is told otherwise. */
export const defaultUrl = 'http://127.0.0.1:3000'

/** The address that an option names. */
export function addressOf(text: string): string {
  if (URL.canParse(text) && /^https?:/.test(text)) return text
  throw new InvalidArgumentError('It takes an address like http://127.0.0.1:3000/orders.')
}

/** Sends a request and gives the JSON of a success. Throws `INPUT_INVALID` with what the server said. */
export async function callAdmin(
  { url }: ServerOptions,
  path: string,
  body?: object,
): Promise<Readonly<Record<string, unknown>>> {
  const address = `${url.replace(/\/+$/, '')}/admin/${path}`
  const response = await send(address, body)
  const text = await response.text()
  const answer = parsed(text)
  if (response.ok && answer !== undefined) return answer
  const detail = typeof answer?.['detail'] === 'string' ? answer['detail'] : text.slice(0, 200)
  throw new RampartError('INPUT_INVALID', `${address} answered ${response.status}: ${detail}`)
}

async function send(address: string, body: object | undefined): Promise<Response> {
  const token = process.env['RAMPART_TOKEN']
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  }
  try {
    return await fetch(
      address,
      body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) },
    )
  } catch (cause) {
    const message = `No server answers at ${address}. Start it, or name it: --url http://127.0.0.1:3000.`
    throw new RampartError('INPUT_INVALID', message, { cause })
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    // An answer that is no JSON comes from something else than a server of ours, and is shown as it is.
    return undefined
  }
}
