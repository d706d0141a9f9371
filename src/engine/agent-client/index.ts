/** Speaks to a BOSH agent over HTTPS, as create-env does (contract 5.3). */
export { AgentClient } from './agent-client.ts';
export { AgentDistrusted, AgentRefused, AgentUnreachable } from './errors.ts';
