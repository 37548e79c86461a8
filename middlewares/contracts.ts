import type { ActionSchema, Context, Middleware, Service } from "moleculer";
import { actionContract } from "../contracts/actions.ts";
import { fieldErrors, problem } from "../contracts/problems.ts";

/**
 * Holds every action to its contract, on the node that runs it: parameters are checked (and given their defaults)
 * before the handler, the result after it.
 */
export const contractMiddleware: Middleware = {
	name: "Contracts",
	localAction(next, action: ActionSchema) {
		const contract = actionContract(action.name as string);
		if (!contract) {
			return next;
		}
		return async function checkAgainstContract(this: Service, ctx: Context) {
			const params = contract.params.safeParse(ctx.params ?? {});
			if (!params.success) {
				throw problem("VALIDATION_FAILED", { errors: fieldErrors(params.error) });
			}
			ctx.params = params.data;
			const result = contract.result.safeParse(await next.call(this, ctx));
			if (!result.success) {
				const [first] = fieldErrors(result.error);
				throw new Error(`${action.name} broke its contract: ${first?.path} ${first?.message}`);
			}
			return result.data;
		};
	},
};
