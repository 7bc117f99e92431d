import type { ControlClient } from '../client/client.ts'
import { isSignalboxError, SignalboxError } from '../protocols/errors.ts'
import { nearest } from '../protocols/suggest.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, paintFor, printJson, printLines } from './io.ts'
import { dot, mermaid } from './machine-diagram.ts'
import { type Graph, graphOf, LANE, PTY } from './machine-walk.ts'
import { orchestratorOf } from './orchestrator-client.ts'
import { renderMachine } from './render-machine.ts'

export type MachineOptions = { readonly mermaid?: boolean; readonly svg?: boolean; readonly json?: boolean }

const MACHINES = ['lane', 'pty'] as const
type MachineName = (typeof MACHINES)[number]

/** An actor that keeps a machine, and where that stands. */
type Present = { readonly machine: MachineName; readonly actor: string; readonly state: string }

const graph = (name: MachineName): Graph => (name === 'lane' ? graphOf(LANE) : graphOf(PTY))

/** Actors are named by what they are for: `pty:tm_…`; the supervisor of a lane or terminal stands for it. */
const present = async (client: ControlClient, word: string): Promise<Present> => {
  const { name, incarnation } = await client.call('actor.info', { name: word }).catch((error: unknown) => {
    const meant = nearest(word, MACHINES)
    if (meant === undefined || !isSignalboxError(error, 'ERR_ACTOR_NOT_FOUND')) throw error
    throw new SignalboxError('ERR_ACTOR_NOT_FOUND', `no machine and no actor "${word}"; did you mean "${meant}"?`, {
      context: { name: word },
    })
  })
  const [kind, id = ''] = name.split(':')
  const actor = `${name}$${incarnation}`
  if (kind === 'lane' || kind === 'lane-tree')
    return { machine: 'lane', actor, state: (await client.call('lane.get', { lane: id })).lane.state }
  if (kind === 'pty' || kind === 'terminal') {
    return { machine: 'pty', actor, state: (await client.call('terminal.get', { terminal: id })).terminal.state }
  }
  throw new SignalboxError('ERR_USAGE', `${actor} keeps no state machine; actors of lanes and terminals do`, { context: { actor } })
}

/** Graphviz is loaded where somebody wants a picture. */
const svgOf = async (graphviz: string): Promise<string> => {
  const { instance } = await import('@viz-js/viz')
  return (await instance()).renderString(graphviz, { format: 'svg' }).trimEnd()
}

/** `signalbox machine`: a state machine, or that of an actor with its present state. */
export const machineCommand = async (word: string, options: MachineOptions, io: Io): Promise<number> => {
  const known = MACHINES.find((name) => name === word)
  let now: Present | null = null
  if (known === undefined) {
    await using client = await orchestratorOf(io, 'machine')
    now = await present(client, word)
  }
  const machine = now?.machine ?? known ?? 'lane'
  const { initial, states, edges, moves } = graph(machine)
  const state = now?.state ?? null
  if (options.mermaid === true) printLines(io, [mermaid(initial, edges, state ?? undefined)])
  else if (options.svg === true) printLines(io, [await svgOf(dot(initial, edges, state ?? undefined))])
  else if (options.json === true) printJson(io, { type: 'machine', machine, actor: now?.actor ?? null, state, initial, states, moves })
  else printLines(io, renderMachine(machine, { initial, states, moves }, now, paintFor(io)))
  return EXIT.ok
}
