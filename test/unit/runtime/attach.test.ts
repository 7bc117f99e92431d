import type { Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { Pty, ScreenSnapshot } from '../../../src/ports/terminal-host.port.ts'
import { FRAME, FrameDecoder, readJsonBody } from '../../../src/protocols/control/frames.ts'
import { CONTROL_LIMITS } from '../../../src/protocols/control/limits.ts'
import { attachment } from '../../../src/runtime/control/attach.ts'
import { createSeats } from '../../../src/runtime/control/seats.ts'
import { Output } from '../../../src/terminal-host/output.ts'
import { unavailable } from '../../../src/terminal-host/screen/screens.ts'

const EXIT = { exitCode: 0, signal: null }
const DRAWN = { cols: 80, rows: 24, altScreen: false, title: '', complete: true }

/** What one sees who attaches to a program that ends, and is forgotten, while its screen is drawn. */
const attachedAtTheEnd = async (screen: (output: Output) => Promise<ScreenSnapshot>) => {
  const output = new Output(4_194_304, () => {})
  output.append(Buffer.from('first words, '))
  const snapshot = async (): Promise<ScreenSnapshot> => {
    const drawn = screen(output)
    output.append(Buffer.from('last words'))
    output.finish()
    output.release()
    return await drawn
  }
  const pty = { read: (options) => output.read(options), snapshot, exited: Promise.resolve(EXIT) } as Pick<Pty, 'read' | 'snapshot'> &
    Partial<Pty>
  const [client, server] = duplexPair()
  const frames = new FrameDecoder()
  const seen: string[] = []
  client.on('data', (bytes: Uint8Array) => {
    for (const frame of frames.push(bytes)) {
      const name = Object.entries(FRAME).find(([, type]) => type === frame.type)?.[0] ?? ''
      seen.push(
        frame.type === FRAME.end
          ? `${name} ${JSON.stringify(readJsonBody(frame))}`
          : `${name} ${frame.offset} ${Buffer.from(frame.body).toString()}`,
      )
    }
  })
  const options = {
    tailBytes: 65_536,
    screen: true,
    limits: CONTROL_LIMITS,
    seats: createSeats(() => 'latest'),
    size: undefined,
    windowSize: undefined,
  }
  attachment(pty as Pty, options)(server as unknown as Socket, new Uint8Array(0))
  await new Promise((resolve) => client.once('end', resolve))
  return seen
}

describe('attaching to a program that ends at that moment', () => {
  it('shows its screen, and all that came after it [PTY-17, PTY-20]', async () => {
    const seen = await attachedAtTheEnd((output) => Promise.resolve({ ...DRAWN, offset: output.end, bytes: Buffer.from('(drawn)') }))
    expect(seen.slice(1)).toEqual(['drawn 13 (drawn)', 'output 13 last words', `end ${JSON.stringify(EXIT)}`])
  })

  it('shows all that is held where there is no screen any more [PTY-17, PTY-20]', async () => {
    const seen = await attachedAtTheEnd(() => Promise.reject(unavailable('the terminal is gone')))
    expect(seen.filter((text) => !text.startsWith('screen'))).toEqual(['output 0 first words, last words', `end ${JSON.stringify(EXIT)}`])
  })
})
