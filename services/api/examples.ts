import { z } from "zod";
import { type ActionContract, rowsOf } from "../../contracts/contract.ts";
import type { Endpoint } from "./routes.ts";
import type { JsonSchema } from "./schemas.ts";

/**
 * Returns an example value of an action's parameter for the OpenAPI document: from the contract's own example, else
 * from the resource at the address, else from the schema.
 */
export function parameterExample(endpoint: Endpoint, field: string, schema: JsonSchema): unknown {
	const { contract, of } = endpoint;
	const [base] = contract.rest.path.split("/:");
	const neighbours = Object.values(of.actions).filter(({ rest }) => rest?.path.split("/:")[0] === base);
	const found = [contract.example, ...[contract, ...neighbours].map(resultExample)]
		.map((example) => (example as Record<string, unknown> | undefined)?.[field])
		.find((value) => value !== undefined && value !== null);
	return found ?? schema.examples?.[0] ?? schema.default ?? schema.enum?.[0] ?? ofType(schema);
}

/** Returns an example of an action's result, or of an element of it. */
function resultExample(contract: ActionContract): unknown {
	const result = rowsOf(contract) ?? contract.result;
	const one = result instanceof z.ZodArray ? (result.element as z.ZodType) : result;
	return (one.meta()?.examples as unknown[] | undefined)?.[0];
}

function ofType({ type, minimum }: JsonSchema): unknown {
	switch (type) {
		case "boolean":
			return true;
		case "integer":
		case "number":
			return Math.max(1, minimum ?? 1);
		default:
			return undefined;
	}
}
