// The write side: handles the commands of a bounded context on its log.
export { createCommandService } from './create-command-service.ts'
export { verifyStates } from './verify-states.ts'
export type { CommandObserver } from './create-command-service.ts'
export type { VerifiedStates } from './verify-states.ts'
export type {
  CommandService,
  CommandStatus,
  DecideInPlace,
  FailedCommand,
  Feedback,
  FinalCommand,
  ReceivedCommand,
  RefusedCommand,
  SentCommand,
  SucceededCommand,
  TransactionAsk,
} from './command-service.ts'
