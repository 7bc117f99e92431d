import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'

/** Runs a program in the repository's root. @returns its exit code and what it printed */
const run = async (source: string): Promise<{ code: number; lines: string[] }> => {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', source], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 50_000,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number]
  return { code, lines: output.trim().split('\n') }
}

const start = `
  import { startSystem } from './src/supervisors/system.ts'
  import { nactScheduler } from './src/adapters/schedulers/nact-scheduler.adapter.ts'
  import { systemClock } from './src/adapters/system/system-clock.adapter.ts'
  import { systemRandom } from './src/adapters/system/system-random.adapter.ts'
  import { defineActor, named } from './src/kernel/types.ts'
  import { worker } from './src/kernel/child-spec.ts'
  process.on('unhandledRejection', (error) => console.log('unhandled', error))
  process.on('warning', (warning) => console.log('warning', warning.message))
  const exits = []
  const options = { scheduler: nactScheduler(), clock: systemClock, random: systemRandom, observer: {
    exited: ({ name, exit }) => exits.push(name + ' ' + exit.reason),
    started: () => { throw new Error('observer') },
  } }`

describe('a system on nact', () => {
  it('survives results that only look like promises: in an init, a handler, a terminate [SUP-8]', async () => {
    const { code, lines } = await run(`${start}
      const shy = () => Object.defineProperty({}, 'then', { get: () => { throw new Error('shy') } })
      const refuses = () => ({ then: () => { throw new Error('refuses') } })
      const eager = () => ({ then: (done, failed) => { done('eager'); failed(new Error('twice')) } })
      const results = { shy, refuses, eager }
      const handling = defineActor({ kind: 'handling', init: () => null, on: { now: (_ctx, _state, { what }) => results[what](),
        get: (_ctx, state, _message, reply) => { reply(typeof state); return state } } })
      const ending = (what) => defineActor({ kind: 'ending', init: () => null, on: {}, terminate: () => results[what]() })
      const beginning = (what) => defineActor({ kind: 'beginning', init: () => results[what](), on: {} })
      const names = Object.keys(results)
      const root = { type: 'supervisor', name: 'root', strategy: 'one_for_one', intensity: { restarts: 9, withinMs: 5000 }, children: [
        worker('h', handling, null), ...names.map((what) => worker('e-' + what, ending(what), null)) ] }
      const system = await startSystem({ ...options, root })
      const get = () => system.ask(named('h'), 'get', {}, { timeoutMs: 5000 }).catch(({ code }) => code)
      for (const what of names) {
        while (system.lookup('h') === undefined) await new Promise(setImmediate)
        system.tell(named('h'), 'now', { what })
        console.log(what, await get())
      }
      for (const what of names) {
        const spec = worker('b-' + what, beginning(what), null, { restart: 'temporary' })
        await system.ask(named('root'), 'supervisor.start-child', { spec }, { timeoutMs: 5000 }).then(() => console.log('started', what), ({ code }) => console.log(what, code))
      }
      exits.length = 0
      await system.stop()
      console.log(exits.filter((exit) => exit.startsWith('e-')).join(', '))`)
    expect(lines).toEqual([
      'shy object',
      'refuses ERR_ACTOR_RESTARTED',
      'eager string',
      'started shy',
      'refuses ERR_ACTOR_INIT_FAILED',
      'started eager',
      'e-eager shutdown, e-refuses crashed, e-shy shutdown',
    ])
    expect(code).toBe(0)
  })

  it('survives whatever actors throw, without an unhandled rejection or a word on the console, and node exits after stop [SUP-8]', async () => {
    const { code, lines } = await run(`${start}
      const actor = defineActor({ kind: 'a', init: () => null, on: {
        now: (_ctx, _state, { what }) => { throw what },
        later: async (_ctx, _state, { what }) => { throw what },
        run: (ctx, state) => { for (let i = 0; i < 30; i++) ctx.run((signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))), { done: ['get', () => ({})], failed: ['get', () => ({})] }); void ctx.ask(named('nobody'), 'x', {}, { timeoutMs: 5 }); return state },
        get: (_ctx, state, _message, reply) => { reply('fine'); return state },
      } })
      const system = await startSystem({ ...options, root: { type: 'supervisor', name: 'root', strategy: 'one_for_one', intensity: { restarts: 1000, withinMs: 1 }, children: [worker('lane:ä b/1', actor, null)] } })
      const a = named('lane:ä b/1')
      const revoked = Proxy.revocable({}, {})
      revoked.revoke()
      for (const what of [undefined, null, 'text', 7, Symbol('s'), Object.create(null), new Error('e'), { get message() { throw 1 } }, { then: null }, revoked.proxy, Object.defineProperty(new Error('e'), 'stack', { get() { throw 2 } })]) {
        for (const type of ['now', 'later', 'run']) {
          // It is being restarted, mostly.
          while (system.lookup(a.name) === undefined) await new Promise(setImmediate)
          system.tell(a, type, { what })
          await system.ask(a, 'get', {}, { timeoutMs: 5000 }).catch(({ code }) => { if (code === 'ERR_ASK_TIMEOUT') console.log('hangs', type) })
        }
      }
      void system.ask(a, 'x', {}, { timeoutMs: 5 })
      while (system.tree().children[0].state !== 'running') await new Promise(setImmediate)
      console.log(await system.ask(a, 'get', {}, { timeoutMs: 5000 }).catch((error) => error.code))
      await system.stop(); await system.stop()
      console.log(exits.filter((exit) => exit.endsWith('crashed')).length, exits.at(-1))`)
    expect(code).toBe(0)
    expect(lines.at(-1)).toBe('23 root shutdown')
    expect(lines.filter((line) => /unhandled|warning/.test(line))).toEqual([])
    expect(lines).toHaveLength(2)
  })
})
