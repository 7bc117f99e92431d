import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connect, type ControlClient } from '../../src/client/index.ts'
import type { BusEvent } from '../../src/protocols/bus.ts'
import type { ActorInfo, ActorNode, DeadLetterInfo, TraceInfo } from '../../src/protocols/control/views.ts'
import { type CliWorld, makeCliWorld, until } from '../helpers/cli.ts'

let world: CliWorld
let client: ControlClient
beforeEach(async () => {
  world = await makeCliWorld({ name: 'a repo — mit Lücken' })
  await world.run(['up'])
  client = await connect(String((await json('status'))['socket']))
  await client.call('lane.create', { name: 'docs' })
  await client.call('terminal.spawn', { lane: 'docs', name: 'sh', command: 'sleep 1000' })
})
afterEach(async () => {
  client.close()
  await world.run(['down'])
  await world.cleanup()
})

type Json = Record<string, unknown>
const json = async (...args: string[]): Promise<Json & { code: number | null }> => {
  const { code, stdout } = await world.run([...args, '--json'])
  return { code, ...(JSON.parse(stdout) as Json) }
}
const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '')
const names = ({ name, children }: ActorNode): string[] => [name, ...children.flatMap(names)]
const treeOf = async (...args: string[]): Promise<ActorNode> => (await json('tree', ...args))['tree'] as ActorNode
const pidOf = async (): Promise<number | null> => (await client.call('terminal.get', { terminal: 'docs/sh' })).terminal.pid

/** What was recorded of some topics until now. */
const recorded = async (topics: readonly string[]) => {
  const events: BusEvent[] = []
  const end = new AbortController()
  const marker = await client.call('lane.create', { name: 'marker' })
  for await (const { event } of client.subscribe({ topics: [...topics, 'lane.created'], since: 1, signal: end.signal })) {
    if (event?.ids?.laneId === marker.lane.id) end.abort()
    else if (event !== undefined && topics.includes(event.topic)) events.push(event)
  }
  return { events }
}

describe('looking at the orchestrator', () => {
  it('tree: all, a part by any of its names, to a depth, in 80 columns; NO_COLOR [SUP-9]', async () => {
    const { code, stdout, stderr } = await world.run(['tree'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^actor +state +mailbox +restarts +up\nroot\$1 /u)
    expect(stdout).toMatch(
      /\n. . └ terminals:docs\$1 +running +0\/10k +0\/\d+ +\S+\n. . {3}└ terminal:docs\/sh\$1 .*\n.* └ pty:docs\/sh\$1 /u,
    )
    for (const line of lines(stdout)) expect(line.length).toBeLessThanOrEqual(80)
    expect(stdout).not.toContain('\u001b')
    const root = await treeOf()
    expect(names(root)).toHaveLength(root.below + 1)
    const lane = await treeOf('docs')
    expect(lane).toMatchObject({ name: expect.stringMatching(/^lane-tree:ln_/u), label: 'docs', below: 4 })
    const id = lane.name.slice('lane-tree:'.length)
    for (const word of [id, id.slice(0, 20).toLowerCase(), lane.name, `${lane.name}$1`, 'lane-tree:docs', 'lane-t']) {
      expect((await treeOf(word)).name).toBe(lane.name)
    }
    expect(await treeOf('docs', '--depth', '1')).toMatchObject({ below: 4, children: [{ children: [] }, { below: 2, children: [] }] })
    const mistyped = await world.run(['tree', 'jurnal'])
    expect(mistyped).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('did you mean "journal"?') })
    expect((await world.run(['tree', 'terminal'])).stderr).toMatch(
      /2 actors are called terminal…: terminals:docs, terminal:docs\/sh; use more/u,
    )
    expect((await world.run(['tree', ''])).code).toBe(2)
  })

  it('tree --watch: a line a second as JSON until a signal; refused where nothing can be drawn', async () => {
    const watching = world.start(['tree', 'docs', '--watch', '--json'])
    await until('two lines', () => lines(watching.output()).length >= 2)
    watching.child.kill('SIGINT')
    const { code, stdout } = await watching.finished
    expect(code).toBe(0)
    for (const line of lines(stdout)) expect(JSON.parse(line)).toMatchObject({ type: 'tree', tree: { label: 'docs' } })
    expect(await world.run(['tree', '--watch'])).toMatchObject({ code: 2, stderr: expect.stringContaining('--json') })
  })

  it('info and dead-letters [SUP-9]', async () => {
    expect((await json('info', 'pty:docs/sh')) as unknown as ActorInfo).toMatchObject({
      kind: 'pty',
      state: 'running',
      handlers: { count: 0 },
    })
    const { code, stdout } = await world.run(['info', 'journal'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^journal\$1\n {2}kind +journal\n {2}under +infrastructure\n {2}state +running, for /u)
    expect((await world.run(['info', 'nobody'])).code).toBe(3)
    expect(await json('dead-letters')).toEqual({ code: 0, type: 'dead-letters', letters: expect.any(Array) })
  })

  it('machine: that of an actor, its present state marked', async () => {
    expect((await world.run(['machine', 'pty:docs/sh'])).stdout).toMatch(/^machine pty: pty:tm_\w+\$1 is (active|throttled)\n/u)
    expect(await json('machine', 'docs')).toMatchObject({ code: 0, machine: 'lane', state: 'running' })
    expect((await world.run(['machine', 'lane:docs', '--mermaid'])).stdout).toMatch(/\n {2}class running now\n$/u)
    expect(await world.run(['machine', 'journal'])).toMatchObject({ code: 2, stderr: expect.stringContaining('keeps no state machine') })
    expect(await world.run(['machine', 'pyt'])).toMatchObject({ code: 3, stderr: expect.stringContaining('did you mean "pty"?') })
  })

  it('trace: messages of a type, as many as asked for, or for a time; ends with its reader [SUP-9]', async () => {
    const tracing = world.start(['trace', 'journal', '--type', 'journal.commit', '--max', '2', '--json'])
    await until('two events were seen', async () => {
      const { lane } = await client.call('lane.create', { name: `more-${Math.trunc(performance.now())}` })
      await client.call('lane.remove', { lane: lane.id })
      return tracing.child.exitCode !== null
    })
    const { code, stdout } = await tracing.finished
    const [first, second, end] = lines(stdout).map((line) => JSON.parse(line) as TraceInfo)
    expect(code).toBe(0)
    expect([first?.what, second?.what]).toEqual(['sent', 'handled'])
    expect(first).toMatchObject({ actor: 'journal$1', type: 'journal.commit' })
    expect(end).toEqual({ type: 'trace', ended: 'max', count: 2, missed: 0 })
    expect(await world.run(['trace', '--type', 'never', '--for', '0.05'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '0 events: the time is over\n',
    })
  })

  it('trace: says how much was seen when it is interrupted [SUP-9]', async () => {
    const tracing = world.start(['trace', '--type', 'journal.commit'])
    await until('something was seen', async () => {
      const { lane } = await client.call('lane.create', { name: `traced-${Math.trunc(performance.now())}` })
      await client.call('lane.remove', { lane: lane.id })
      return tracing.output().includes('journal.commit')
    })
    tracing.child.kill('SIGINT')
    const { code, stdout, stderr } = await tracing.finished
    expect(code).toBe(130)
    expect(stderr).toBe(`${lines(stdout).length} events: stopped\n`)
  })

  it('without an orchestrator: 3, and what to do', async () => {
    await world.run(['down'])
    for (const args of [['tree'], ['info', 'x'], ['dead-letters'], ['trace'], ['stop', 'x']]) {
      expect(await world.run(args)).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('signalbox up') })
    }
  })
})

describe('repairing', () => {
  it('restart, stop and kill [SUP-1]', async () => {
    const pid = await pidOf()
    expect(await json('restart', 'pty:docs/sh')).toMatchObject({ code: 0, type: 'restart', incarnation: 2 })
    await until('another process runs', async () => ![null, pid].includes(await pidOf()))
    expect((await world.run(['stop', 'bus'])).stdout).toBe('stopped: bus$1\n')
    expect(await treeOf('bus')).toMatchObject({ state: 'ended', upMs: null })
    expect((await world.run(['restart', 'bus'])).stdout).toBe('restarted, now: bus$2\n')
    const unasked = await world.run(['kill', 'bus'])
    expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining('give --yes') })
    expect(await json('kill', 'bus', '--yes')).toMatchObject({ code: 0, type: 'kill', name: 'bus', incarnation: 2 })
    await until('its supervisor has restarted it', async () => (await treeOf('bus')).incarnation === 3)
    expect(await treeOf('bus')).toMatchObject({ state: 'running', restarts: 1, lastExit: { reason: 'killed' } })
    expect((await world.run(['stop', 'root'])).stderr).toContain('signalbox down')
    for (const [name, way] of [
      ['runs', 'runs.stop'],
      ['docs', 'lane.remove'],
      ['journal', 'restart it'],
    ] as const) {
      expect(await world.run(['stop', name])).toMatchObject({ code: 2, stderr: expect.stringContaining(way) })
    }
    expect((await world.run(['kill', 'pty:docs/sh', '--yes'])).code).toBe(0)
    await until('its process has ended with it', async () => (await pidOf()) === null)
    const { events } = await recorded(['actor.intervened'])
    expect(events.map(({ payload }) => [payload['intervention'], payload['incarnation'], payload['by']])).toEqual([
      ['restart', 1, 'signalbox restart'],
      ['stop', 1, 'signalbox stop'],
      ['restart', 1, 'signalbox restart'],
      ['kill', 2, 'signalbox kill'],
      ['kill', 2, 'signalbox kill'],
    ])
    expect(events[0]?.ids?.laneId).toBe((await client.call('lane.get', { lane: 'docs' })).lane.id)
    expect((await world.run(['down'])).code).toBe(0)
    expect(world.marked()).toEqual([])
  })

  it('suspend: messages wait and nothing is handled until resume; stops and restarts all the same [SUP-1]', async () => {
    const info = async (name: string) => (await json('info', name)) as unknown as ActorInfo
    expect((await world.run(['suspend', 'lane:docs'])).stdout).toMatch(/^suspended: lane:ln_\w+\$1\n$/u)
    const spawned = client.call('terminal.spawn', { lane: 'docs', name: 'more', command: 'sleep 1000' })
    await until('the message waits', async () => (await info('lane:docs')).mailbox.now === 1)
    expect(await info('lane:docs')).toMatchObject({ state: 'suspended', handling: null })
    expect((await world.run(['tree', 'docs'])).stdout).toMatch(/lane:docs\$1 +suspended +1\/10k/u)
    expect((await world.run(['resume', 'lane:docs'])).code).toBe(0)
    expect((await spawned).terminal).toMatchObject({ name: 'more', state: 'active' })
    expect(await info('lane:docs')).toMatchObject({ state: 'running', mailbox: { now: 0 } })
    // its supervisor would not hear that a child is to be restarted
    await world.run(['suspend', 'docs'])
    expect(await world.run(['restart', 'lane:docs'])).toMatchObject({ code: 1, stderr: expect.stringContaining('signalbox resume') })
    await world.run(['resume', 'docs'])
    await world.run(['suspend', 'lane:docs'])
    expect((await json('restart', 'lane:docs'))['incarnation']).toBe(2)
    expect((await info('lane:docs')).state).toBe('running')
    expect((await world.run(['suspend', 'root'])).code).toBe(2)
    for (const name of ['lane:docs', 'docs', 'lanes', 'bus', 'journal', 'pty:docs/sh'])
      expect((await world.run(['suspend', name])).code).toBe(0)
    expect((await world.run(['down'])).code).toBe(0)
    expect(world.marked()).toEqual([])
  })

  it('a lane whose supervisors are killed stands again, and its process runs on until the lane is removed', async () => {
    const pid = await pidOf()
    expect(pid).not.toBe(null)
    for (const name of ['docs', 'lanes', 'terminals:docs']) {
      expect((await world.run(['kill', name, '--yes'])).code).toBe(0)
      await until(`the lane stands again after the end of ${name}`, async () => {
        const { lane } = await client.call('lane.get', { lane: 'docs' })
        const tree = await treeOf()
        return lane.state === 'running' && names(tree).some((one) => one === `lane:${lane.id}`) && (await pidOf()) === pid
      })
    }
    expect((await client.call('lane.remove', { lane: 'docs' })).summary.outcome).toBe('succeeded')
    expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH')
  })

  it('dead letters: listed, sent again once, or said why not', async () => {
    await world.run(['suspend', 'bus'])
    // its event waits at the bus
    await world.run(['kill', 'bus', '--yes'])
    const { letters } = (await json('dead-letters')) as unknown as { letters: readonly DeadLetterInfo[] }
    const [letter] = letters.filter(({ type }) => type === 'bus.publish')
    expect(letter).toMatchObject({ to: 'bus$1', from: 'journal$1', reason: 'restarted' })
    const number = String(letter?.number)
    expect((await world.run(['dead-letters'])).stdout).toMatch(
      new RegExp(`^ +${number} .* restarted +bus.publish to bus\\$1 from journal\\$1$`, 'mu'),
    )
    expect((await world.run(['dead-letters', '--retry', number])).stdout).toBe(`sent again: ${number} to bus$2\n`)
    expect(await world.run(['dead-letters', '--retry', number])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('it was sent again'),
    })
    expect((await world.run(['dead-letters', '--retry', '0'])).code).toBe(2)
  })
})
