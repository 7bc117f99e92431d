import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import type { Attachment, ControlClient, Happening } from '../../../src/client/index.ts'
import { encodeFrame, FRAME } from '../../../src/protocols/control/frames.ts'
import { Screen } from '../../../src/terminal-host/screen/screen.ts'
import { screenState } from '../../helpers/screen-state.ts'
import { within, until } from '../run/run-kit.ts'
import { bytesOf, type ControlWorld, HELLO, makeControlWorld, textOf } from './control-kit.ts'

const worlds: ControlWorld[] = []
const world = async (...args: Parameters<typeof makeControlWorld>): Promise<ControlWorld> => {
  const made = await makeControlWorld(...args)
  worlds.push(made)
  return made
}
afterEach(async () => {
  for (const each of worlds.splice(0)) await each.end()
})

const shellIn = async (client: ControlClient, command: string | readonly string[] = ['/bin/sh']): Promise<string> => {
  await client.call('lane.create', { name: 'a' })
  return (await client.call('terminal.spawn', { lane: 'a', name: 't', command })).terminal.id
}

const readUntil = async (attachment: Attachment, wanted: string | RegExp): Promise<string> => {
  let text = ''
  const read = async (): Promise<void> => {
    for await (const output of attachment.output) {
      if ('bytes' in output) text = (text + textOf(output.bytes)).slice(-100_000)
      if (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text)) return
    }
  }
  await within(20_000, `output of ${String(wanted)}, after ${JSON.stringify(text.slice(-200))}`, read())
  return text
}

describe('attach', () => {
  it('replays recent output, takes input and resizes, and lets several people type [LN-8, PTY-5, PTY-6]', async () => {
    const { client: open } = await world()
    const client = await open()
    const id = await shellIn(client)
    await client.call('terminal.send', { terminal: id, text: 'echo before-$((1 + 1))\n' })
    const [one, two] = await Promise.all([client.attach('t', { cols: 90, rows: 33 }), (await open()).attach('a/t')])
    expect(one.terminal).toMatchObject({ id, name: 't' })
    await readUntil(one, 'before-2')
    await two.write(bytesOf('stty size; echo said-$((2 + 1))\n'))
    expect(await readUntil(one, 'said-3\r\n')).toContain('33 90')
    one.resize(70, 20)
    await one.write(bytesOf('stty size\n'))
    await readUntil(two, '20 70')
    one.detach()
    expect(await one.ended).toBe(null)
    await expect(one.write(bytesOf('x'))).rejects.toMatchObject({ code: 'ERR_PTY_ENDED' })
    await two.write(bytesOf('exit 3\n'))
    expect(await two.ended).toMatchObject({ exitCode: 3 })
  })

  it('has the size of the last who came or resized, and when that one leaves, of the one before [PTY-6]', async () => {
    const { client: open } = await world()
    const client = await open()
    await shellIn(client, `trap 'stty size' WINCH; echo ready; while :; do sleep 0.05; done`)
    const one = await client.attach('t')
    await readUntil(one, 'ready')
    one.resize(81, 21)
    await readUntil(one, '21 81')
    const two = await client.attach('t', { cols: 142, rows: 42 })
    await readUntil(one, '42 142')
    two.resize(143, 43)
    await readUntil(one, '43 143')
    const three = await client.attach('t')
    const four = await client.attach('t', { cols: 164, rows: 64 })
    await readUntil(one, '64 164')
    two.detach()
    three.detach()
    four.detach()
    await readUntil(one, '21 81')
  })

  it('has the size of the smallest of all, or its own, where somebody says so, until the last has left [PTY-6]', async () => {
    const { client: open } = await world()
    const client = await open()
    const id = await shellIn(client, `trap 'stty size' WINCH; echo ready; while :; do sleep 0.05; done`)
    const size = async (): Promise<unknown> => {
      const { cols, rows } = (await client.call('terminal.get', { terminal: id })).terminal
      return [cols, rows]
    }
    const becomes = (wanted: readonly number[]) =>
      until(`the size is ${wanted.join(' x ')}`, async () => JSON.stringify(await size()) === JSON.stringify(wanted))
    const one = await client.attach('t', { cols: 100, rows: 20, windowSize: 'smallest' })
    expect([one.terminal.cols, one.terminal.rows]).toEqual([100, 20])
    const two = await client.attach('t', { cols: 80, rows: 40 })
    expect([two.terminal.cols, two.terminal.rows]).toEqual([80, 20])
    const looker = await client.attach('t')
    one.resize(120, 50)
    await becomes([80, 40])
    two.detach()
    await becomes([120, 50])
    const three = await client.attach('t', { cols: 60, rows: 10, windowSize: 'fixed' })
    one.resize(61, 11)
    await client.call('terminal.resize', { terminal: id, cols: 90, rows: 25 })
    await becomes([90, 25])
    for (const each of [one, three, looker]) each.detach()
    // nobody sits any more, and nobody said anything: as configured
    await until('the last who came decides', async () => {
      const four = await client.attach('t', { cols: 70, rows: 15 })
      four.detach()
      return JSON.stringify(await size()) === '[70,15]'
    })
  })

  it('begins with the screen for who asks for it, and goes on from there; with it again where output came too fast [PTY-20, PTY-12]', async () => {
    const { client: open } = await world()
    const client = await open()
    await shellIn(
      client,
      `stty -echo; printf '\\033[?1049h\\033[?1006;1002h\\033[3;4Hdrawn'; read x; seq 1 1200000; printf '\\033[2J\\033[5;6Hdone'; read x`,
    )
    await until('it has drawn', async () => (await client.call('terminal.get', { terminal: 't' })).terminal.outputBytes! > 30)
    const attachment = await client.attach('t', { cols: 50, rows: 12, screen: true })
    const mine = new Screen(50, 12, 100)
    const iterator = attachment.output[Symbol.asyncIterator]()
    const first = await iterator.next()
    if (first.done === true || !('screen' in first.value) || 'unavailable' in first.value.screen) throw new Error('no screen came first')
    expect(first.value.screen).toMatchObject({ cols: 50, rows: 12, altScreen: true, complete: true })
    await mine.write(first.value.screen.bytes)
    await attachment.write(bytesOf('\n'))
    await until(
      'more was put out than is held',
      async () => (await client.call('terminal.get', { terminal: 't' })).terminal.outputBytes! > 8_000_000,
    )
    let screens = 0
    let at = first.value.screen.offset
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      if ('gap' in next.value) throw new Error('a gap instead of the screen')
      if ('screen' in next.value) {
        if ('unavailable' in next.value.screen) throw new Error(next.value.screen.unavailable)
        screens += 1
        at = next.value.screen.offset
        await mine.write('\u001bc')
        await mine.write(next.value.screen.bytes)
      } else {
        expect(next.value.offset).toBe(at)
        at += next.value.bytes.length
        await mine.write(next.value.bytes)
      }
      if (mine.terminal.buffer.active.getLine(4)?.translateToString().includes('done') === true) break
    }
    expect(screens).toBeGreaterThan(0)
    expect(screenState(mine)).toMatchObject({ mouse: ['DRAG', 'SGR'], cursor: [9, 4, false] })
  })

  it('gives every byte of a flood to a client that reads, and all of it before the end [PTY-17]', async () => {
    const { client: open } = await world()
    const client = await open()
    await shellIn(client, 'read go; seq 1 200000; printf done')
    const attachment = await client.attach('t')
    await attachment.write(bytesOf('\n'))
    let text = ''
    let next = 0
    for await (const output of attachment.output) {
      if (!('bytes' in output)) throw new Error(`a gap of ${JSON.stringify(output)}`)
      expect(output.offset).toBe(next)
      next += output.bytes.length
      text += textOf(output.bytes)
    }
    expect(text.endsWith('200000\r\ndone')).toBe(true)
    expect(await attachment.ended).toMatchObject({ exitCode: 0, outputBytes: next })
  })

  it('holds up neither the program nor another client for one that does not read, which is told of its gap [PTY-12]', async () => {
    const { client: open } = await world()
    const client = await open()
    await shellIn(client, 'read go; seq 1 1200000; printf done; sleep 100')
    const [lazy, eager] = await Promise.all([client.attach('t'), client.attach('t')])
    const iterator = lazy.output[Symbol.asyncIterator]()
    await eager.write(bytesOf('\n'))
    await iterator.next()
    await readUntil(eager, /1200000\r\ndone/u)
    let gaps = 0
    let text = ''
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      if ('gap' in next.value) gaps += next.value.gap.to - next.value.gap.from
      else if ('bytes' in next.value) text = (text + textOf(next.value.bytes)).slice(-10)
      if (text.endsWith('done')) break
    }
    expect(gaps).toBeGreaterThan(0)
  })

  it('lets a client that is behind go on to acknowledge after the process has ended, and read its end', async () => {
    const { client: open, raw } = await world()
    const client = await open()
    const id = await shellIn(client, 'printf ready; read go; printf "last words"')
    const { socket, send, line } = await raw()
    send(HELLO)
    await line()
    send(`${JSON.stringify({ id: '1', method: 'terminal.attach', payload: { terminal: 't' } })}\n`)
    await line()
    socket.pause()
    const errors: unknown[] = []
    socket.on('error', (error) => errors.push(error))
    await client.call('terminal.send', { terminal: id, text: '\n' })
    await until('it has ended', async () => (await client.call('terminal.get', { terminal: id })).terminal.endedAt !== null)
    for (let count = 0; count < 20; count += 1) {
      for (const part of encodeFrame({ type: FRAME.ack, offset: 1 })) socket.write(part)
      await client.call('status', {})
    }
    expect(errors).toEqual([])
    const parts: Buffer[] = []
    await within(
      20_000,
      'the end',
      new Promise<void>((resolve) =>
        socket
          .on('data', (part: Buffer) => parts.push(part))
          .once('end', resolve)
          .resume(),
      ),
    )
    expect(Buffer.concat(parts).toString()).toMatch(/last words[\s\S]*"exitCode":0/u)
  })

  it('passes input of any bytes on whole, and makes who sends too much to a program that does not read wait [PTY-5]', async () => {
    const { client: open } = await world()
    const client = await open()
    await shellIn(client, 'stty raw -echo; printf ready; head -c 300000 | od -An -v -tx1 | md5sum; sleep 100')
    const attachment = await client.attach('t')
    await readUntil(attachment, 'ready')
    const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 131) & 0xff)
    await attachment.write(bytes)
    await readUntil(attachment, /[0-9a-f]{32}/u)
    let settled = false
    void attachment.write(new Uint8Array(2_000_000)).then(
      () => (settled = true),
      () => {},
    )
    await client.call('status', {})
    expect(settled).toBe(false)
  })

  it('keeps the order of what is sent at once, while the program does not read yet [PTY-5]', async () => {
    const { client: open } = await world()
    const client = await open()
    const pieces = Array.from({ length: 400 }, (_, index) => Buffer.alloc(index % 3 === 0 ? 20_000 : 7, index & 0xff))
    const whole = Buffer.concat(pieces)
    await shellIn(client, `stty raw -echo; printf ready; sleep 0.3; head -c ${whole.length} | md5sum; sleep 100`)
    const attachment = await client.attach('t')
    await readUntil(attachment, 'ready')
    await Promise.all(pieces.map((piece) => attachment.write(piece)))
    await readUntil(attachment, createHash('md5').update(whole).digest('hex'))
  })

  it('refuses a terminal that is not there or has ended', async () => {
    const { client: open } = await world()
    const client = await open()
    await expect(client.attach('none')).rejects.toMatchObject({ code: 'ERR_TERMINAL_NOT_FOUND' })
    const id = await shellIn(client, 'true')
    await until('it has ended', async () => (await client.call('terminal.get', { terminal: id })).terminal.endedAt !== null)
    await expect(client.attach(id)).rejects.toMatchObject({ code: 'ERR_PTY_ENDED' })
    await expect(client.attach(id, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ASK_CANCELLED' })
  })
})

describe('subscribing', () => {
  const take = async (happenings: AsyncIterable<Happening>, count: number): Promise<Happening[]> => {
    const taken: Happening[] = []
    for await (const happening of happenings) {
      taken.push(happening)
      if (taken.length >= count) break
    }
    return taken
  }

  it('tells what happens, of the topics asked for, and from an earlier event on [BUS-1, BUS-3]', async () => {
    const { client: open } = await world()
    const client = await open()
    const live = take(client.subscribe({ topics: ['lane.*'] }), 3)
    await until('it has subscribed', async () => (await client.call('status', {})).counts.clients === 2)
    await client.call('lane.create', { name: 'a' })
    await client.call('terminal.spawn', { lane: 'a', command: 'true' })
    const events = (await within(20_000, 'three events', live)).map(({ event }) => event!)
    expect(events.map(({ topic }) => topic)).toEqual(['lane.created', 'lane.state-changed', 'lane.state-changed'])
    const replayed = await within(20_000, 'the replay', take(client.subscribe({ topics: ['lane.*'], since: 1 }), 3))
    expect(replayed.map(({ event }) => event)).toEqual(events)
    // What is heard from now on is of the next terminal.
    await until('the first has ended', async () => (await client.call('terminal.list', {})).terminals[0]?.endedAt != null)
    await until('the others have left', async () => (await client.call('status', {})).counts.clients === 1)
    const output = take(client.subscribe({ topics: ['pty.output'] }), 1)
    const recorded = take(client.subscribe({ topics: ['pty.*'], live: false }), 5)
    await until('both have subscribed', async () => (await client.call('status', {})).counts.clients === 3)
    await client.call('terminal.spawn', { lane: 'a', name: 'says', command: 'printf 12345' })
    const [told] = await within(20_000, 'the output', output)
    expect(told?.event).toMatchObject({ topic: 'pty.output', sequence: 1, payload: { lane: 'a', command: 'says', attempt: 1, offset: 5 } })
    const others = await within(20_000, 'what is recorded', recorded)
    expect(others.every(({ event }) => event?.position !== undefined)).toBe(true)
    expect(told?.event?.ids).toEqual(others[0]?.event?.ids)
    await expect(take(client.subscribe({ topics: ['no topic!'] }), 1)).rejects.toThrow('no topic!')
    const stop = new AbortController()
    const none = take(client.subscribe({ signal: stop.signal }), 1)
    stop.abort()
    expect(await within(20_000, 'the end', none)).toEqual([])
  })
})
