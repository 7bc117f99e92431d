import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeRepo } from '../helpers/git-repo.ts'
import { HELLO } from '../integration/control/control-kit.ts'
import { within } from '../integration/run/run-kit.ts'

const CLIENTS = 1_000
const MOST_BYTES = 50_000_000

const residentBytes = (pid: number): number => Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4_096

/** A client that has said hello and was answered. */
const greeted = (path: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('error', reject)
    socket.once('data', () => resolve(socket))
    socket.write(HELLO)
  })

describe('idle clients', () => {
  it(`${CLIENTS} of them cost an orchestrator less than ${MOST_BYTES / 1_000_000} MB, and it answers another`, async () => {
    const repo = await makeRepo()
    const path = join(repo.base, 'run', 'control.sock')
    const script = join(import.meta.dirname, '../integration/control/fixtures/orchestrator.ts')
    const child = spawn(process.execPath, [script, repo.root, join(repo.base, 'state'), path], { stdio: ['ignore', 'pipe', 'inherit'] })
    const sockets: Socket[] = []
    try {
      await within(30_000, 'the start', new Promise((resolve) => child.stdout.once('data', resolve)))
      // What the first few need is there for all.
      while (sockets.length < 20) sockets.push(await greeted(path))
      const before = residentBytes(child.pid!)
      while (sockets.length < CLIENTS + 20) sockets.push(...(await Promise.all(Array.from({ length: 50 }, () => greeted(path)))))
      const cost = residentBytes(child.pid!) - before
      console.log(`${CLIENTS} idle clients: ${(cost / 1_000_000).toFixed(1)} MB`)
      expect(cost).toBeLessThan(MOST_BYTES)
      sockets.push(await within(10_000, 'another hello', greeted(path)))
    } finally {
      for (const socket of sockets) socket.destroy()
      child.kill('SIGKILL')
      await new Promise((resolve) => child.once('exit', resolve))
      await repo.cleanup()
    }
  })
})
