import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import type { ControlClient } from '../client/client.ts'
import type { ActorNode } from '../protocols/control/views.ts'
import { SignalboxError } from '../protocols/errors.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, jsonLine, paintFor, printJson, printLines, safeWriter } from './io.ts'
import { orchestratorOf } from './orchestrator-client.ts'
import { pauseFor, untilSignal } from './until-signal.ts'

export type TreeOptions = { readonly depth?: number; readonly watch?: boolean; readonly json?: boolean }

/** How often a tree that is watched is asked for. */
const LOOK_EACH_MS = 1_000
type Look = () => Promise<ActorNode>

const draw = async (look: Look, io: Io, signal: AbortSignal): Promise<void> => {
  const [{ screenOf, startLive }, { renderActors }] = await Promise.all([import('./live.ts'), import('./render-actors.ts')])
  const paint = paintFor(io)
  let tree = await look()
  const { write } = safeWriter(io.out)
  const live = startLive({ out: io.out, write, clock: systemClock, render: (screen) => renderActors(tree, { ...screen, paint }) })
  try {
    for (;;) {
      await pauseFor(systemClock, LOOK_EACH_MS, signal)
      if (signal.aborted) break
      tree = await look()
    }
  } finally {
    live.stop()
  }
  // what was seen last stays
  printLines(io, renderActors(tree, { ...screenOf(io.out), paint }))
}

const tell = async (look: Look, io: Io, signal: AbortSignal): Promise<void> => {
  const out = safeWriter(io.out)
  while (!signal.aborted && !out.closed()) {
    out.write(jsonLine({ type: 'tree', tree: await look() }))
    await pauseFor(systemClock, LOOK_EACH_MS, signal)
  }
}

const watchTree = async (look: Look, asJson: boolean, io: Io): Promise<number> => {
  if (!asJson && io.out.isTTY !== true) {
    throw new SignalboxError('ERR_USAGE', '--watch draws on a terminal, and this is none; add --json for a line each second')
  }
  await untilSignal((signal) => (asJson ? tell : draw)(look, io, signal))
  return EXIT.ok
}

const lookWith =
  (client: ControlClient, name: string | undefined, depth: number | undefined): Look =>
  async () =>
    (await client.call('tree.get', { name, depth })).tree

/** Measuring text takes a package, which `--json` does without. */
const print = async (tree: ActorNode, io: Io): Promise<void> => {
  const [{ screenOf }, { renderActors }] = await Promise.all([import('./live.ts'), import('./render-actors.ts')])
  printLines(io, renderActors(tree, { width: screenOf(io.out).width, paint: paintFor(io) }))
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
