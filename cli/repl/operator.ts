import { randomUUID } from "node:crypto";
import type { CallingOptions, Middleware, ServiceBroker } from "moleculer";
import type { ActionName, Meta } from "../../contracts/actions.ts";
import { callAction, withKey } from "../../contracts/actions.ts";

/** The person at the REPL, and the user that they act as: none, until `as <e-mail>`. */
export class Operator {
	acts_as: { email: string; role: string } | undefined;
	#token: string | undefined;
	#broker: ServiceBroker | undefined;

	/**
	 * Adds to calls typed at the REPL the token of the user that the operator acts as, and an idempotency key, with which
	 * transient errors are retried.
	 */
	middleware: Middleware = {
		name: "Operator",
		created: (broker) => {
			this.#broker = broker;
		},
		call: (next) =>
			((name: string, params: object, options: CallingOptions = {}) => {
				const callMeta = options.meta as (Meta & { $repl?: boolean }) | undefined;
				const meta = callMeta?.$repl
					? { ...withKey(name as ActionName, randomUUID()).meta, token: this.#token, ...callMeta }
					: callMeta;
				return next.call(this.#broker as ServiceBroker, name, params, { ...options, meta } as never);
			}) as never,
	};

	/** Returns options for a call as the user that the operator acts as, if there is one. */
	asUser(): { meta: Meta } {
		return { meta: this.#token === undefined ? {} : { token: this.#token } };
	}

	/** Makes later calls as this user, or without a user if there is no address or no such user. */
	async actAs(email: string | undefined): Promise<void> {
		// Commands from a pipe that follow a failed one must not run as the user before.
		this.acts_as = undefined;
		this.#token = undefined;
		if (!email) {
			return;
		}
		const { user, access_token } = await callAction(this.#broker as ServiceBroker, "v1.users.impersonate", {
			email,
		});
		this.acts_as = user;
		this.#token = access_token;
	}
}
