// The write side: handles the commands of a bounded context on its log.
export { createCommandService } from './create-command-service.ts'
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
