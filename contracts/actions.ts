import type { CallingOptions, Context, ServiceBroker, ServiceSchema } from "moleculer";
import type { z } from "zod";
import type { ActionContract, ServiceContract } from "./contract.ts";
import { type Contract, contracts, type events } from "./services.ts";

export { contracts, events } from "./services.ts";

/** `{ "v1.users.get": ActionContract<…>, … }` for all services. */
type ActionMap = {
	[C in Contract as C["name"]]: {
		[A in keyof C["actions"] & string as `v${C["version"]}.${C["name"]}.${A}`]: C["actions"][A];
	};
}[Contract["name"]] extends infer Each
	? (Each extends unknown ? (each: Each) => void : never) extends (all: infer All) => void
		? All
		: never
	: never;

/** The full name of an action, such as `v1.products.reserve`. */
export type ActionName = keyof ActionMap & string;
/** What a caller of the action gives. */
export type ParamsOf<N extends ActionName> =
	ActionMap[N] extends ActionContract<infer P> ? z.input<P> : never;
/** What a caller of the action gets. */
export type ResultOf<N extends ActionName> =
	ActionMap[N] extends ActionContract<infer _, infer R> ? z.output<R> : never;

export type EventName = keyof typeof events;
export type EventData<N extends EventName> = z.output<(typeof events)[N]["data"]>;

/** An event as it travels; `id` is the same however often it is delivered. */
export interface EventEnvelope<N extends EventName = EventName> {
	id: string;
	name: N;
	version: number;
	/** What it happened to, such as `order:<id>`; its events have a `sequence` from 1, in the order of their commits. */
	aggregate: string;
	sequence: number;
	occurred_at: string;
	data: EventData<N>;
}

/** Who calls: a person, proven by a token, or one of Toko's services. */
export type Caller =
	| { id: number; role: "user" | "admin"; session_version: number }
	| { id: null; role: "service" };

/** An `Idempotency-Key`, for one call of one action. */
export interface IdempotencyMeta {
	key: string;
	action: string;
	/** When the client asked, ISO 8601. */
	asked_at: string;
}

/** What travels with a call and the calls below it. `$` names are the gateway's own. */
export interface Meta {
	token?: string;
	/** The address of the client, where the call comes through a gateway. */
	client?: string;
	/** Of the action that it is given to; the calls below it are named after it. */
	idempotency?: IdempotencyMeta;
	/** The W3C trace that the client's request belongs to (Trace Context, level 1). */
	traceparent?: string;
	$statusCode?: number;
	$location?: string;
	/** Where the next page begins, if there is one. */
	$next?: string | undefined;
	/** How old an answer is that was kept, because the service is away. */
	$age_s?: number;
}

type ServiceActions = NonNullable<ServiceSchema["actions"]>;

type Call = <N extends ActionName>(
	name: N,
	params: ParamsOf<N>,
	options?: CallingOptions,
) => Promise<ResultOf<N>>;

/** A Moleculer context whose `call` knows the contracts; `locals.caller` is set where an action is not public. */
export type ActionContext<P = unknown> = Omit<Context<P, Meta>, "call" | "locals"> & {
	call: Call;
	locals: {
		caller?: Caller;
		/** Names the request, where it came with an `Idempotency-Key`: the same each time that it is repeated. */
		key_id?: string;
		/** Whether that request was begun before and got no answer, so that it may have been done. */
		is_repetition?: boolean;
	};
};

/** Calls an action from outside a handler (CLI, jobs, tests) with the contracts' types. */
export function callAction<N extends ActionName>(
	broker: ServiceBroker,
	name: N,
	params: ParamsOf<N>,
	options?: CallingOptions,
): Promise<ResultOf<N>> {
	return broker.call<ResultOf<N>, ParamsOf<N>>(name, params, options);
}

/** Calling options for a call that may be repeated: it is done once, and its repetitions get its answer. */
export function withKey(action: ActionName, key: string): { meta: Meta } {
	return { meta: { idempotency: { key, action, asked_at: new Date().toISOString() } } };
}

type Handlers<C extends ServiceContract, This> = {
	[A in keyof C["actions"]]: C["actions"][A] extends ActionContract<infer P, infer R>
		? (this: This, ctx: ActionContext<z.output<P>>) => Promise<z.input<R>> | z.input<R>
		: never;
};

/**
 * The actions of a service, one handler for each action of its contract: a missing one, an unknown one, a wrong
 * parameter or a wrong result does not compile. Deadlines, retries and permissions come from the contract.
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

/** An action's contract with that of its service. */
export interface DeclaredAction {
	contract: ActionContract;
	of: ServiceContract;
}

const byName = new Map<string, DeclaredAction>();

/** Makes a service's actions known to this process, beside `contracts`: a later version, or a service of somebody else's. */
export function declare(service: ServiceContract): void {
	for (const [name, contract] of Object.entries(service.actions)) {
		byName.set(`v${service.version}.${service.name}.${name}`, { contract, of: service });
	}
}

contracts.forEach(declare);

/** The contract of an action by its full name. */
export function actionContract(name: string): ActionContract | undefined {
	return byName.get(name)?.contract;
}

/** All actions by their full names. */
export function allActions(): ReadonlyMap<string, DeclaredAction> {
	return byName;
}
