import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { encodeFrame, FRAME, type FrameType } from '../../../src/protocols/control/frames.ts'
import { encodeBody, HOST_PROTOCOL } from '../../../src/terminal-host/wire.ts'
import { seededRandom } from '../../helpers/seeded-random.ts'
import { openWorld, ownIdentity } from './remote-kit.ts'
import { sh, untilOutput } from './terminal-kit.ts'
import { until } from '../../helpers/cli.ts'

const CONNECTIONS = 400
/** At once. */
const BATCH = 20
const seed = Number(process.env['SIGNALBOX_SEED'] ?? Date.now() % 1_000_000)
/** Equal looks at its descriptors that make it one at rest. */
const RESTING_LOOKS = 15
/** What one batch may leave to the collector; each connection may have announced a body of 16 MB. */
const GROWTH_BYTES = 64 << 20

/** Not those that do what they say for anybody who says it right: terminate, signal, release, drain, leave. */
const METHODS = [
  'spawn',
  'adopt',
  'write',
  'receipt',
  'waiting',
  'list',
  'resize',
  'tail',
  'snapshot',
  'text',
  'search',
  'signals',
  'toString',
  '',
]
const VALUES: readonly unknown[] = [null, -1, 0.5, 1e300, 'x', '', [], {}, { $bytes: '!' }, true, 16_777_217, '\u0000']
const KEYS = ['handle', 'input', 'key', 'cols', 'rows', 'bytes', 'spec', 'again', 'from', 'tail', 'mode', 'since', 'text', '__proto__']

/** What one connection sends: a hello, most often, and then anything. */
const noiseOf = (random: () => number): Buffer => {
  const below = (end: number): number => Math.floor(random() * end)
  const among = <T>(all: readonly T[]): T => all[below(all.length)] as T
  const bytes = (most: number): Buffer => Buffer.from(Array.from({ length: below(most) }, () => below(256)))
  // Input is for nobody: what is typed into the terminal by who says it right is no noise.
  const channel = (type: FrameType): number =>
    type === FRAME.input ? 0x70_70_70 + below(99) : below(4) === 0 ? below(0xff_ffff) : below(3)
  const frame = (type: FrameType, offset: number, body: Uint8Array): Buffer =>
    Buffer.concat(encodeFrame({ type, channel: channel(type), offset, body }))
  const params = (): unknown =>
    below(5) === 0 ? among(VALUES) : Object.fromEntries(Array.from({ length: below(5) }, () => [among(KEYS), among(VALUES)]))
  const hello = { protocol: HOST_PROTOCOL, version: 'noise', identity: { pid: 1, startTime: '0', bootId: 'noise' } }
  const parts: Buffer[] = below(8) === 0 ? [] : [frame(FRAME.hello, 0, encodeBody(hello))]
  for (let count = 1 + below(8); count > 0; count -= 1) {
    const kind = below(7)
    if (kind === 0) parts.push(bytes(200))
    else if (kind < 4) parts.push(frame(FRAME.request, below(1_000), encodeBody({ method: among(METHODS), params: params() })))
    else if (kind === 4) parts.push(frame(FRAME.open, below(10), encodeBody(params())))
    else parts.push(frame(among(Object.values(FRAME)), below(2) === 0 ? below(1e6) : Number.MAX_SAFE_INTEGER, bytes(60)))
  }
  const all = Buffer.concat(parts)
  for (let flips = below(3); flips > 0 && all.length > 0; flips -= 1) all[below(all.length)] = below(256)
  return below(4) === 0 ? all.subarray(0, below(all.length)) : all
}

/** Sends it, takes what is answered, and leaves. */
const send = (socket: string, noise: Buffer): Promise<void> =>
  new Promise((resolve) => {
    const connection = connect(socket, () => connection.end(noise))
    connection.on('error', () => {}).on('close', () => resolve())
    connection.resume()
  })

describe('a terminal host that is sent noise', () => {
  it(`on ${CONNECTIONS} connections, closes those alone: its terminals go on, and it keeps nothing of it [PTY-14]`, async () => {
    console.log(`noise: seed ${seed} (SIGNALBOX_SEED=${seed} repeats it)`)
    await using world = openWorld()
    const host = await world.open()
    const pty = await host.spawn(sh('stty -echo; echo ready; n=0; while read x; do n=$((n+1)); echo "got $n $x"; done'))
    await untilOutput(pty, 'ready')
    const { pid, socket } = world.record() ?? { pid: 0, socket: '' }
    const descriptors = (): number => readdirSync(`/proc/${pid}/fd`).length
    // What is opened ahead is there first, with all that belongs to it.
    let [seen, looks] = [0, 0]
    const rests = (count: number): boolean => ((looks = count === seen ? looks + 1 : 0), (seen = count), looks >= RESTING_LOOKS)
    const resident = (): number => Number(/VmRSS:\s+(\d+)/u.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024
    const random = seededRandom(seed)
    const batch = async (): Promise<void> => void (await Promise.all(Array.from({ length: BATCH }, () => send(socket, noiseOf(random)))))
    await batch()
    await until('it is at rest', () => rests(descriptors()))
    const before = { descriptors: descriptors(), resident: resident() }
    for (let sent = BATCH; sent < CONNECTIONS; sent += BATCH) {
      await batch()
      const number = sent / BATCH
      await pty.write(Buffer.from(`batch ${number}\n`))
      await untilOutput(pty, `got ${number} batch ${number}\r\n`)
    }
    expect(world.record()?.pid).toBe(pid)
    expect(host.list().map(({ ptyId }) => ptyId)).toEqual([pty.ptyId])
    await until('it has as few descriptors as before', () => descriptors() <= before.descriptors)
    await until('it has let go of the memory', () => resident() < before.resident + GROWTH_BYTES)
    // Who speaks its language is heard as ever.
    const again = await world.open(ownIdentity())
    expect(again.get(pty.ptyId)?.identity).toEqual(pty.identity)
  }, 120_000)
})
