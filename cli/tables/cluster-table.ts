import type { NodeState } from "../../hosting/nodes.ts";
import type { ManagedProcess } from "../../hosting/process-manager.ts";
import { columns } from "./columns.ts";

/** Returns a table of the processes of a cluster, with their state and load. */
export function clusterTable(processes: readonly ManagedProcess[], nodes: NodeState[]): string {
	const rows = processes.map((process) => {
		const node = nodes.find(({ id }) => id === process.nodeID);
		return [
			process.name,
			process.state,
			String(process.pid ?? ""),
			...measured(node),
			String(process.restarts),
		];
	});
	return columns([["process", "state", "pid", "cpu %", "calls/s", "cache hits %", "restarts"], ...rows]);
}

function measured(node: NodeState | undefined): string[] {
	return [node?.cpu, node?.calls_per_second, node?.cache_hits].map((number) => String(number ?? ""));
}
