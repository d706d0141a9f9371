// Loaded into the Node that is measured: at its end it writes down the kernel's account of its memory. Not ru_maxrss, which
// begins with what the process that started it had.
const { readFileSync, writeFileSync } = require('node:fs');

process.on('exit', () => writeFileSync(process.env.BENCH_PEAK_FILE, readFileSync('/proc/self/status')));
