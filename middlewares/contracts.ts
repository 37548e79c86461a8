import type { ActionSchema, Context, Middleware, Service } from "moleculer";
import { actionContract } from "../contracts/actions.ts";
import { type ActionContract, PARSED, type Parsed } from "../contracts/contract.ts";
import { fieldErrors, problem } from "../contracts/problems.ts";

/**
 * Validates each action against its contract, on the node that runs it: the parameters (with their defaults) before the
 * handler, the result after it.
 */
export const contractMiddleware: Middleware = {
	name: "Contracts",
	localAction(next, action: ActionSchema) {
		const contract = actionContract(action.name as string);
		if (!contract) {
			return next;
		}
		return async function checkAgainstContract(this: Service, ctx: Context) {
			ctx.params = (ctx.options as Parsed)[PARSED] ?? parse(contract, ctx.params);
			const result = contract.result.safeParse(await next.call(this, ctx));
			if (!result.success) {
				const [first] = fieldErrors(result.error);
				throw new Error(`${action.name} broke its contract: ${first?.path} ${first?.message}`);
			}
			return result.data;
		};
	},
};

function parse({ params: schema }: ActionContract, input: unknown): object {
	const params = schema.safeParse(input ?? {});
	if (!params.success) {
		throw problem("VALIDATION_FAILED", { errors: fieldErrors(params.error) });
	}
	return params.data;
}
