import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import type { ChildSpec, SupervisorSpec } from '../../../src/kernel/child-spec.ts'
import { type ActorContext, type Handler, named } from '../../../src/kernel/types.ts'
import { laneName } from '../../../src/actors/names.ts'
import type { LaneId } from '../../../src/protocols/ids.ts'
import type { WhyAnswer } from '../../../src/protocols/why.ts'
import { gitTestEnv, makeRepo } from '../../helpers/git-repo.ts'
import { lasting, noted, until } from '../run/run-kit.ts'
import { expectOnPage } from './page.ts'
import { makeWhyWorld, type WhyWorld } from './why-kit.ts'

type Anything = Record<string, { message: object }>
type Planted = { readonly ctx: ActorContext<Anything>; hang(): void; release(): void }

let world: WhyWorld | null = null
let lanes: Planted[] = []
afterEach(async () => {
  for (const lane of lanes) lane.release()
  await world?.end()
  lanes = []
})

/** Actors of lanes that hang when they are told to. */
const withHanging = (spec: SupervisorSpec): SupervisorSpec => {
  const around = (child: ChildSpec): ChildSpec => {
    if (child.type === 'supervisor') return { ...child, ...(child.children !== undefined && { children: child.children.map(around) }) }
    const { kind, init, on } = child.definition
    if (kind !== 'lane') return child
    const { promise, resolve } = Promise.withResolvers<void>()
    const hang: Handler<Anything, unknown, string> = async (_ctx, state) => {
      await promise
      return state
    }
    const definition: typeof child.definition = {
      ...child.definition,
      init: (ctx, args) => {
        lanes.push({ ctx, hang: () => ctx.tell(ctx.self, 'lane.inspect-worktree', {}), release: resolve })
        return init(ctx, args)
      },
      on: { ...on, 'lane.inspect-worktree': hang },
    }
    return { ...child, definition }
  }
  return around(spec) as SupervisorSpec
}

/** A world in which a lane runs. @returns the id of the lane */
const begin = async (): Promise<LaneId> => {
  world = await makeWhyWorld({ decorators: { tree: withHanging } })
  const { runtime } = world
  const run = await world.start({ keep: 'never', lanes: { parser: { commands: [{ name: 'server', graceMs: 0, run: lasting('up') }] } } })
  await noted(world, 'up')
  await until('its lane knows that it runs', () => run.view().lanes[0]?.commands[0]?.state === 'active')
  const id = run.view().lanes[0]?.id ?? 'ln_'
  // What follows its start is handled too.
  await until('its lane rests', () => runtime.inspect(laneName(id))?.handling === null)
  return id
}

describe('why, of signalbox itself', () => {
  it('of a lane that hangs: which part, at what, since when, and when it is given up [SUP-9]', async () => {
    await begin()
    lanes[0]?.hang()
    const answer = await world?.askUntil('parser', 'stuck')
    expect((answer?.next?.at ?? 0) - (answer?.since ?? 0)).toBe(60_000)
    expect(await world?.said('hung-handler', 'parser', answer)).toMatch(
      /\(lane:ln_\w+\) has been at work on one message \(lane\.inspect-worktree/u,
    )
  })

  it('of an actor whose mailbox is full: how full, and what keeps it busy [SUP-9]', async () => {
    const name = laneName(await begin())
    lanes[0]?.hang()
    await until('it hangs', () => world?.runtime.inspect(name)?.handling !== null)
    for (let count = 0; count < 10_003; count += 1) lanes[0]?.ctx.tell(named<Anything>(name), 'lane.stop', { by: 'nobody' })
    const answer = await world?.askUntil(name, 'stuck')
    expect(await world?.said('full-mailbox', name, answer)).toMatch(
      /mailbox is full: 10000 messages wait, and it takes no more \(3 refused so far\)/u,
    )
    lanes[0]?.release()
  })

  it('of a machine that refused an event: which event, in which state [SUP-9]', async () => {
    const name = laneName(await begin())
    lanes[0]?.ctx.tell(named<Anything>(name), '$provisioned', { worktree: { path: '/w', branch: 'b', baseCommit: '' } })
    await until('it was restarted', () => lanes.length === 2 && world?.runtime.inspect(name)?.state === 'running')
    await until('its crash is filed', async () => (await world?.ask(name))?.dossier?.decision != null)
    await until('it rests', () => world?.runtime.inspect(name)?.handling === null)
    expect(await world?.said('refused-transition', name)).toMatch(/restarted once.*state "running" cannot take "provisioned"/u)
  })

  it('of a message to what had ended: which, and that it was lost [SUP-9]', async () => {
    const name = laneName(await begin())
    const ctx = lanes[0]?.ctx
    const other = await world?.start({ keep: 'never', lanes: { docs: { commands: ['true'] } } })
    const ended = laneName(other?.view().lanes[0]?.id ?? 'ln_')
    await other?.finished
    ctx?.tell(named<Anything>(ended), 'lane.stop', { by: 'ada' })
    expect(name).not.toBe(ended)
    expect(await world?.said('dead-letter', ended)).toContain('Lost: 1 message (lane.stop) found nobody: it did not run.')
  })

  it('of a disk that is full: which, while it is and afterwards [SUP-9]', async (ctx) => {
    if (spawnSync('unshare', ['-m', 'true']).status !== 0) return ctx.skip('needs root, for a file system of its own')
    const repo = await makeRepo({ name: 'shop' })
    const state = await mkdtemp(join(tmpdir(), 'signalbox-full-'))
    try {
      const script = join(import.meta.dirname, 'fixtures/full-disk.ts')
      const mounted = 'mount -t tmpfs -o size=2m tmpfs "$3" && exec "$0" "$@"'
      const { stdout } = await promisify(execFile)('unshare', ['-m', 'sh', '-c', mounted, process.execPath, script, repo.root, state], {
        env: gitTestEnv(),
      })
      type Said = { bavail: number; failure: string; full: string; later: WhyAnswer; stateDirectory: string }
      const { bavail, failure, full, later, stateDirectory } = JSON.parse(stdout) as Said
      expect({ bavail, failure }).toEqual({ bavail: 0, failure: 'ERR_DISK_FULL' })
      expect(full).toMatch(/signalbox\.db.*: the disk is full; free space/u)
      expect(later.summary).toMatch(/could record nothing any more and ended all that it ran: .*signalbox\.db: the disk is full/u)
      expectOnPage('disk-full', 'parser', later, { root: repo.root, stateDirectory })
    } finally {
      await rm(state, { recursive: true, force: true })
      await repo.cleanup()
    }
  })
})
