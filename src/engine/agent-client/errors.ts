import { ToolError } from '../../platform/errors.ts';

/** Nobody answered, or nobody who speaks as an agent does. Another try may find it. */
export class AgentUnreachable extends ToolError {
  override name = 'AgentUnreachable';
}

/** Who answers at the agent's address shows another certificate or wants another password: waiting does not help. */
export class AgentDistrusted extends ToolError {
  override name = 'AgentDistrusted';

  constructor(host: string, why: string, cause?: unknown) {
    super(
      'CREATE_ENV',
      `What answers at ${host} is not the agent that was made with these credentials: ${why}`,
      {
        cause,
        hints: [
          'look whether another machine uses the address',
          'boshvirt up --recreate makes the machine anew',
        ],
      },
    );
  }
}

/** The agent did what it was asked and failed, or would not do it. */
export class AgentRefused extends ToolError {
  override name = 'AgentRefused';
  readonly method: string;
  /** The agent is too old for the method. */
  readonly unknownMethod: boolean;

  constructor(host: string, method: string, why: string) {
    super('CREATE_ENV', `The agent at ${host} failed at ${method}: ${why}`, {
      hints: ['boshvirt logs --source agent shows what it did'],
    });
    this.method = method;
    this.unknownMethod = why.includes(`unknown message ${method}`);
  }
}
