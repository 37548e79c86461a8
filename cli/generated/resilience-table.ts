import { allActions } from "../../contracts/actions.ts";
import { type ActionContract, takesKey } from "../../contracts/contract.ts";
import { BULKHEADS, DEADLINE_MS, RETRIES } from "../../middlewares/resilience.ts";

/** What `docs/reference/resilience.md` says of every action, as a table in Markdown. */
export function resilienceTable(): string {
	const rows = [...allActions()].map(([name, { contract }]) => [
		`\`${name}\``,
		seconds(contract.timeout_ms ?? DEADLINE_MS),
		retries(contract),
		bulkhead(name),
		contract.cached ? seconds(contract.cached.fresh_ms) : "",
	]);
	return aligned([["action", "deadline", "retries", "concurrency (queue)", "cached"], ...rows]);
}

function retries(contract: ActionContract): string {
	const { idempotent } = contract;
	if (idempotent === true) {
		return `${RETRIES} times`;
	}
	return idempotent || takesKey(contract) ? `${RETRIES} times, with a key` : "";
}

function bulkhead(name: string): string {
	const limits = BULKHEADS[name];
	return limits ? `${limits.concurrency} (${limits.maxQueueSize})` : "";
}

function seconds(ms: number): string {
	return `${ms / 1000} s`;
}

function aligned(rows: string[][]): string {
	const widths = (rows[0] as string[]).map((_, column) =>
		Math.max(...rows.map((row) => (row[column] as string).length)),
	);
	const lines = rows.map(
		(row) => `| ${row.map((cell, at) => cell.padEnd(widths[at] as number)).join(" | ")} |`,
	);
	return [lines[0], `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...lines.slice(1)].join(
		"\n",
	);
}
