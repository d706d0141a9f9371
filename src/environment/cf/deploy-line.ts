/** What a line of a running task tells. */
export interface DeployLine {
  readonly task: number;
  /** For whoever waits, without task and time of day. */
  readonly text: string;
}

/** Reads a line that bosh prints of a director's task, `Task 12 | 10:04:31 | Updating instance …`; undefined for other lines. */
export function readDeployLine(line: string): DeployLine | undefined {
  const [, task, text] = /^Task (\d+) \| \d\d:\d\d:\d\d \| (.*\S)/.exec(line.trim()) ?? [];
  return task === undefined || text === undefined ? undefined : { task: Number(task), text };
}
