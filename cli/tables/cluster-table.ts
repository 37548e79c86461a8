import { table as draw, getBorderCharacters } from "table";
import type { NodeState } from "../../hosting/nodes.ts";
import type { ManagedProcess } from "../../hosting/process-manager.ts";

/** Returns a table of the processes of a cluster, with their state and load. */
export function clusterTable(processes: readonly ManagedProcess[], nodes: NodeState[]): string {
	const rows = processes.map((member) => {
		const node = nodes.find(({ id }) => id === member.nodeID);
		return [member.name, member.state, String(member.pid ?? ""), ...measured(node), String(member.restarts)];
	});
	return drawn([["process", "state", "pid", "cpu %", "calls/s", "cache hits %", "restarts"], ...rows]);
}

/** Returns a table of all nodes of a shop, on any machine. */
export function nodesTable(nodes: NodeState[]): string {
	const rows = nodes
		.toSorted((one, other) => one.services.join().localeCompare(other.services.join()))
		.map((node) => [node.id, node.services.join(", "), ...measured(node)]);
	return drawn([["node", "services", "cpu %", "calls/s", "cache hits %"], ...rows]);
}

function measured(node: NodeState | undefined): string[] {
	return [node?.cpu, node?.calls_per_second, node?.cache_hits].map((number) => String(number ?? ""));
}

function drawn(rows: string[][]): string {
	return draw(rows, {
		border: getBorderCharacters("void"),
		columnDefault: { paddingLeft: 0, paddingRight: 2 },
		drawHorizontalLine: () => false,
	}).trimEnd();
}
