import { createInterface } from 'node:readline/promises'
import { SignalboxError } from '../protocols/errors.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, printJson, printLines } from './io.ts'
import { orchestratorOf } from './orchestrator-client.ts'

export type InterveneOptions = { readonly yes?: boolean; readonly json?: boolean }
export type Intervention = 'stop' | 'restart' | 'kill' | 'suspend' | 'resume'

const DONE = { stop: 'stopped', restart: 'restarted, now', kill: 'killed', suspend: 'suspended', resume: 'resumed' } as const

const askedYes = async (question: string, io: Io): Promise<boolean> => {
  const lines = createInterface({ input: process.stdin, output: io.err })
  try {
    return /^y(?:es)?$/iu.test((await lines.question(question)).trim())
  } finally {
    lines.close()
  }
}

/** `signalbox stop`, `restart`, `kill`, `suspend` and `resume`: of one actor of the tree, and all below it. */
export const interveneCommand = async (what: Intervention, word: string, options: InterveneOptions, io: Io): Promise<number> => {
  await using client = await orchestratorOf(io, what)
  // what is asked about is what is killed
  const { name } = await client.call('actor.info', { name: word })
  if (what === 'kill' && options.yes !== true) {
    if (!process.stdin.isTTY || io.err.isTTY !== true) {
      throw new SignalboxError('ERR_USAGE', `nobody can be asked whether to kill ${name}; give --yes`)
    }
    if (!(await askedYes(`kill ${name} and all below it, without its shutdown? [y/N] `, io))) {
      printLines(io, ['nothing was done'])
      return EXIT.failed
    }
  }
  const done = await client.call(`actor.${what}`, { name })
  if (options.json === true) printJson(io, { type: what, ...done })
  else printLines(io, [`${DONE[what]}: ${done.name}$${done.incarnation}`])
  return EXIT.ok
}
