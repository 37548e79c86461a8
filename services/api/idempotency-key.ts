import type { IncomingMessage } from "node:http";
import { actionContract, type IdempotencyMeta } from "../../contracts/actions.ts";
import { idempotencyKey, KEY_HEADER, takesKey } from "../../contracts/contract.ts";
import { problem } from "../../contracts/problems.ts";

/**
 * Returns the `Idempotency-Key` of a request, if its action accepts one.
 *
 * @throws VALIDATION_FAILED
 */
export function readKey(action: string, headers: IncomingMessage["headers"]): IdempotencyMeta | undefined {
	const header = headers[KEY_HEADER];
	const contract = actionContract(action);
	if (header === undefined || !contract || !takesKey(contract)) {
		return undefined;
	}
	const key = idempotencyKey.safeParse(header);
	if (!key.success) {
		const message = key.error.issues[0]?.message ?? "";
		throw problem("VALIDATION_FAILED", { errors: [{ path: "idempotency_key", message }] });
	}
	return { key: key.data, action, asked_at: new Date().toISOString() };
}
