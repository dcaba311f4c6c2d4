// A real OpenID Connect issuer on loopback, whose keys can be rotated and which can be down.
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'

/** An issuer that runs. */
export interface Issuer extends AsyncDisposable {
  readonly url: string
  readonly keysUrl: URL
  /** How often its keys were fetched. */
  readonly fetches: () => number
  /** A token for a client, who is its subject, by the grant of client credentials. */
  readonly tokenOf: (client: string) => Promise<string>
  /** Signs with this key alone from now on. */
  readonly rotate: (id: string, key: KeyObject, alg: string) => void
  /** What answers in its place; the issuer itself again when absent. */
  readonly replace: (listener?: RequestListener) => void
}

export const resource = 'https://shop.example'

/** A private key of a kind, with the algorithm that signs with it. */
export function keyOf(kind: 'RS256' | 'PS256' | 'ES256' | 'EdDSA'): KeyObject {
  if (kind === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  if (kind === 'EdDSA') return generateKeyPairSync('ed25519').privateKey
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
}

/** Starts an issuer. */
export async function startIssuer(id: string, key: KeyObject, alg: string): Promise<Issuer> {
  let answer: RequestListener = (_request, response) => response.end()
  let replacement: RequestListener | undefined
  let fetches = 0
  const server = createServer((request, response) => {
    if (request.url === '/jwks') fetches++
    const listener = replacement ?? answer
    listener(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A server that listens on a host and a port has an address of that form.
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const rotate: Issuer['rotate'] = (kid, signing, algorithm) => {
    const callback = providerOf(url, {
      ...signing.export({ format: 'jwk' }),
      kid,
      alg: algorithm,
      use: 'sig',
    })
    answer = (request, response) => void callback(request, response)
  }
  rotate(id, key, alg)
  return {
    url,
    keysUrl: new URL(`${url}/jwks`),
    fetches: () => fetches,
    tokenOf: (client) => fetchToken(url, client),
    rotate,
    replace: (listener) => {
      replacement = listener
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Tokens of this issuer are signed and need no memory; its own would warn that it forgets. */
class NothingKept {
  async find(): Promise<undefined> {}
  async upsert(): Promise<void> {}
}

function providerOf(url: string, key: Readonly<Record<string, unknown>>): ReturnType<Provider['callback']> {
  const clients = ['ada', 'bob', 'root'].map((id) => ({
    client_id: id,
    client_secret: `the secret of ${id}`,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  }))
  const provider = new Provider(url, {
    clients,
    jwks: { keys: [key] },
    clientDefaults: { id_token_signed_response_alg: key['alg'] },
    adapter: NothingKept,
    ttl: { ClientCredentials: 600 },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        getResourceServerInfo: () => ({
          scope: '',
          audience: resource,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: key['alg'] } },
        }),
      },
    },
    // Client credentials have no subject of their own; services often make the client one.
    extraTokenClaims: (_context: unknown, token: { readonly clientId: string }) => ({
      sub: token.clientId,
      roles: token.clientId === 'root' ? ['admin'] : [],
    }),
  })
  return provider.callback()
}

async function fetchToken(url: string, client: string): Promise<string> {
  const credentials = `${client}:${encodeURIComponent(`the secret of ${client}`)}`
  const response = await fetch(`${url}/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials',
  })
  const { access_token: token }: { readonly access_token?: string } = JSON.parse(await response.text())
  if (token === undefined) throw new Error(`The issuer answered ${response.status} without a token.`)
  return token
}
