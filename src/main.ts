/**
 * The fork in the road. bosh starts `boshvirt cpi` twice for each step it takes, so that path must not load the command
 * framework (docs/decisions/0001).
 */
if (process.argv[2] === 'cpi') {
  const { runCpi } = await import('./cpi/main.ts');
  await runCpi(process.argv.slice(3), {
    input: process.stdin,
    writeOutput: (text) => process.stdout.write(text),
    writeLog: (text) => process.stderr.write(text),
  });
} else {
  const { runCommandLine } = await import('./command-line/run.ts');
  await runCommandLine(process.argv.slice(2));
}
