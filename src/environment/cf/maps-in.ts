import { isMap, type Node, type NodeMap } from '../../engine/template/index.ts';

/** The maps in a list; empty if it is none. */
export const mapsIn = (node: Node | undefined): NodeMap[] => (Array.isArray(node) ? node.filter(isMap) : []);
