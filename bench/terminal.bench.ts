import { tmpdir } from 'node:os'
import * as nodePty from 'node-pty'
import { createProcessTable } from '../src/adapters/process-table.ts'
import { systemClock } from '../src/adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../src/adapters/system/system-random.adapter.ts'
import type { Pty } from '../src/ports/terminal-host.port.ts'
import { createIdFactory } from '../src/protocols/id-factory.ts'
import { createInProcessTerminalHost } from '../src/terminal-host/in-process-host.ts'
import { type Samples, type Suite, timed } from './harness.ts'

const cwd = tmpdir()
const environment = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined))
const FIRST_BYTE = ['/bin/echo', 'x'] as const
const ECHO = ['/bin/sh', '-c', 'stty raw -echo; printf R; exec cat'] as const
const output = (bytes: number): readonly string[] => ['/bin/sh', '-c', `stty raw; head -c ${bytes} /dev/zero | tr '\\0' 'x'`]

/** Spawn to first byte, output and echo through the terminal engine. Baseline: node-pty by its public API. */
export const terminalSuite = async ({ smoke }: { readonly smoke: boolean }): Promise<Suite> => {
  const host = createInProcessTerminalHost({ clock: systemClock, processTable: createProcessTable() })
  const ids = createIdFactory({ clock: systemClock, random: systemRandom })
  const outputBytes = smoke ? 20_000_000 : 50_000_000
  const echoes = smoke ? 500 : 2_000

  const spawn = (argv: readonly string[]): Promise<Pty> => {
    const ptyId = ids.next('pty')
    const mark = `bench/${ptyId}/1`
    return host.spawn({ ptyId, argv, env: { ...environment, SIGNALBOX_MARK: mark }, cwd, mark })
  }
  const rawSpawn = ([file = '', ...args]: readonly string[]): nodePty.IPty =>
    nodePty.spawn(file, args, { cols: 120, rows: 30, cwd, env: environment, encoding: null })
  const rawExit = (pty: nodePty.IPty): Promise<void> => new Promise((resolve) => pty.onExit(() => resolve()))

  const echoOurs = async (): Promise<Samples> => {
    const pty = await spawn(ECHO)
    const chunks = pty.read({ mode: 'lossless' })[Symbol.asyncIterator]()
    await chunks.next()
    const samples: number[] = []
    const byte = Buffer.from('x')
    for (let count = 0; count < echoes; count += 1) {
      const began = performance.now()
      const written = pty.write(byte)
      await chunks.next()
      samples.push((performance.now() - began) * 1000)
      await written
    }
    await pty.terminate({ graceMs: 0, askedBy: 'bench' })
    return samples
  }
  const echoRaw = async (): Promise<Samples> => {
    const pty = rawSpawn(ECHO)
    const ended = rawExit(pty)
    let arrived = (): void => {}
    const next = (): Promise<void> => new Promise((resolve) => (arrived = resolve))
    pty.onData(() => arrived())
    await next()
    const samples: number[] = []
    for (let count = 0; count < echoes; count += 1) {
      const began = performance.now()
      const echoed = next()
      pty.write('x')
      await echoed
      samples.push((performance.now() - began) * 1000)
    }
    pty.kill('SIGKILL')
    await ended
    return samples
  }

  return {
    name: 'terminal',
    cases: [
      {
        name: 'spawn to first byte',
        unit: 'ms',
        better: 'lower',
        ours: async () => {
          let pty: Pty | undefined
          const sample = await timed(async () => {
            pty = await spawn(FIRST_BYTE)
            await pty.read()[Symbol.asyncIterator]().next()
          })
          await pty?.exited
          return [sample]
        },
        baseline: async () => {
          let ended: Promise<void> | undefined
          const sample = await timed(() => {
            const pty = rawSpawn(FIRST_BYTE)
            ended = rawExit(pty)
            return new Promise<void>((resolve) => pty.onData(() => resolve()))
          })
          await ended
          return [sample]
        },
      },
      {
        name: 'output',
        unit: 'MB/s',
        better: 'higher',
        ours: async () => {
          let bytes = 0
          const took = await timed(async () => {
            const pty = await spawn(output(outputBytes))
            for await (const chunk of pty.read({ mode: 'lossless' })) if ('bytes' in chunk) bytes += chunk.bytes.length
          })
          if (bytes !== outputBytes) throw new Error(`${bytes} of ${outputBytes} bytes arrived`)
          return [bytes / took / 1000]
        },
        baseline: async () => {
          let bytes = 0
          const took = await timed(async () => {
            const pty = rawSpawn(output(outputBytes))
            pty.onData((data: unknown) => (bytes += (data as Buffer).length))
            await rawExit(pty)
          })
          return [bytes / took / 1000]
        },
      },
      { name: 'echo', unit: 'µs', better: 'lower', ours: echoOurs, baseline: echoRaw },
    ],
    close: () => host.close(0),
  }
}
