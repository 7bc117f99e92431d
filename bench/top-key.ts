import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { type IPty, spawn } from 'node-pty'
import { connect } from '../src/client/index.ts'
import type { Case, Samples } from './harness.ts'

const root = join(import.meta.dirname, '..')
const bin = join(root, 'bin/signalbox.js')
const KEYS = 20
/** Terminals that sleep, with the two actors of each and the rest of the tree some 300. */
const SLEEPERS = 125
/** Commands that crash, and are started again each 100 ms. */
const CRASHING = 10
const [COLUMNS, ROWS] = [200, 50]
/** Stands behind what is sorted by, and is drawn again with it: only what changes is drawn. */
const SORTED = '   1–'

/** Echoes each key, as plainly as Node can. */
const ECHO = `process.stdin.setRawMode(true).on('data', (key) => process.stdout.write('key ' + key + '\\r\\n')); console.log('ready')`

type Place = { readonly cwd: string; readonly env: NodeJS.ProcessEnv }

/** Somebody at a terminal of 200 × 50. */
const seat = (argv: readonly string[], where: Place) => {
  const [program = '', ...args] = argv
  const pty: IPty = spawn(program, args, { ...where, cols: COLUMNS, rows: ROWS, name: 'xterm-256color' })
  let seen = ''
  let told = (): void => {}
  pty.onData((data) => {
    seen += stripVTControlCharacters(data)
    told()
  })
  return {
    shows: (text: string): Promise<void> =>
      new Promise((resolve) => {
        told = () => {
          if (seen.includes(text)) resolve()
        }
        told()
      }),
    type: (key: string): void => {
      seen = ''
      pty.write(key)
    },
    close: (): void => pty.kill(),
  }
}

/** ms from a key to what it changes on the screen. */
const keys = async (of: ReturnType<typeof seat>, key: string, shown: string): Promise<Samples> => {
  const samples: number[] = []
  for (let index = 0; index < KEYS; index += 1) {
    const began = performance.now()
    of.type(key)
    await of.shows(shown)
    samples.push(performance.now() - began)
  }
  return samples
}

/** Some 300 actors, ten of which crash again and again, and somebody who looks at them with `top`. */
const storm = async (socket: string, there: Place): Promise<ReturnType<typeof seat>> => {
  await using client = await connect(socket)
  await client.call('lane.create', { name: 'sleeping' })
  for (let count = 0; count < SLEEPERS; count += 1) {
    await client.call('terminal.spawn', { lane: 'sleeping', name: `sleep-${count}`, command: ['sleep', '100000'] })
  }
  const crashing = Array.from({ length: CRASHING }, (_, index) => ({
    name: `crash-${index}`,
    run: 'exit 3',
    restart: 'permanent',
    intensity: { restarts: 1_000_000, withinMs: 60_000 },
    backoff: { minMs: 100, maxMs: 100 },
  }))
  const plan = { keep: 'never', lanes: Object.fromEntries(crashing.map((one) => [one.name, { commands: [one] }])), parallel: CRASHING }
  await client.call('runs.start', { plan })
  const top = seat([process.execPath, bin, 'top'], there)
  await top.shows('sort: tree')
  return top
}

/**
 * A key of `top` in a storm, which begins with the first round, beside a key of a program that echoes it.
 * @param socket of an orchestrator that runs
 */
export const topKey = (socket: string, there: Place): { readonly one: Case; readonly close: () => Promise<void> } => {
  const echo = seat([process.execPath, '-e', ECHO], there)
  let top: ReturnType<typeof storm> | null = null
  return {
    one: {
      name: 'top-key',
      unit: 'ms',
      better: 'lower',
      rounds: 5,
      ours: async () => keys(await (top ??= storm(socket, there)), 's', SORTED),
      baseline: () => keys(echo, 'x', 'key x'),
    },
    close: async () => {
      echo.close()
      const opened = await top
      opened?.close()
    },
  }
}
