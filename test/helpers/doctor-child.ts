// Runs doctor in a process of its own and prints its report: `node doctor-child.ts OPTIONS`, OPTIONS a DoctorOptions as JSON.
import { writeSync } from 'node:fs'
import { diagnose, type DoctorOptions } from '../../src/runtime/doctor/doctor.ts'

const report = await diagnose(JSON.parse(process.argv[2] ?? '') as DoctorOptions)
writeSync(1, `${JSON.stringify(report)}\n`)
