/** Ethernet between the bridges of two machines: docs/hosts.md. */
export { findWay, sourceOf } from './find-way.ts';
export { reachesNeighbour } from './passes.ts';
export { layTunnelEnd, removeTunnelEnd, type TunnelEnd, tunnelEndStands } from './tunnel-end.ts';
