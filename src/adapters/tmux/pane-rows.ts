import type { ControlClient } from './control-client.ts'

/** The rows of a terminal that is putting out are asked for at most this often. */
const TRIES = 20

/**
 * The rows of a pane, with its history. What tmux reads before the answer is in the rows, what comes after it follows them;
 * asked again where the cursor moved meanwhile.
 * @param answered called at the place of the answer in the stream with a list that is filled with the rows a moment later:
 *   output that follows is to be put behind
 */
export async function rowsOf(client: ControlClient, paneId: string, answered: (output: Uint8Array[]) => void): Promise<void> {
  const cursor = (): Promise<readonly Buffer[]> =>
    client.run('display-message', '-p', '-t', paneId, '#{cursor_x} #{cursor_y} #{history_size}')
  for (let tries = 0; tries < TRIES; tries += 1) {
    const output: Uint8Array[] = []
    const before = cursor()
    const captured = client.ask(() => answered(output), 'capture-pane', '-p', '-e', '-J', '-S', '-', '-t', paneId)
    const [[first = ''], rows, [last = '']] = await Promise.all([before, captured, cursor()])
    output.unshift(screenOf(rows, String(last).startsWith('0 ')))
    if (String(first) === String(last)) return
  }
}

/**
 * The rows of a pane as output that shows them: what was put out is not known any more.
 * @param atLineBegin whether the cursor is at the begin of a line, such as the one after the last
 */
function screenOf(rows: readonly Buffer[], atLineBegin: boolean): Uint8Array {
  let last = rows.length
  while (last > 0 && rows[last - 1]?.length === 0) last -= 1
  const lineEnd = Buffer.from('\r\n')
  const lines = rows.slice(0, last).flatMap((row, index) => (index === 0 ? [row] : [lineEnd, row]))
  return Buffer.concat(atLineBegin && last > 0 ? [...lines, lineEnd] : lines)
}
