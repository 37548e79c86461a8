import { allActions } from "../../contracts/actions.ts";
import { type ActionContract, takesKey } from "../../contracts/contract.ts";
import { DEADLINE_MS, RETRIES } from "../../middlewares/resilience.ts";
import { code, seconds, table } from "./markdown.ts";

/** Generates the table of all actions in `docs/reference/resilience.md`, in Markdown. */
export function resilienceTable(): string {
	const rows = [...allActions()].map(([name, { contract }]) => [
		code(name),
		seconds(contract.timeout_ms ?? DEADLINE_MS),
		retries(contract),
		bulkhead(contract),
		contract.cached ? seconds(contract.cached.fresh_ms) : "",
	]);
	return table(["action", "deadline", "retries", "concurrency (queue)", "cached"], rows);
}

function retries(contract: ActionContract): string {
	const { idempotent } = contract;
	if (idempotent === true) {
		return `${RETRIES} times`;
	}
	return idempotent || takesKey(contract) ? `${RETRIES} times, with a key` : "";
}

function bulkhead({ bulkhead: limits }: ActionContract): string {
	return limits ? `${limits.concurrency} (${limits.maxQueueSize})` : "";
}
