// The orders app as a host runs it: its context, and the sample on the first start.
import { app } from 'rampart/host'
import { orders } from './context.ts'
import { importSample } from './sample.ts'

export default app('orders', { contexts: [orders], onStart: importSample })
