import { directScheduler } from './src/adapters/schedulers/direct-scheduler.adapter.ts'
import { nactScheduler } from './src/adapters/schedulers/nact-scheduler.adapter.ts'
import { restarts, spawns } from './bench/kernel-systems.ts'
const sch = process.argv[2]==='nact'?nactScheduler:directScheduler
if (process.argv[3]==='spawn') for(let i=0;i<60;i++) await spawns(sch(),10000)
else for(let i=0;i<60;i++) await restarts(sch(),5000)
