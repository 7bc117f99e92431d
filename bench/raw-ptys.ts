/**
 * What node-pty alone takes, in a process of its own: its writer goes on spinning after the end of a terminal, which would
 * be measured with the others.
 *   node bench/raw-ptys.ts idle COUNT   resident memory with so many idle terminals, in MB
 *   node bench/raw-ptys.ts deaf MS      % of a processor while input waits for a child that does not read
 */
import { setTimeout as delay } from 'node:timers/promises'
import { cpuWhileDeaf } from './pty-measures.ts'
import { raw, residentMegabytes } from './pty-subjects.ts'

const [what, number = '0'] = process.argv.slice(2)
if (what === 'deaf') console.log((await cpuWhileDeaf(raw, Number(number))).join())
else {
  for (let count = 0; count < Number(number); count += 1) await raw.start(['/bin/cat'], () => {})
  await delay(500)
  console.log(residentMegabytes(process.pid))
}
process.exit(0) // its terminals end with it
