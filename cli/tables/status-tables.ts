import { styleText } from "node:util";
import type { NodeState } from "../../hosting/nodes.ts";
import type { ShopStatus } from "../../hosting/shop-status.ts";
import { columns } from "./columns.ts";

/** Number of actions that are shown however small the terminal is. */
const ACTIONS_MIN = 5;

/** Returns the status for people: the nodes, their work and its failures. */
export function statusText(status: ShopStatus, height = Number.POSITIVE_INFINITY): string {
	const before = [table(PROCESS, status.processes.map(processRow))];
	const after = [
		table(["open circuit breaker", "node", "seen by"], status.breakers.map(Object.values)),
		table(
			["queue", "of", "length", "oldest"],
			status.queues.map(({ queue, of, length, oldest_seconds }) => [
				...[queue, of, String(length)],
				oldest_seconds === null || length === 0 ? "" : `${oldest_seconds} s`,
			]),
		),
		table(
			["last error", "code", "when", "node"],
			status.errors.map(({ source, error, at, node }) => [source, error, at, node]),
		),
		[auditLine(status), readiness(status)].join("\n"),
	];
	const others = [...before, ...after]
		.filter((text) => text !== "")
		.join("\n\n")
		.split("\n").length;
	const room = Math.max(ACTIONS_MIN, height - others - 4);
	const shown = status.actions.slice(0, room);
	const actions = table(
		["action", "calls/s", "failed %", "p99 ms", "since start", "failed %", "p99 ms"],
		shown.map(({ action, calls_per_second, failed, p99_ms, since_start }) => [
			...[action, ...[calls_per_second, failed, p99_ms].map(text)],
			...[since_start.calls, since_start.failed, since_start.p99_ms].map(text),
		]),
	);
	return [...before, actions, ...after].filter((text) => text !== "").join("\n\n");
}

const PROCESS = ["node", "services", "cpu %", "loop delay ms", "calls/s", "cache hits %"];

function processRow(one: NodeState): string[] {
	const name = one.process === "node" ? one.services.join(", ") : one.process;
	const state = { up: "", unmeasured: " (no metrics)", unresponsive: " (does not respond)" }[one.state];
	const { cpu, event_loop_delay_ms, calls_per_second, cache_hits } = one;
	return [one.id, `${name}${state}`, ...[cpu, event_loop_delay_ms, calls_per_second, cache_hits].map(text)];
}

function auditLine({ audit }: ShopStatus): string {
	const found = audit?.breaches ? `${audit.breaches} breaches: \`npm run audit\` names them` : "no breach";
	return audit ? `audited at ${audit.at}: ${found}` : "not audited yet: `npm run audit`";
}

function readiness({ is_ready, unavailable }: ShopStatus): string {
	const names = unavailable.map(({ name }) => name).join(", ");
	const reasons = unavailable.flatMap(({ name, reason }) => (reason ? [`${name}: ${reason}`] : []));
	return [is_ready ? "ready" : `not ready: ${names} unavailable`, ...reasons].join("\n");
}

function text(value: number | null): string {
	return value === null ? "" : String(value);
}

/** Returns a table with its heading; empty without rows. */
function table(heading: string[], rows: string[][]): string {
	if (rows.length === 0) {
		return "";
	}
	const [first = "", ...lines] = columns([heading, ...rows]).split("\n");
	return [styleText("bold", first, { stream: process.stdout }), ...lines].join("\n");
}
