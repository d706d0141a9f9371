/** Speaks to a BOSH agent over HTTPS, as create-env does (contract 5.3). */
export { type AgentAddress, AgentClient, type AgentState } from './agent-client.ts';
export { AgentDistrusted, AgentRefused, AgentUnreachable } from './errors.ts';
