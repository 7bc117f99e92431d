import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect as connectSocket, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connect } from '../src/client/index.ts'
import { startControlServer } from '../src/runtime/control/server.ts'
import { startRuntime } from '../src/runtime/runtime.ts'
import { type Suite, timed } from './harness.ts'

const run = promisify(execFile)
const CALLS = 200

/** The plainest thing that answers lines of JSON: for what a round trip costs without signalbox. */
const bareEcho = async (path: string): Promise<{ ask: () => Promise<void>; close: () => void }> => {
  const onLines = (socket: Socket, handle: (line: string) => void): void => {
    let rest = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk) => {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      lines.forEach(handle)
    })
  }
  const server = createServer((socket) => {
    onLines(socket, (line) => {
      const { id, payload } = JSON.parse(line) as { id: string; payload: unknown }
      socket.write(`${JSON.stringify({ id, payload })}\n`)
    })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const client = connectSocket(path)
  let answered = (): void => {}
  onLines(client, (line) => {
    JSON.parse(line)
    answered()
  })
  let count = 0
  return {
    ask: () =>
      new Promise((resolve) => {
        answered = resolve
        client.write(`${JSON.stringify({ id: `${(count += 1)}`, method: 'echo', payload: {} })}\n`)
      }),
    close: () => {
      client.destroy()
      server.close()
    },
  }
}

/** The case of a round trip over the control socket, beside one over a bare Unix socket. */
export const controlRoundTrip = async (): Promise<Pick<Suite, 'cases' | 'close'>> => {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-bench-'))
  const workspace = join(directory, 'repository')
  await run('git', ['init', '--quiet', '--initial-branch=main', workspace])
  const identity = ['-c', 'user.name=bench', '-c', 'user.email=bench@example.invalid']
  await run('git', ['-C', workspace, ...identity, 'commit', '--quiet', '--allow-empty', '-m', 'start'])
  const runtime = await startRuntime({ workspace, stateHome: join(directory, 'state') })
  const server = await startControlServer({ runtime, socketPath: join(directory, 'run', 'control.sock') })
  const client = await connect(server.socketPath)
  const bare = await bareEcho(join(directory, 'bare.sock'))
  const many = async (call: () => Promise<unknown>): Promise<number[]> => {
    const samples: number[] = []
    for (let count = 0; count < CALLS; count += 1) samples.push((await timed(call)) * 1_000)
    return samples
  }
  return {
    cases: [
      {
        name: 'control',
        unit: 'µs',
        better: 'lower',
        ours: () => many(() => client.call('dead-letters.list', {})),
        baseline: () => many(bare.ask),
      },
    ],
    close: async () => {
      bare.close()
      client.close()
      await server.close()
      await runtime.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
