import type { CallingOptions, Context, ServiceBroker, ServiceSchema } from "moleculer";
import type { z } from "zod";
import type { ActionContract, ServiceContract } from "./contract.ts";
import { type Contract, contracts, type events } from "./services.ts";

export { contracts, events } from "./services.ts";

/** Type of `{ "v1.users.get": ActionContract<…>, … }` for all services. */
type ActionMap = {
	[C in Contract as C["name"]]: {
		[A in keyof C["actions"] & string as `v${C["version"]}.${C["name"]}.${A}`]: C["actions"][A];
	};
}[Contract["name"]] extends infer Each
	? (Each extends unknown ? (each: Each) => void : never) extends (all: infer All) => void
		? All
		: never
	: never;

/** Full name of an action, such as `v1.products.reserve`. */
export type ActionName = keyof ActionMap & string;
/** Parameters of an action, as its callers pass them. */
export type ParamsOf<N extends ActionName> =
	ActionMap[N] extends ActionContract<infer P> ? z.input<P> : never;
/** Result of an action, as its callers receive it. */
export type ResultOf<N extends ActionName> =
	ActionMap[N] extends ActionContract<infer _, infer R> ? z.output<R> : never;

export type EventName = keyof typeof events;
export type EventData<N extends EventName> = z.output<(typeof events)[N]["data"]>;

/** An event as it is transmitted; `id` is the same in every delivery. */
export interface EventEnvelope<N extends EventName = EventName> {
	id: string;
	name: N;
	version: number;
	/**
	 * Entity that the event is about, such as `order:<id>`. Its events are numbered by `sequence` from 1, in commit
	 * order.
	 */
	aggregate: string;
	sequence: number;
	occurred_at: string;
	data: EventData<N>;
	/** Trace context of the consumer that handles the event, for what follows from it; not transmitted. */
	traceparent?: string;
	/** Id of the request that has caused the event, for logs; not transmitted. */
	request_id?: string;
}

/** The authenticated caller: a person, proven by a token, or one of Toko's services. */
export type Caller =
	| { id: number; role: "user" | "admin"; session_version: number }
	| { id: null; role: "service" };

/** An `Idempotency-Key`, for one call of one action. */
export interface IdempotencyMeta {
	key: string;
	action: string;
	/** Time of the client's request, ISO 8601. */
	asked_at: string;
}

/** Metadata of a call, passed on to nested calls. */
export interface Meta {
	token?: string;
	/** Address of the client, if the call comes through a gateway. */
	client?: string;
	/** Key of the called action; the keys of nested calls are derived from it. */
	idempotency?: IdempotencyMeta;
}

type ServiceActions = NonNullable<ServiceSchema["actions"]>;

type Call = <N extends ActionName>(
	name: N,
	params: ParamsOf<N>,
	options?: CallingOptions,
) => Promise<ResultOf<N>>;

/** A Moleculer context whose `call` is typed by the contracts; `locals.caller` is set unless the action is public. */
export type ActionContext<P = unknown> = Omit<Context<P, Meta>, "call" | "locals"> & {
	call: Call;
	locals: {
		caller?: Caller;
		/** Id of a request with an `Idempotency-Key`, the same in each repetition. */
		key_id?: string;
		/** True if the request may have been done before: it was begun and has no response, or its record cannot be read. */
		is_repetition?: boolean;
	};
};

/** Calls an action from outside a handler (CLI, jobs, tests) with the types of the contracts. */
export function callAction<N extends ActionName>(
	broker: ServiceBroker,
	name: N,
	params: ParamsOf<N>,
	options?: CallingOptions,
): Promise<ResultOf<N>> {
	return broker.call<ResultOf<N>, ParamsOf<N>>(name, params, options);
}

/** Returns calling options for a repeatable call: it is done once, and its repetitions return the same response. */
export function withKey(action: ActionName, key: string): { meta: Meta } {
	return { meta: { idempotency: { key, action, asked_at: new Date().toISOString() } } };
}

type Handlers<C extends ServiceContract, This> = {
	[A in keyof C["actions"]]: C["actions"][A] extends ActionContract<infer P, infer R>
		? (this: This, ctx: ActionContext<z.output<P>>) => Promise<z.input<R>> | z.input<R>
		: never;
};

/**
 * Creates the actions of a service, with one handler for each action of its contract. A missing or unknown action, a
 * wrong parameter or a wrong result does not compile. Deadlines, retries and permissions come from the contract.
 */
export function implement<This>() {
	return <C extends ServiceContract>(contract: C, handlers: Handlers<C, This>): ServiceActions => {
		const actions: ServiceActions = {};
		for (const [name, definition] of Object.entries(contract.actions)) {
			actions[name] = {
				permissions: definition.permissions,
				...(definition.timeout_ms ? { timeout: definition.timeout_ms } : {}),
				handler: handlers[name as keyof C["actions"]] as never,
			} as ServiceActions[string];
		}
		return actions;
	};
}

/** Contract of an action, with that of its service. */
export interface DeclaredAction {
	contract: ActionContract;
	of: ServiceContract;
}

const byName = new Map<string, DeclaredAction>();

/**
 * Registers the actions of a service that is not in `contracts`, such as a later version or a third party's service.
 */
export function declare(service: ServiceContract): void {
	for (const [name, contract] of Object.entries(service.actions)) {
		byName.set(`v${service.version}.${service.name}.${name}`, { contract, of: service });
	}
}

contracts.forEach(declare);

/** Returns the contract of an action by its full name; undefined if there is none. */
export function actionContract(name: string): ActionContract | undefined {
	return byName.get(name)?.contract;
}

/** Returns all actions by their full names. */
export function allActions(): ReadonlyMap<string, DeclaredAction> {
	return byName;
}
