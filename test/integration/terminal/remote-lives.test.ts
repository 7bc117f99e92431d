import { spawn } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createCgroups } from '../../../src/adapters/cgroups.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import type { ProcessIdentity } from '../../../src/ports/process-table.port.ts'
import type { Pty } from '../../../src/ports/terminal-host.port.ts'
import { hostRecordPath } from '../../../src/runtime/host/host-record.ts'
import { HostLink } from '../../../src/terminal-host/host-link.ts'
import { HOST_PROTOCOL } from '../../../src/terminal-host/wire.ts'
import { openWorld, ownIdentity, processTable } from './remote-kit.ts'
import { sh, text, until, untilOutput } from './terminal-kit.ts'

/** A process whose identity an orchestrator may have, and that can die. */
const aProcess = (): { readonly identity: ProcessIdentity; readonly die: () => Promise<void> } => {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' })
  const identity = processTable.identify(child.pid ?? 0) as ProcessIdentity
  return {
    identity,
    die: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve())
        child.kill('SIGKILL')
      }),
  }
}

const COUNTER = 'stty -echo; i=0; while :; do i=$((i+1)); echo "n$i"; sleep 0.01; done'

/** The numbers that a counter put out, as read from a place on. */
const numbersIn = (output: string): number[] => [...output.matchAll(/n(\d+)\r\n/gu)].map((match) => Number(match[1]))

const isWithoutGap = (numbers: readonly number[]): boolean => numbers.every((number, index) => number === (numbers[0] ?? 0) + index)

/** Everything from the beginning, as long as it lasts. */
const follow = (pty: Pty): { readonly seen: () => string; readonly gaps: () => number } => {
  let seen = ''
  let gaps = 0
  void (async () => {
    let at = 0
    for await (const chunk of pty.read({ from: 0, mode: 'lossless' })) {
      if ('gap' in chunk) gaps += 1
      else {
        expect(chunk.offset).toBe(at)
        at += chunk.bytes.length
        seen += Buffer.from(chunk.bytes).toString('latin1')
      }
    }
  })().catch(() => undefined)
  return { seen: () => seen, gaps: () => gaps }
}

describe('a terminal host in a process of its own', () => {
  it('is not there before the first PTY, and gone when nobody has needed it for its grace [PTY-14]', async () => {
    await using world = openWorld(1_000)
    const host = await world.open()
    expect(world.record()).toBe(null)
    const pty = await host.spawn(sh('exit 3'))
    expect(world.record()).toMatchObject({ version: '0.0.0' })
    await pty.exited
    pty.release()
    host.detach()
    await until('it has ended', () => world.record() === null)
    expect(existsSync(join(world.directory, 's', 't.sock'))).toBe(false)
    expect(existsSync(hostRecordPath(world.directory))).toBe(false)
  })

  it('goes on when its orchestrator is killed, and the next one takes over each PTY with its identity and its whole output [PTY-14]', async () => {
    await using world = openWorld()
    const first = aProcess()
    const before = await world.open(first.identity)
    const spec = sh(COUNTER)
    const pty = await before.spawn(spec)
    const quiet = await before.spawn(sh('stty -echo; echo ready; while read x; do echo "got $x"; done'))
    await untilOutput(pty, 'n20')
    before.detach()
    await first.die()

    const after = await world.open()
    const found = after.get(spec.ptyId)
    expect(found?.identity).toEqual(pty.identity)
    expect(
      after
        .list()
        .map(({ ptyId }) => ptyId)
        .sort(),
    ).toEqual([pty.ptyId, quiet.ptyId].sort())
    const { seen, gaps } = follow(found as Pty)
    await until('the counter goes on', () => numbersIn(seen()).length > 60)
    expect(numbersIn(seen())[0]).toBe(1)
    expect(isWithoutGap(numbersIn(seen()))).toBe(true)
    expect(gaps()).toBe(0)
    const again = after.get(quiet.ptyId) as Pty
    await again.write(Buffer.from('hello\n'))
    await untilOutput(again, 'got hello')
  })

  it('keeps the exit of a PTY that ended while there was no orchestrator, until it is released [PTY-14, PTY-17]', async () => {
    await using world = openWorld()
    const first = aProcess()
    const before = await world.open(first.identity)
    const go = join(world.directory, 'go')
    const spec = sh('while [ ! -e "$GO" ]; do sleep 0.02; done; echo "last words"; exit 7', { extraEnv: { GO: go } })
    const pty = await before.spawn(spec)
    before.detach()
    await first.die()
    writeFileSync(go, '')
    await until('it has ended', () => !processTable.isAlive(pty.identity))
    const after = await world.open()
    const found = after.get(spec.ptyId) as Pty
    expect(await found.exited).toMatchObject({ exitCode: 7, signal: null })
    expect(await text(found)).toContain('last words')
    found.release()
    await until('it is forgotten', async () => (await world.open()).get(spec.ptyId) === undefined)
  })

  it('does not wait for ever for somebody to take the end of its last PTY; one that lives it keeps [PTY-7]', async () => {
    await using world = openWorld(undefined, 300)
    const first = aProcess()
    const before = await world.open(first.identity)
    const go = join(world.directory, 'go')
    const pty = await before.spawn(sh('while [ ! -e "$GO" ]; do sleep 0.02; done', { extraEnv: { GO: go } }))
    before.detach()
    await first.die()
    // Another one of the same times, left later, whose PTY has ended: when it is gone, ours would be.
    await using ended = openWorld(undefined, 300)
    const second = aProcess()
    const there = await ended.open(second.identity)
    await (
      await there.spawn(sh('exit 0'))
    ).exited
    there.detach()
    await second.die()
    await until('the one that holds an end is gone', () => ended.record() === null)
    expect(processTable.isAlive(pty.identity)).toBe(true)
    expect(world.record()).not.toBe(null)
    writeFileSync(go, '')
    await until('it has ended', () => world.record() === null)
  })

  it('leaves the PTYs of an orchestrator that lives to it [PTY-14]', async () => {
    await using world = openWorld()
    const other = aProcess()
    const theirs = await world.open(other.identity)
    const pty = await theirs.spawn(sh('read x'))
    const ours = await world.open()
    expect(ours.get(pty.ptyId)).toBe(undefined)
    const mine = await ours.spawn(sh('read x'))
    await ours.close(0)
    expect(processTable.isAlive(mine.identity)).toBe(false)
    expect(processTable.isAlive(pty.identity)).toBe(true)
    await other.die()
  })

  it('is lost with kill -9: its PTYs are, what is left of their process trees is ended, and another starts [PTY-9, PTY-14]', async () => {
    await using world = openWorld()
    const host = await world.open()
    const spec = sh('trap "" HUP; (setsid sh -c "trap \\"\\" HUP TERM; sleep 1000; true" &); echo ready; read x')
    const pty = await host.spawn(spec)
    await untilOutput(pty, 'ready')
    await until('its daemon runs', async () => (await processTable.findByMark(spec.mark)).some(({ command }) => command === 'sleep 1000'))
    const reading = pty.read({ from: 0 })[Symbol.asyncIterator]()
    await reading.next()
    const pid = world.record()?.pid ?? 0
    process.kill(pid, 'SIGKILL')
    await expect(pty.exited).rejects.toMatchObject({ code: 'ERR_PTY_LOST', context: { host: pid, ptyId: pty.ptyId } })
    expect(await processTable.findByMark(spec.mark)).toEqual([])
    expect(await createCgroups().find(spec.mark)).toEqual([])
    await expect(
      (async () => {
        for (;;) if ((await reading.next()).done === true) return
      })(),
    ).rejects.toMatchObject({ code: 'ERR_PTY_LOST' })
    expect(host.list()).toEqual([])
    expect(processTable.isAlive(pty.identity)).toBe(false)
    const next = await host.spawn(sh('echo again'))
    expect(await next.exited).toMatchObject({ exitCode: 0 })
    expect(world.record()?.pid).not.toBe(pid)
  })

  it('leaves nothing to ask for when it was lost, also of a PTY that had ended; the next one is asked for none of it [PTY-14]', async () => {
    await using world = openWorld()
    const host = await world.open()
    const ended = await host.spawn(sh('echo of the first'))
    await ended.exited
    const reading = ended.read({ from: 0, mode: 'lossless' })[Symbol.asyncIterator]()
    process.kill(world.record()?.pid ?? 0, 'SIGKILL')
    await until('it is known', () => host.get(ended.ptyId) === undefined)
    const next = await host.spawn(sh('echo of the next'))
    await next.exited
    const lost = { code: 'ERR_PTY_LOST' }
    await expect(ended.text()).rejects.toMatchObject(lost)
    await expect(ended.snapshot()).rejects.toMatchObject(lost)
    await expect(ended.read({ from: 0 })[Symbol.asyncIterator]().next()).rejects.toMatchObject(lost)
    const rest = async (): Promise<void> => {
      while ((await reading.next()).done !== true);
    }
    await expect(rest()).rejects.toMatchObject(lost)
    // What came with its end is known all the same.
    expect(await ended.exited).toMatchObject({ exitCode: 0 })
    expect(await text(ended)).toBe('of the first\r\n')
  })

  it('is lost while a PTY is being ended: who waits for that end hears that it was lost, and what it left is gone [PTY-7, PTY-9]', async () => {
    await using world = openWorld()
    const host = await world.open()
    const ptys = await Promise.all([1, 2].map(() => host.spawn(sh('trap "" HUP TERM; echo ready; while :; do sleep 0.05; done'))))
    await Promise.all(ptys.map((pty) => untilOutput(pty, 'ready')))
    const before = Promise.allSettled(ptys.map((pty) => pty.terminate({ graceMs: 60_000, askedBy: 'a test' })))
    await until('one is asked to end', async () => (await ptys[1]?.signals())?.length !== 0)
    process.kill(world.record()?.pid ?? 0, 'SIGKILL')
    const after = Promise.allSettled(ptys.map((pty) => pty.terminate({ graceMs: 50_000, askedBy: 'a test' })))
    for (const end of [...(await before), ...(await after)]) expect(end).toMatchObject({ reason: { code: 'ERR_PTY_LOST' } })
    expect(ptys.filter(({ identity }) => processTable.isAlive(identity))).toEqual([])
  })

  it('is lost while all PTYs are being ended: that ends all the same [PTY-7, PTY-9]', async () => {
    await using world = openWorld()
    const host = await world.open()
    const pty = await host.spawn(sh('trap "" HUP TERM; echo ready; while :; do sleep 0.05; done'))
    await untilOutput(pty, 'ready')
    const { socket } = world.record() ?? { socket: '' }
    const closed = host.close(60_000)
    process.kill(world.record()?.pid ?? 0, 'SIGKILL')
    await closed
    expect(processTable.isAlive(pty.identity)).toBe(false)
    for (const path of [socket, hostRecordPath(world.directory)]) expect(existsSync(path)).toBe(false)
  })

  it('is found again when its socket, its record or their directories are removed; who is connected stays so [PTY-14]', async () => {
    await using world = openWorld()
    const first = aProcess()
    const before = await world.open(first.identity)
    const pty = await before.spawn(sh('stty -echo; echo ready; while read x; do echo "got $x"; done'))
    await untilOutput(pty, 'ready')
    const socket = world.record()?.socket ?? ''
    for (const path of [socket, dirname(socket), hostRecordPath(world.directory), dirname(hostRecordPath(world.directory))]) {
      try {
        rmSync(path, { recursive: true })
      } catch {
        // the record is back before its directory is gone
      }
      await until('both are there again', () => existsSync(socket) && world.record() !== null)
      await pty.write(Buffer.from('x\n'))
    }
    before.detach()
    await first.die()
    const after = await world.open()
    const found = after.get(pty.ptyId) as Pty
    await found.write(Buffer.from('end\n'))
    await untilOutput(found, 'got end')
    expect((await text(found)).match(/got x/gu)).toHaveLength(4)
  })

  it('is one, though several orchestrators start it at the same moment [PTY-14]', async () => {
    await using world = openWorld()
    const others = [aProcess(), aProcess(), aProcess()]
    const hosts = await Promise.all([ownIdentity(), ...others.map(({ identity }) => identity)].map((identity) => world.open(identity)))
    const ptys = await Promise.all(hosts.map((host) => host.spawn(sh('echo $PPID; read x'))))
    await Promise.all(ptys.map((pty) => untilOutput(pty, '\r\n')))
    const parents = new Set(await Promise.all(ptys.map(async (pty) => (await text(pty)).trim())))
    expect([...parents]).toEqual([String(world.record()?.pid)])
    for (const host of hosts) await host.close(0)
    for (const other of others) await other.die()
  })

  it('is heard of an end that came with the answer to the start [PTY-13]', async () => {
    await using world = openWorld()
    const host = await world.open()
    await (
      await host.spawn(sh('true'))
    ).exited
    for (let round = 0; round < 5; round += 1) {
      const spawning = host.spawn(sh('exit 4'))
      await new Promise((resolve) => setImmediate(resolve))
      // Meanwhile all of it arrives, and is read at once.
      for (const end = performance.now() + 100; performance.now() < end;);
      expect(await (await spawning).exited).toMatchObject({ exitCode: 4 })
    }
  })

  it('closes a connection that sends nonsense, and no other [PTY-14]', async () => {
    await using world = openWorld()
    const host = await world.open()
    const pty = await host.spawn(sh('stty -echo; echo ready; while read x; do echo "got $x"; done'))
    const { socket } = world.record() ?? { socket: '' }
    for (const nonsense of [
      Buffer.alloc(64, 0xff),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.alloc(16),
      Buffer.from([0, 0, 0, 2, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 123, 125]),
    ]) {
      await new Promise<void>((resolve, reject) => {
        const bad = connect(socket, () => bad.write(nonsense))
        bad.on('close', () => resolve())
        bad.on('error', reject)
        bad.resume()
      })
    }
    await pty.write(Buffer.from('fine\n'))
    await untilOutput(pty, 'got fine')
  })

  it('of another major version does nothing for an orchestrator but drain, and says so [PTY-14]', async () => {
    await using world = openWorld()
    const host = await world.open()
    const pty = await host.spawn(sh('read x'))
    const other = aProcess()
    const client = { protocol: { major: HOST_PROTOCOL.major + 1, minor: 0 }, version: '9.0.0', identity: other.identity }
    const link = await HostLink.open(world.record()?.socket ?? '', client, { frame: () => undefined, closed: () => undefined }, systemClock)
    await expect(link.request('adopt', {})).rejects.toMatchObject({ code: 'ERR_HOST_VERSION' })
    await link.request('drain', {})
    await expect(host.spawn(sh('true'))).rejects.toMatchObject({ code: 'ERR_HOST_DRAINING', retryable: true })
    expect(processTable.isAlive(pty.identity)).toBe(true)
    const { pid } = world.record() ?? { pid: 0 }
    await pty.write(Buffer.from('\n'))
    await pty.exited
    pty.release()
    await until('it has ended with its last PTY', () => world.record() === null)
    expect(await (await host.spawn(sh('exit 5'))).exited).toMatchObject({ exitCode: 5 })
    expect(world.record()?.pid).not.toBe(pid)
    await other.die()
  })

  it('is reached again when a connection breaks: readings go on without gap or repeat, and what was asked is answered [PTY-14]', async () => {
    await using world = openWorld()
    const through: Socket[] = []
    const path = join(world.directory, 'proxy.sock')
    const proxy = createServer((socket) => {
      const inner = connect(world.record()?.socket ?? '')
      through.push(socket)
      for (const end of [socket, inner]) end.on('error', () => undefined)
      socket.pipe(inner).pipe(socket)
      socket.on('close', () => inner.destroy())
    })
    await new Promise<void>((resolve) => proxy.listen(path, resolve))
    const host = await world.open(ownIdentity(), path)
    const pty = await host.spawn(sh(COUNTER))
    const { seen, gaps } = follow(pty)
    for (let cut = 1; cut <= 5; cut += 1) {
      const before = numbersIn(seen()).length
      await until('it counts on', () => numbersIn(seen()).length > before + 10)
      through.at(-1)?.destroy()
      expect((await pty.tail(20)).length).toBe(20)
      await until('it is connected again', () => through.length > cut)
    }
    const before = numbersIn(seen()).length
    await until('it counts on', () => numbersIn(seen()).length > before + 10)
    expect(numbersIn(seen())[0]).toBe(1)
    expect(isWithoutGap(numbersIn(seen()))).toBe(true)
    expect(gaps()).toBe(0)
    await host.close(0)
    proxy.close()
  })
})
