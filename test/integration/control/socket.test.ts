import { execFileSync, spawn } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { connect } from '../../../src/client/index.ts'
import { listenPrivately } from '../../../src/runtime/control/socket.ts'
import { makeRepo } from '../../helpers/git-repo.ts'
import { within } from '../run/run-kit.ts'

const directories: string[] = []
const servers: Server[] = []
const directory = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'signalbox sócket-'))
  directories.push(made)
  return made
}
const server = (): Server => {
  const made = createServer()
  servers.push(made)
  return made
}
const closed = (one: Server): Promise<void> => new Promise((resolve) => one.close(() => resolve()))
afterEach(async () => {
  for (const one of servers.splice(0)) if (one.listening) await closed(one)
  for (const each of directories.splice(0)) rmSync(each, { recursive: true, force: true })
})

/** Leaves a socket behind, as `kill -9` does. */
const leaveSocket = (path: string): void => {
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  try {
    execFileSync(process.execPath, ['-e', script], { stdio: 'ignore' })
  } catch {
    // It killed itself.
  }
  expect(lstatSync(path).isSocket()).toBe(true)
}

describe('the control socket', () => {
  it('takes the place of one that a killed process left, and of nobody who listens', async () => {
    const path = join(directory(), 'a', 'control.sock')
    mkdirSync(dirname(path))
    leaveSocket(path)
    const first = server()
    const remove = await listenPrivately(first, path)
    await expect(listenPrivately(server(), path)).rejects.toMatchObject({ code: 'ERR_CONTROL_IN_USE' })
    await closed(first)
    await remove()
    expect(existsSync(path)).toBe(false)
  })

  it('at a long path is a link to a short one; what a killed process left of that is removed', async () => {
    const path = join(directory(), 'x'.repeat(120), 'control.sock')
    const first = server()
    const remove = await listenPrivately(first, path)
    const short = readlinkSync(path)
    expect(lstatSync(dirname(short)).mode & 0o077).toBe(0)
    await expect(listenPrivately(server(), path)).rejects.toMatchObject({ code: 'ERR_CONTROL_IN_USE' })
    // As if it had been killed: the socket is there, and nobody listens.
    await closed(first)
    const second = server()
    const removeSecond = await listenPrivately(second, path)
    expect(readlinkSync(path)).not.toBe(short)
    expect(existsSync(dirname(short))).toBe(false)
    await remove()
    expect(existsSync(path)).toBe(true)
    await closed(second)
    await removeSecond()
    expect(readdirSync(dirname(path))).toEqual([])
  })

  it('cannot be made where something else is in the way, which stays', async () => {
    const base = directory()
    mkdirSync(join(base, 'directory'))
    writeFileSync(join(base, 'file'), 'text')
    for (const name of ['directory', 'file', join('file', 'control.sock')]) {
      await expect(listenPrivately(server(), join(base, name))).rejects.toMatchObject({ code: 'ERR_CONTROL_SOCKET_FAILED' })
    }
    expect(readFileSync(join(base, 'file'), 'utf8')).toBe('text')
  })

  it('lets an orchestrator that is out of descriptors serve those who are connected, and others later [PTY-4]', async () => {
    const repo = await makeRepo()
    const path = join(repo.base, 'run', 'control.sock')
    const script = join(import.meta.dirname, 'fixtures', 'orchestrator.ts')
    const child = spawn(
      '/bin/sh',
      ['-c', 'ulimit -n 90; exec "$0" "$@"', process.execPath, script, repo.root, join(repo.base, 'state'), path],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    try {
      await within(30_000, 'the start', new Promise((resolve) => child.stdout.once('data', resolve)))
      await using first = await connect(path)
      const many = await Promise.allSettled(Array.from({ length: 150 }, () => connect(path, { signal: AbortSignal.timeout(3_000) })))
      expect(many.some(({ status }) => status === 'rejected')).toBe(true)
      expect(await first.call('tree.get', {})).toHaveProperty('tree')
      for (const one of many) if (one.status === 'fulfilled') one.value.close()
      await using later = await connect(path)
      expect(await later.call('status', {})).toMatchObject({ pid: child.pid })
    } finally {
      child.kill('SIGKILL')
      await new Promise((resolve) => child.once('exit', resolve))
      await repo.cleanup()
    }
  })
})
