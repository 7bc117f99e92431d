import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SupervisorSpec } from '../../../src/kernel/child-spec.ts'
import { type FiledDossier, openInspection } from '../../../src/runtime/inspection.ts'
import { commandOf, makeWorld, type World } from './run-kit.ts'

/** Makes the handler of a lane's actor fail once a command is running. */
const failingLane = (spec: SupervisorSpec): SupervisorSpec => ({
  ...spec,
  children: (spec.children ?? []).map((child) => {
    if (child.type !== 'worker' || child.definition.kind !== 'lane') return child
    const on = {
      ...child.definition.on,
      $terminalStarted: () => {
        throw new Error('planted')
      },
    }
    return { ...child, definition: { ...child.definition, on } }
  }),
})

let world: World
const begin = async (options: Parameters<typeof makeWorld>[0] = {}): Promise<void> =>
  void (world = await makeWorld({ name: 'my répo', ...options }))
beforeEach(() => void (world = undefined as never))
afterEach(() => world.end())

/** After everything is written. */
const crashes = async (): Promise<readonly FiledDossier[]> => {
  await world.runtime.close()
  const inspection = await openInspection({ workspace: world.repo.root, stateHome: world.stateHome })
  try {
    return await inspection.crashes()
  } finally {
    await inspection.close()
  }
}

describe('a crash on record', () => {
  it('of a command says how it ended, what it said last and what was decided, without secrets [SUP-9]', async () => {
    await begin({ env: { OUTER_SECRET: 'outer-value-1234' } })
    const run = `echo "starting with API_TOKEN=abcdefgh"; echo "could not go on"; sleep 0.1; exit 3`
    const command = { name: 'c', run, restart: 'transient', env: { MY_PASSWORD: 'inner-value-1234' }, backoff: { minMs: 1, maxMs: 1 } }
    await world.runtime.run({ keep: 'never', lanes: { a: { commands: [command, 'true'] } } })
    const found = await crashes()
    expect(found.map(({ decision, process }) => [decision?.decision, process?.attempt])).toEqual([
      ['restart', 1],
      ['escalate', 2],
    ])
    expect(found[0]).toMatchObject({
      lane: 'a',
      command: 'c',
      actor: { kind: 'pty', incarnation: 1 },
      exit: { reason: 'crashed', error: { message: 'exit code 3' } },
      process: { exitCode: 3, lastLines: ['starting with API_TOKEN=[masked]', 'could not go on'], finding: { class: 'failure' } },
      state: { record: { command: 'c' } },
    })
    expect(found[0]?.resources.orchestrator?.rssBytes).toBeGreaterThan(0)
    const text = readFileSync(found[0]?.file ?? '', 'utf8')
    for (const secret of ['outer-value-1234', 'inner-value-1234', 'abcdefgh']) expect(text).not.toContain(secret)
  })

  it('of an actor says what it was handling and its state [SUP-9]', async () => {
    await begin({ decorators: { tree: failingLane } })
    // Its command goes on, and is adopted by the next incarnation.
    const summary = await world.runtime.run({ keep: 'never', lanes: { a: { commands: [{ name: 'c', run: 'true' }] } } })
    expect(summary.ok).toBe(true)
    const [crash] = (await crashes()).filter(({ actor }) => actor.kind === 'lane')
    expect(crash).toMatchObject({
      lane: 'a',
      exit: { reason: 'crashed', error: { message: 'planted' } },
      handling: { type: '$terminalStarted', message: { command: 'c' } },
      state: { record: { name: 'a' }, commands: [{ phase: 'starting' }] },
      history: [{ type: '$provisioned', lane: 'system' }],
      decision: { decision: 'restart', restarts: 1, allowed: { restarts: 3, withinMs: 60_000 } },
      process: null,
    })
    expect(crash?.state).not.toHaveProperty('args.services')
  })

  it('of a command that cannot start says why [SUP-9]', async () => {
    await begin()
    await world.runtime.run({ keep: 'never', lanes: { a: { commands: [{ name: 'c', run: ['./not-there'] }] } } })
    expect(await crashes()).toMatchObject([
      { command: 'c', exit: { reason: 'init_failed' }, process: { pid: null, error: expect.stringContaining('./not-there') } },
    ])
  })

  it('is made of no end that was asked for, nor of one that went well [SUP-9]', async () => {
    await begin()
    const handle = await world.runtime.start({
      lanes: { a: { commands: ['true', { name: 'srv', run: 'exec sleep 60', restart: 'permanent', graceMs: 100 }] } },
    })
    for await (const { type, payload } of handle.events()) if (type === 'pty.spawned' && payload['command'] === 'srv') handle.stop()
    await handle.finished
    expect(await crashes()).toEqual([])
  })

  it('never fails a run where it cannot be written [SUP-9]', async () => {
    await begin()
    const directory = join(world.runtime.stateDirectory, 'crashes')
    rmSync(directory, { recursive: true, force: true })
    writeFileSync(directory, 'a file where the directory should be')
    const summary = await world.runtime.run({ keep: 'never', lanes: { a: { commands: [{ name: 'c', run: 'exit 3' }] } } })
    expect(commandOf(summary, 'a', 'c')).toMatchObject({ outcome: 'failed', reason: 'exit code 3' })
    expect(await crashes()).toEqual([])
  })

  it('of fifty commands at once are fifty, each its own [SUP-9]', async () => {
    await begin()
    const commands = Array.from({ length: 50 }, (_, n) => ({
      name: `c${n}`,
      run: `echo number ${n}; exit 9`,
      restart: 'permanent',
      intensity: { restarts: 0 },
    }))
    const lanes = Object.fromEntries(commands.map((command, n) => [`l${n}`, { commands: [command] }]))
    await world.runtime.run({ keep: 'never', parallel: 50, lanes })
    const found = await crashes()
    expect(new Set(found.flatMap(({ process }) => process?.lastLines))).toEqual(new Set(commands.map((_, n) => `number ${n}`)))
    expect(readdirSync(join(world.runtime.stateDirectory, 'crashes')).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })
})
