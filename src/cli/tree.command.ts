import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import type { ControlClient } from '../client/client.ts'
import type { ActorNode } from '../protocols/control/views.ts'
import { SignalboxError } from '../protocols/errors.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, paintFor, printJson, printLines, safeWriter } from './io.ts'
import { orchestratorOf } from './orchestrator-of.ts'

export type TreeOptions = { readonly depth?: number; readonly watch?: boolean; readonly json?: boolean }

/** How often a tree that is watched is asked for. */
const LOOK_EACH_MS = 1_000
const WIDTH = 80
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = systemClock.setTimer(ms, resolve)
    signal.addEventListener('abort', () => {
      timer.cancel()
      resolve()
    })
  })

type Look = () => Promise<ActorNode>

const draw = async (look: Look, io: Io, signal: AbortSignal): Promise<void> => {
  const [{ startLive }, { renderActors }] = await Promise.all([import('./live.ts'), import('./render-actors.ts')])
  const paint = paintFor(io)
  let tree = await look()
  const { write } = safeWriter(io.out)
  const live = startLive({ out: io.out, write, clock: systemClock, render: (screen) => renderActors(tree, { ...screen, paint }) })
  try {
    for (;;) {
      await pause(LOOK_EACH_MS, signal)
      if (signal.aborted) return
      tree = await look()
    }
  } finally {
    live.stop()
  }
}

const tell = async (look: Look, io: Io, signal: AbortSignal): Promise<void> => {
  const out = safeWriter(io.out)
  while (!signal.aborted && !out.closed()) {
    out.write(`${JSON.stringify({ type: 'tree', tree: await look() })}\n`)
    await pause(LOOK_EACH_MS, signal)
  }
}

const watchTree = async (look: Look, asJson: boolean, io: Io): Promise<number> => {
  if (!asJson && io.out.isTTY !== true) {
    throw new SignalboxError('ERR_USAGE', '--watch draws on a terminal, and this is none; add --json for a line each second')
  }
  const ended = new AbortController()
  const end = (): void => ended.abort()
  for (const signal of SIGNALS) process.on(signal, end)
  try {
    await (asJson ? tell : draw)(look, io, ended.signal)
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, end)
  }
  return EXIT.ok
}

const lookWith =
  (client: ControlClient, name: string | undefined, depth: number | undefined): Look =>
  async () =>
    (await client.call('tree.get', { name, depth })).tree

/** Measuring text takes a package, which `--json` does without. */
const print = async (tree: ActorNode, io: Io): Promise<void> => {
  const { renderActors } = await import('./render-actors.ts')
  printLines(io, renderActors(tree, { width: io.out.columns ?? WIDTH, paint: paintFor(io) }))
}

/** `signalbox tree`: the supervision tree of the orchestrator, or a part of it. */
export const treeCommand = async (name: string | undefined, options: TreeOptions, io: Io): Promise<number> => {
  await using client = await orchestratorOf(io, 'tree')
  const look = lookWith(client, name, options.depth)
  if (options.watch === true) return await watchTree(look, options.json === true, io)
  const tree = await look()
  if (options.json === true) {
    printJson(io, { type: 'tree', tree })
    return EXIT.ok
  }
  await print(tree, io)
  return EXIT.ok
}
