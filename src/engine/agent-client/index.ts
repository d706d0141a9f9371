/** Speaks to a BOSH agent over HTTPS, as create-env does (contract 5.3). */
export { AgentClient, type AgentState } from './agent-client.ts';
