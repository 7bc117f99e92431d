import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../helpers/cli.ts'
import { type CliDesk, makeCliDesk } from '../helpers/cli-users.ts'

let desk: CliDesk
beforeEach(async () => {
  desk = await makeCliDesk({ SIGNALBOX_TERMINALS_HOST: 'in-process' })
})
afterEach(() => desk.cleanup())

type Json = Record<string, unknown>
const json = async (...args: readonly string[]): Promise<Json> => JSON.parse((await desk.run([...args, '--json'])).stdout) as Json
const sequences = (text: string): readonly number[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { sequence: number }).sequence)

describe('people at work when the orchestrator is killed that holds the terminals itself', () => {
  it('are told so, have their terminals back, and find the records right after the next `up`', async () => {
    await desk.spawn('shell', `printf '\\033[?1049h\\033[?25l\\033[?1000hfull screen'; exec sh -i`)
    const attached = await desk.user('term attach shell')
    const inspecting = await desk.user("events --follow --topic 'pty.*'")
    const reading = await desk.user('term logs shell --follow')
    await attached.shows('full screen')
    await inspecting.shows('pty.spawned')
    await reading.shows('full screen')
    await attached.type('echo said-$((20 + 3))\r')
    await attached.shows('said-23')
    await reading.shows('said-23')
    const before = sequences((await desk.run(['events', '--since', '1', '--json'])).stdout)
    const { pid } = (await json('status')) as { pid: number }

    process.kill(pid, 'SIGKILL')
    for (const user of [attached, inspecting, reading]) {
      await user.isBack(1)
      expect(user.screen()).toMatch(new RegExp(`signalbox: .*orchestrator \\(pid ${pid}\\)[\\s\\S]*next: .*signalbox up`, 'u'))
    }
    const left = attached.screen().slice(attached.screen().lastIndexOf('said-23'))
    for (const mode of ['?25h', '?1000l', '?1049l']) expect(left).toContain(`\u001b[${mode}`)
    expect(left).toMatch(/\u001b\[\?1049l[\s\S]*that holds terminal desk\/shell is gone/u)
    await until('what ran in it has ended', () => desk.marked().length === 0)
    for (const args of [
      ['lane', 'ls'],
      ['term', 'send', 'shell', 'x'],
      ['term', 'kill', 'shell'],
      ['events', '--follow'],
    ]) {
      const { code, stderr } = await desk.run(args)
      expect(code).toBe(3)
      expect(stderr).toContain(`the last one, pid ${pid}, died without a word`)
      expect(stderr).toContain('signalbox up')
    }
    // what was recorded can be read without one
    expect(sequences((await desk.run(['events', '--since', '1', '--json'])).stdout)).toEqual(before)

    expect((await desk.run(['up'])).code).toBe(0)
    expect(await json('status')).toMatchObject({ state: 'ready', recovered: { keptLanes: 1, lostTerminals: 1 } })
    expect(await json('lane', 'show', 'desk')).toMatchObject({
      lane: { state: 'ready' },
      terminals: [{ name: 'shell', state: 'errored', pid: null, error: expect.stringContaining('orchestrator that held it died') }],
    })
    expect((await desk.run(['term', 'attach', 'shell'])).code).toBe(2)
    expect((await desk.run(['term', 'logs', 'shell'])).stdout).toContain('said-23')
    const after = sequences((await desk.run(['events', '--since', '1', '--json'])).stdout)
    expect(after).toEqual(after.map((_, index) => index + 1))
    expect(after.length).toBeGreaterThan(before.length)
    const lost = await desk.run(['events', '--topic', 'pty.state-changed', '--since', String(before.length + 1)])
    expect(lost.stdout).toMatch(/ desk\/shell .*active → errored/u)

    await desk.spawn('shell', 'exec sh -i')
    const again = await desk.user('term attach shell')
    await again.type('echo back-$((1 + 1))\r')
    await again.shows('back-2')
    await again.type('exit\r')
    await again.isBack(0)
  })

  it('hear of a stop by `down` from the terminal itself', async () => {
    await desk.spawn('shell', 'exec sh -i')
    const attached = await desk.user('term attach shell')
    const inspecting = await desk.user('events --follow')
    await inspecting.shows('pty.spawned')
    await attached.shows('[desk/shell')
    expect((await desk.run(['down'])).code).toBe(0)
    await attached.isBack(1)
    expect(attached.screen()).toMatch(/\[desk\/shell: ended by SIG\w+\]/u)
    await inspecting.isBack(1)
  })
})
