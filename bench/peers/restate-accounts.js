// The accounts of the benchmarks as a virtual object of Restate: a key is a stream, and its state is kept by
// the server. Prints its address. JavaScript, because its packages are not there when the workspace is checked.
import { createServer } from 'node:http2'
import { createEndpointHandler, object } from '@restatedev/restate-sdk'

const account = object({
  name: 'account',
  handlers: {
    async Deposit(context, { cents }) {
      const before = (await context.get('account')) ?? { cents: 0, version: 0 }
      const after = { cents: before.cents + cents, version: before.version + 1 }
      context.set('account', after)
      return { status: 'succeeded', streamId: context.key, version: after.version }
    },
  },
})

const server = createServer(createEndpointHandler({ services: [account] }))
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
process.once('SIGTERM', () => process.exit(0))
