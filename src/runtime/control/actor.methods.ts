import { SignalboxError } from '../../protocols/errors.ts'
import { actorTree } from './actor-tree.ts'
import { findActor, labelOf, labelsOf } from './find-actor.ts'
import type { Methods, Served } from './method.types.ts'
import { traceMethod } from './trace.method.ts'

type Interventions = 'actor.stop' | 'actor.restart' | 'actor.kill' | 'actor.suspend' | 'actor.resume'
type Names = 'tree.get' | 'actor.info' | 'trace.start' | Interventions | 'dead-letters.retry'

const notRunning = (name: string): SignalboxError =>
  new SignalboxError('ERR_ACTOR_NOT_FOUND', `"${name}" does not run now; see the tree`, { context: { name } })

/** The actors of the tree: looked at, traced, ended, restarted and suspended. */
export const actorMethods = (served: Served): Pick<Methods, Names> => {
  const { runtime } = served
  const { actors } = runtime
  const nameOf = async (word: string): Promise<string> => (await findActor(runtime, word)).name
  return {
    'tree.get': {
      async run({ name, depth = Number.POSITIVE_INFINITY }) {
        const under = name === undefined ? {} : { under: await nameOf(name) }
        const labels = await labelsOf(runtime)
        const tree = actorTree(actors.inspectAll(under), labels, depth)
        if (tree === undefined) throw notRunning(name ?? 'root')
        return { tree }
      },
    },
    'actor.info': {
      async run({ name: word }) {
        const found = await findActor(runtime, word)
        return { ...found, label: labelOf(found.name, await labelsOf(runtime)) }
      },
    },
    'trace.start': traceMethod(served),
    'actor.stop': { run: async ({ name }, { by }) => actors.stop(await nameOf(name), by) },
    'actor.restart': { run: async ({ name }, { by }) => actors.restart(await nameOf(name), by) },
    'actor.kill': { run: async ({ name }, { by }) => actors.kill(await nameOf(name), by) },
    'actor.suspend': { run: async ({ name }, { by }) => actors.suspend(await nameOf(name), by) },
    'actor.resume': { run: async ({ name }, { by }) => actors.resume(await nameOf(name), by) },
    'dead-letters.retry': { run: ({ letter }, { by }) => actors.retry(letter, by) },
  }
}
