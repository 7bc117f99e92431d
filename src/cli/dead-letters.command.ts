import { EXIT } from './exit-codes.ts'
import { type Io, printJson, printLines } from './io.ts'
import { orchestratorOf } from './orchestrator-client.ts'

export type DeadLettersOptions = {
  /** Number of the one that is sent again. */
  readonly retry?: number
  readonly json?: boolean
}

/** `signalbox dead-letters`: messages between actors that nobody took, the oldest first; or one of them is sent again. */
export const deadLettersCommand = async ({ retry, json }: DeadLettersOptions, io: Io): Promise<number> => {
  await using client = await orchestratorOf(io, 'dead-letters')
  if (retry !== undefined) {
    const sentTo = await client.call('dead-letters.retry', { letter: retry })
    if (json === true) printJson(io, { type: 'retry', letter: retry, ...sentTo })
    else printLines(io, [`sent again: ${retry} to ${sentTo.name}$${sentTo.incarnation}`])
    return EXIT.ok
  }
  const { letters } = await client.call('dead-letters.list', {})
  if (json === true) printJson(io, { type: 'dead-letters', letters })
  else if (letters.length === 0) printLines(io, ['no dead letters'])
  else printLines(io, letters.map((await import('./render-info.ts')).renderLetter))
  return EXIT.ok
}
