import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** Why no real server can be started, or null. */
export const whyNoRedis = (): string | null =>
  spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).error === undefined
    ? null
    : 'no redis-server (script/setup --tools installs it)'

/** A server on a socket in a directory of its own. */
export type RedisServer = {
  readonly socket: string
  start(): Promise<void>
  /** As by a crash. */
  kill(): Promise<void>
  dispose(): Promise<void>
}

export const redisServer = (): RedisServer => {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-redis-'))
  const socket = join(directory, 'redis.sock')
  let server: ChildProcess | null = null
  const kill = async (): Promise<void> => {
    const running = server
    server = null
    if (running === null || running.exitCode !== null || running.signalCode !== null) return
    const ended = new Promise((resolve) => running.once('exit', resolve))
    running.kill('SIGKILL')
    await ended
    rmSync(socket, { force: true })
  }
  return {
    socket,
    async start() {
      const args = ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no', '--dir', directory]
      server = spawn('redis-server', args, { stdio: 'ignore' })
      for (let tries = 0; !existsSync(socket); tries += 1) {
        if (tries > 1_000 || server.exitCode !== null) throw new Error('redis-server did not start')
        await delay(10)
      }
    },
    kill,
    async dispose() {
      await kill()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
