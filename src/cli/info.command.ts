import { EXIT } from './exit-codes.ts'
import { type Io, printJson, printLines } from './io.ts'
import { orchestratorOf } from './orchestrator-client.ts'

export type InfoOptions = { readonly json?: boolean }

/** `signalbox info`: all that is known of one actor. */
export const infoCommand = async (name: string, { json }: InfoOptions, io: Io): Promise<number> => {
  await using client = await orchestratorOf(io, 'info')
  const info = await client.call('actor.info', { name })
  if (json === true) printJson(io, { type: 'info', ...info })
  else printLines(io, (await import('./render-info.ts')).renderInfo(info))
  return EXIT.ok
}
