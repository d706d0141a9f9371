import { randomUUID } from 'node:crypto';
import { messageOf } from './small-files.ts';

type Task =
  | { readonly state: 'running' }
  | { readonly state: 'done'; readonly value: unknown }
  | { readonly state: 'failed'; readonly message: string };

/** How many finished tasks are remembered. */
const memory = 200;

/** The work that was begun for a caller who comes back to ask for its end. One task runs at a time, as in the real agent. */
export class Tasks {
  readonly #tasks = new Map<string, Task>();
  #last: Promise<unknown> = Promise.resolve();

  /** Begins the work once what was begun before is done, and gives the task's id. */
  begin(work: () => Promise<unknown>): string {
    const id = randomUUID();
    this.#tasks.set(id, { state: 'running' });
    this.#last = this.#last.then(work).then(
      (value) => this.#end(id, { state: 'done', value }),
      (error: unknown) => this.#end(id, { state: 'failed', message: messageOf(error) }),
    );
    return id;
  }

  /** The task's value, or that it runs. Throws the task's own failure, or that there is no such task. */
  answer(id: string): unknown {
    const task = this.#tasks.get(id);
    if (!task) throw new Error(`Task with id ${id} could not be found`);
    if (task.state === 'running') return { agent_task_id: id, state: 'running' };
    if (task.state === 'failed') throw new Error(task.message);
    return task.value;
  }

  #end(id: string, task: Task): void {
    this.#tasks.set(id, task);
    const finished = [...this.#tasks].filter(([, { state }]) => state !== 'running').map(([key]) => key);
    for (const old of finished.slice(0, -memory)) this.#tasks.delete(old);
  }
}
